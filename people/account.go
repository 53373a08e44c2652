package people

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// The scopes in which what names an account is unique. Only keyed fingerprints are
// claimed, so that erasing a key erases the claim's meaning.
const (
	emailScope    credentials.ScopeKind = "email"
	usernameScope credentials.ScopeKind = "username"
)

// nameUse is what an account uses its names for.
const nameUse = "account"

// names are what an account claims in one scope, none for an empty value.
func (s *Service) names(scope credentials.ScopeKind, value string) ([]store.Name, error) {
	if value == "" {
		return nil, nil
	}
	list, err := credentials.Names(s.core.Keys, credentials.Scope{Kind: scope}, credentials.MarkMaterial([]byte(value)))
	if err != nil {
		return nil, err
	}
	out := make([]store.Name, len(list))
	for i, n := range list {
		out[i] = store.Name(n)
	}
	return out, nil
}

// claim takes the names of a new account.
func (s *Service) claim(u *flow.Unit, a accounts.Account) error {
	email := a.Email.Canonical()
	if !s.o.Policy.EmailUnique {
		email = ""
	}
	emails, err := s.names(emailScope, email)
	if err != nil {
		return err
	}
	if err := s.vacant(u, a.ID, emails, email); err != nil {
		return err
	}
	if err := s.index(u, a); err != nil {
		return err
	}
	usernames, err := s.names(usernameScope, a.Username)
	if err != nil {
		return err
	}
	for _, n := range append(emails, usernames...) {
		u.Do(store.Claim{Name: n, Holder: string(a.ID), Use: nameUse})
	}
	return nil
}

// vacant reports [accounts.ErrEmailInUse] if another account has an address that is to be
// one account's alone: also one from a time when addresses were shared, which claims none.
func (s *Service) vacant(u *flow.Unit, own accounts.ID, names []store.Name, email string) error {
	for _, n := range names {
		known, _, err := flow.Load(u, rec.Addresses, string(n))
		if err != nil {
			return err
		}
		for _, id := range known.Accounts {
			a, found, err := flow.Peek(u, rec.Accounts, id) // whoever gets the address writes the record above
			if err != nil {
				return err
			}
			if found && a.ID != own && a.Removed.IsZero() && a.Email.Canonical() == email {
				return accounts.ErrEmailInUse
			}
		}
	}
	return nil
}

// index makes an account findable by its address, also after it is removed.
func (s *Service) index(u *flow.Unit, a accounts.Account) error {
	emails, err := s.names(emailScope, a.Email.Canonical())
	if err != nil {
		return err
	}
	for _, n := range emails {
		known, _, err := flow.Load(u, rec.Addresses, string(n))
		if err != nil {
			return err
		}
		known.Accounts = append(known.Accounts, string(a.ID))
		if err := flow.Put(u, rec.Addresses, string(n), &known); err != nil {
			return err
		}
	}
	return nil
}

// Resolve returns the ids of every account that has or had an address, removed ones
// included, the oldest first: the log finds their entries by it. It asks no right; the
// log does.
func (s *Service) Resolve(ctx context.Context, email accounts.Email) ([]accounts.ID, error) {
	emails, err := s.names(emailScope, email.Canonical())
	if err != nil {
		return nil, err
	}
	var out []accounts.ID
	for _, n := range emails {
		rs, err := s.core.Store.Load(ctx, rec.Addresses.Key(string(n)))
		if err != nil {
			return nil, err
		}
		known, _, err := rec.Addresses.Decode(rs[0])
		if err != nil {
			return nil, err
		}
		for _, id := range known.Accounts {
			if !slices.Contains(out, accounts.ID(id)) {
				out = append(out, accounts.ID(id))
			}
		}
	}
	return out, nil
}

// release frees the address of an account. Its username stays taken: the log refers to it.
func (s *Service) release(u *flow.Unit, a accounts.Account) error {
	emails, err := s.names(emailScope, a.Email.Canonical())
	for _, n := range emails {
		u.Do(store.Release{Name: n, Holder: string(a.ID), Use: nameUse})
	}
	return err
}

// visible reports whether somebody restricted to sites may know of an account.
func visible(sites accounts.Sites, a accounts.Account) bool {
	return sites.All() || sites.Overlaps(a.Sites)
}

// judge answers not found alike for an account that is not there and for one of no site
// that the operator shares. Of a removed account only those hear who may see all sites.
func judge(sites accounts.Sites, a accounts.Account, found bool) error {
	switch {
	case !found || !visible(sites, a):
		return accounts.ErrAccountNotFound
	case !a.Removed.IsZero():
		return accounts.ErrAccountRemoved
	}
	return nil
}

// system is keyholder's own account. It is always there and stored nowhere.
func system() accounts.Account {
	return accounts.Account{ID: accounts.SystemID, Sites: accounts.AllSites()}
}

// load reads an account for a decision.
func load(u *flow.Unit, sites accounts.Sites, id accounts.ID) (accounts.Account, error) {
	if id == accounts.SystemID {
		return system(), nil
	}
	a, found, err := flow.Load(u, rec.Accounts, string(id))
	if err != nil {
		return a, err
	}
	return a, judge(sites, a, found)
}

// peek reads an account for a view.
func (s *Service) peek(ctx context.Context, sites accounts.Sites, id accounts.ID) (accounts.Account, error) {
	if id == accounts.SystemID {
		return system(), nil
	}
	rs, err := s.core.Store.Load(ctx, rec.Accounts.Key(string(id)))
	if err != nil {
		return accounts.Account{}, err
	}
	a, _, err := rec.Accounts.Decode(rs[0])
	if err != nil {
		return a, err
	}
	return a, judge(sites, a, rs[0].Version != 0)
}

// maxSites is how many sites an entry is found by: a log entry has 16 targets.
const maxSites = 14

// subject is whose key seals what an entry says of an account.
func subject(id accounts.ID) string { return audit.AccountActor + "/" + string(id) }

// say adds the entry of an act on an account, with who it was at that time.
func say(u *flow.Unit, action audit.Action, a accounts.Account, fields ...flow.Field) error {
	targets := []string{string(a.ID)}
	for _, site := range a.Sites.IDs()[:min(len(a.Sites.IDs()), maxSites)] {
		targets = append(targets, flow.Site(site))
	}
	of := subject(a.ID)
	_, err := u.Say(action, audit.Success, targets, append([]flow.Field{
		flow.F(audit.FieldAccount, string(a.ID)),
		{Name: audit.FieldEmail, Value: a.Email.String(), Of: of},
		{Name: audit.FieldUsername, Value: a.Username, Of: of},
	}, fields...)...)
	return err
}

// changed are the fields that say how a status moved.
func changed(u *flow.Unit, before, after accounts.Account) []flow.Field {
	return []flow.Field{
		flow.F(audit.FieldStatusBefore, string(before.StatusPowerManage(u.Now()))),
		flow.F(audit.FieldStatus, string(after.StatusPowerManage(u.Now()))),
	}
}

// change loads an account, edits it and says what was done, all in one commit.
func (op *Operator) change(ctx context.Context, name string, id accounts.ID, edit func(u *flow.Unit, g accounts.Grant, a accounts.Account) (accounts.Account, error)) (Account, error) {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return Account{}, err
	}
	var after accounts.Account
	var targets []string
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		a, err := load(u, g.Sites, id)
		if err != nil {
			return err
		}
		targets = []string{string(id)}
		if err := op.guard(u, name, g, a); err != nil {
			return err
		}
		if after, err = edit(u, g, a); err != nil {
			return err
		}
		if err := op.people.keepAdmin(u, a, after); err != nil {
			return err
		}
		u.Project(string(id))
		return errors.Join(u.Took(a, after), flow.Put(u, rec.Accounts, string(id), &after))
	})
	if err != nil {
		return Account{}, op.refused(ctx, name, targets, taken(err))
	}
	return op.people.view(after), nil
}
