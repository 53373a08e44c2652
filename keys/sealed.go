package keys

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// salts are the keys of what the log says of persons.
type salts struct{ *job }

func (salts) kind() store.Kind { return rec.Salts.Name }

func (j salts) count(_ context.Context, r store.Record, t *counts) error {
	s, _, err := rec.Salts.Decode(r)
	if s.KeyID == j.r.From {
		t.Sealed++
	}
	return err
}

func (j salts) fill(u *flow.Unit, id string) (bool, error) {
	s, _, err := flow.Load(u, rec.Salts, id)
	if err != nil || s.KeyID != j.r.From {
		return false, err
	}
	if s, err = flow.Remade(j.keys, id, s); err != nil {
		return false, err
	}
	return true, flow.Put(u, rec.Salts, id, &s)
}

func (salts) shed(*flow.Unit, string) (bool, error) { return false, nil } // no names

// panels have the secrets by which they are reached.
type panels struct{ *job }

func (panels) kind() store.Kind { return rec.Panels.Name }

func (j panels) count(_ context.Context, r store.Record, t *counts) error {
	p, _, err := rec.Panels.Decode(r)
	for _, route := range p.Routes {
		for _, s := range route.Secrets {
			j.sealed(t, s)
		}
	}
	return err
}

func (j panels) fill(u *flow.Unit, id string) (bool, error) {
	p, _, err := flow.Load(u, rec.Panels, id)
	if err != nil {
		return false, err
	}
	changed := false
	for name, route := range p.Routes {
		for key, s := range route.Secrets {
			if !j.old(s) {
				continue
			}
			if err := j.reseal(rec.SecretBinding(id, p.Generation, name, key, route.Addr, p.Ident), &s); err != nil {
				return false, err
			}
			route.Secrets[key], changed = s, true
		}
	}
	if !changed {
		return false, nil
	}
	return true, flow.Put(u, rec.Panels, id, &p)
}

func (panels) shed(*flow.Unit, string) (bool, error) { return false, nil } // no names

// logins have the secrets of authenticators, and the fingerprints of recovery codes, which
// nobody can make anew: they are counted until their owner has new ones.
type logins struct{ *job }

func (logins) kind() store.Kind { return rec.Logins.Name }

func (j logins) count(_ context.Context, r store.Record, t *counts) error {
	l, _, err := rec.Logins.Decode(r)
	for _, app := range []*rec.Authenticator{l.App, l.Pending} {
		if app != nil {
			j.sealed(t, app.Secret)
		}
	}
	for _, p := range l.Recovery {
		if p.KeyID == j.r.From {
			t.OldNames++
			t.Opaque++
		}
	}
	return err
}

func (j logins) fill(u *flow.Unit, id string) (bool, error) {
	l, _, err := flow.Load(u, rec.Logins, id)
	if err != nil {
		return false, err
	}
	changed := false
	for _, app := range []*rec.Authenticator{l.App, l.Pending} {
		if app == nil || !j.old(app.Secret) {
			continue
		}
		if err := j.reseal(rec.AppBinding(id, app.Generation), &app.Secret); err != nil {
			return false, err
		}
		changed = true
	}
	if !changed {
		return false, nil
	}
	return true, flow.Put(u, rec.Logins, id, &l)
}

func (logins) shed(*flow.Unit, string) (bool, error) { return false, nil } // no names

// attributes are the secret attributes of accounts.
type attributes struct{ *job }

func (attributes) kind() store.Kind { return rec.AttributeLists.Name }

func (j attributes) count(_ context.Context, r store.Record, t *counts) error {
	a, _, err := rec.AttributeLists.Decode(r)
	for _, s := range a.Secret {
		j.sealed(t, s)
	}
	return err
}

func (j attributes) fill(u *flow.Unit, id string) (bool, error) {
	a, _, err := flow.Load(u, rec.AttributeLists, id)
	if err != nil {
		return false, err
	}
	changed := false
	for name, s := range a.Secret {
		if !j.old(s) {
			continue
		}
		if err := j.reseal(rec.AttributeBinding(id, name), &s); err != nil {
			return false, err
		}
		a.Secret[name], changed = s, true
	}
	if !changed {
		return false, nil
	}
	return true, flow.Put(u, rec.AttributeLists, id, &a)
}

func (attributes) shed(*flow.Unit, string) (bool, error) { return false, nil } // no names

// readers have the keys of their journals.
type readers struct{ *job }

func (readers) kind() store.Kind { return rec.Readers.Name }

func (j readers) count(_ context.Context, r store.Record, t *counts) error {
	reader, _, err := rec.Readers.Decode(r)
	j.sealed(t, reader.Journal)
	return err
}

func (j readers) fill(u *flow.Unit, id string) (bool, error) {
	r, _, err := flow.Load(u, rec.Readers, id)
	if err != nil || !j.old(r.Journal) {
		return false, err
	}
	if err := j.reseal(rec.JournalBinding(id), &r.Journal); err != nil {
		return false, err
	}
	return true, flow.Put(u, rec.Readers, id, &r)
}

func (readers) shed(*flow.Unit, string) (bool, error) { return false, nil } // no names
