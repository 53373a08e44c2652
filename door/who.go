package door

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// nobody is the id that no account has: where there is no holder, the same is read.
const nobody = "none"

// prints are the fingerprints of what was shown, and the names under which they are
// claimed, one for each key of the epoch.
func (s *Service) prints(one Shown) (prints []credentials.Fingerprint, names []store.Name, err error) {
	m, err := one.material()
	if err != nil {
		return nil, nil, err
	}
	scope := credentials.Scope{Kind: credentials.TenantScope}
	for _, key := range s.core.Keys.Epoch().Prints {
		f, err := s.core.Keys.Print(key, scope, m)
		if err != nil {
			return nil, nil, err
		}
		prints, names = append(prints, f), append(names, store.Name(credentials.Name(scope, key, f)))
	}
	return prints, names, nil
}

// holder is who has one of the names, [nobody] if nobody has.
func (s *Service) holder(ctx context.Context, names []store.Name) (string, error) {
	held, err := s.core.Store.Holders(ctx, names...)
	if err != nil {
		return nobody, err
	}
	for _, h := range held {
		if h.Holder != "" {
			return h.Holder, nil
		}
	}
	return nobody, nil
}

// person is what is known of who was meant.
type person struct {
	account string
	record  credentials.Record
	usage   string // id of how often what was presented was used
	counted bool   // uses end it, so that devices have to follow
	used    rec.Usage
}

// owned is one credential with its id.
type owned struct {
	id string
	rec.Credential
}

// person reads an account and what lets it in at a site. A PIN and its duress PIN are one: they have
// the PIN's restrictions and count their uses together, so that nothing tells which was
// typed.
func (s *Service) person(u *flow.Unit, site, account string, prints []credentials.Fingerprint) (person, error) {
	p := person{account: account, record: credentials.Record{Holder: account}}
	acc, in, err := s.account(u, account)
	if err != nil {
		return p, err
	}
	devices, _, err := flow.Load(u, rec.Projections, account)
	if err != nil {
		return p, err
	}
	keys := s.core.Keys.Epoch().Prints
	own, err := s.credentials(u, account, prints, keys)
	if err != nil {
		return p, err
	}
	main := restrictions(own, prints, keys)
	p.usage = main.usage(account)
	p.counted = main.Counted()
	if p.used, _, err = flow.Load(u, rec.Usages, p.usage); err != nil {
		return p, err
	}
	p.record = record(acc, in && !devices.Ended.Holds(site), site, main.Credential, p.used)
	p.record.Holder = account
	for _, c := range own {
		p.record.Secrets = append(p.record.Secrets, secrets(c.Credential, keys)...)
	}
	if main.Schedule != nil {
		p.record.Hours, err = hours(main.Type, *main.Schedule)
	}
	return p, err
}

// usage is the id under which the uses of an account's credential are counted.
func (c owned) usage(account string) string {
	if c.Kind == rec.TagNumber {
		return c.id
	}
	return rec.CredentialID(account, rec.PIN, 0)
}

// credentials reads what of an account was presented: a tag, or the PIN with its duress PIN.
// It is read again for the decision, because a list cannot be checked.
func (s *Service) credentials(u *flow.Unit, account string, prints []credentials.Fingerprint, keys []string) ([]owned, error) {
	listed, err := s.core.Store.List(u.Context(), store.Query{Kind: rec.Credentials.Name, Term: rec.ByAccount, From: []byte(account), To: append([]byte(account), 0)})
	if err != nil {
		return nil, err
	}
	var all, own []owned
	for _, r := range listed {
		c, _, err := rec.Credentials.Decode(r)
		if err != nil {
			return nil, err
		}
		all = append(all, owned{r.Key.ID, c})
	}
	usage := restrictions(all, prints, keys).usage(account)
	for _, c := range all {
		if c.usage(account) != usage {
			continue
		}
		again, found, err := flow.Load(u, rec.Credentials, c.id)
		if err != nil {
			return nil, err
		}
		if found {
			own = append(own, owned{c.id, again})
		}
	}
	return own, nil
}

// restrictions is the credential whose restrictions count: the tag that was presented,
// else the PIN, else what there is of codes.
func restrictions(all []owned, prints []credentials.Fingerprint, keys []string) owned {
	var main owned
	for _, c := range all {
		shown := false
		for _, f := range printsOf(c.Names, keys) {
			shown = shown || slices.Contains(prints, f)
		}
		switch {
		case c.Kind == rec.TagNumber && shown, c.Kind == rec.PIN && main.Kind != rec.TagNumber, c.Kind == rec.DuressPIN && main.Kind == "":
			main = c
		}
	}
	return main
}

// record is an account at a site with the restrictions of one of its credentials, without
// secrets and hours. Who is not in opens nothing: an account that is not there, somebody
// whom the host keeps out, or whose access was ended at the site.
func record(a accounts.Account, in bool, site string, main rec.Credential, used rec.Usage) credentials.Record {
	r := credentials.Record{Disabled: main.Disabled || !in, Window: main.Window, Type: main.Type, Max: main.Uses, Used: used.Count, Needs: main.Needs,
		Life: main.Life(used), As: subjects(a)}
	return a.Door(r, site)
}

// subjects is as whom an account acts, without its groups.
func subjects(a accounts.Account) []credentials.Subject {
	as := []credentials.Subject{{Kind: rec.AccountSubject, ID: string(a.ID)}}
	for _, name := range a.Roles {
		as = append(as, credentials.Subject{Kind: rec.RoleSubject, ID: name})
	}
	return as
}

// secrets is a credential in the form that is compared.
func secrets(c rec.Credential, keys []string) []credentials.Secret {
	var out []credentials.Secret
	for _, f := range printsOf(c.Names, keys) {
		one := credentials.Secret{Kind: kindOf(c.Kind), Print: f}
		if c.Kind == rec.TagNumber {
			one.Typed, one.Lost = f, c.State != rec.TagActive
		}
		out = append(out, one)
	}
	return out
}

func hours(t credentials.UserType, own credentials.Schedule) (*credentials.Compiled, error) {
	if c, err := t.Own(own); c != nil || err != nil {
		return c, err
	}
	return own.Compile()
}

func kindOf(k rec.CredentialKind) credentials.Kind {
	switch k {
	case rec.DuressPIN:
		return credentials.DuressPIN
	case rec.TagNumber:
		return credentials.TagNumber
	}
	return credentials.PIN
}

// printsOf reads the fingerprints out of the names of a credential: those under the first
// of the keys that has any, so that nothing counts twice during a rotation.
func printsOf(names, keys []string) []credentials.Fingerprint {
	for _, key := range keys {
		var out []credentials.Fingerprint
		for _, n := range names {
			parts := strings.Split(n, "|")
			if len(parts) != 3 || parts[1] != key {
				continue
			}
			var f credentials.Fingerprint
			if k, err := base64.RawURLEncoding.Decode(f[:], []byte(parts[2])); err == nil && k == len(f) {
				out = append(out, f)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}
