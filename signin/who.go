package signin

import (
	"context"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// The scopes under which package people keeps names.
const (
	emailScope    credentials.ScopeKind = "email"
	usernameScope credentials.ScopeKind = "username"
)

// maxName is longer than any name that an account has.
const maxName = 254

// target is what somebody tries to sign in to.
type target struct {
	key     string // the account's id; else a fingerprint of what was typed, which is not kept
	known   bool
	account accounts.Account
	login   rec.Login
	device  string // id of the remembered device that was shown, "" for none of the account's
	trusted bool
}

// folded is a name as it is compared. Only ASCII letters lose their case: some of other
// scripts would turn into Latin ones, and a stranger's name into an owner's.
func folded(name string) string {
	name = strings.TrimSpace(name)
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, name[:min(len(name), maxName)])
}

// find looks for the account that a name stands for, removed ones included. It asks the
// store the same whether there is one or not.
func (s *Service) find(ctx context.Context, name string, device Token) (target, error) {
	name = folded(name)
	by := s.o.Accounts.LoginBy
	scope := usernameScope
	if by == accounts.ByEmail || by == accounts.ByEither && strings.Contains(name, "@") {
		scope = emailScope
	}
	names, err := credentials.Names(s.core.Keys, credentials.Scope{Kind: scope}, credentials.MarkMaterial([]byte(name)))
	if err != nil {
		return target{}, err
	}
	ids, err := s.holders(ctx, scope, names)
	if err != nil {
		return target{}, err
	}
	stranger, err := s.core.Keys.Print(s.core.Keys.Epoch().Prints[0], credentials.Scope{Kind: scope, ID: "stranger"}, credentials.MarkMaterial([]byte(name)))
	if err != nil {
		return target{}, err
	}
	t := target{key: stranger.String()}
	var found []accounts.Account
	for _, id := range append(ids, "")[:max(1, len(ids))] { // one look where there is nobody
		a, ok, err := s.account(ctx, id)
		if err != nil {
			return target{}, err
		}
		if ok && (scope == usernameScope || a.Email.Canonical() == name || !a.Removed.IsZero()) {
			found = append(found, a)
		}
	}
	t.choose(found)
	return t, s.read(ctx, &t, device)
}

// choose takes the one account that is there, or the last that was removed. Where several
// share an address it names none of them.
func (t *target) choose(found []accounts.Account) {
	there := 0
	for _, a := range found {
		if a.Removed.IsZero() {
			there++
			t.account = a
		}
	}
	if there == 0 && len(found) > 0 {
		t.account = found[len(found)-1]
	}
	if t.known = there == 1 || there == 0 && len(found) > 0; t.known {
		t.key = string(t.account.ID)
	}
}

// holders lists the ids of the accounts that have, or had, a name.
func (s *Service) holders(ctx context.Context, scope credentials.ScopeKind, names []string) ([]string, error) {
	var ids []string
	if scope == usernameScope {
		held := make([]store.Name, len(names))
		for i, n := range names {
			held[i] = store.Name(n)
		}
		hs, err := s.core.Store.Holders(ctx, held...)
		for _, h := range hs {
			if h.Holder != "" && len(ids) == 0 {
				ids = append(ids, h.Holder)
			}
		}
		return ids, err
	}
	keys := make([]store.Key, len(names))
	for i, n := range names {
		keys[i] = rec.Addresses.Key(n)
	}
	rs, err := s.core.Store.Load(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, r := range rs {
		known, _, err := rec.Addresses.Decode(r)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			ids = known.Accounts
		}
	}
	return ids, nil
}

func (s *Service) account(ctx context.Context, id string) (accounts.Account, bool, error) {
	if id == "" {
		id = "none"
	}
	rs, err := s.core.Store.Load(ctx, rec.Accounts.Key(id))
	if err != nil {
		return accounts.Account{}, false, err
	}
	a, _, err := rec.Accounts.Decode(rs[0])
	return a, rs[0].Version != 0, err
}

// read adds how the account signs in and whether it remembers the device.
func (s *Service) read(ctx context.Context, t *target, device Token) error {
	rs, err := s.core.Store.Load(ctx, rec.Logins.Key(t.key), rec.Devices.Key(device.of(deviceToken)), rec.Quarantines.Key(rec.QuarantineID))
	if err != nil {
		return err
	}
	if t.login, _, err = rec.Logins.Decode(rs[0]); err != nil {
		return err
	}
	d, _, err := rec.Devices.Decode(rs[1])
	if err != nil {
		return err
	}
	q, _, err := rec.Quarantines.Decode(rs[2])
	if err != nil {
		return err
	}
	if device.matches(d.Hash) && t.known && d.Account == t.key && d.Epoch == t.login.Epoch && s.core.Time().Before(d.Ends) && d.Since.After(q.Since) {
		t.device, t.trusted = device.id, s.p.SkipFactor
	}
	return nil
}
