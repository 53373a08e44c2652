package roster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Secret gives a driver the stored secret of a panel that calls in: such a driver needs
// the key before it knows which panel it is, and asks by the identity that the caller
// claims. It is for drivers only; [panel.ErrPanelNotFound] if there is none.
func (d *Desk) Secret(ctx context.Context, driver, ident, route, name string) (panel.Secret, error) {
	if d.opener == nil {
		return panel.Secret{}, ErrNoOpener
	}
	id, p, err := d.byIdent(ctx, driver, ident)
	if err != nil {
		return panel.Secret{}, err
	}
	r, ok := p.Routes[route]
	sealed, has := r.Secrets[name]
	if id == "" || !ok || !has {
		return panel.Secret{}, panel.ErrPanelNotFound
	}
	plain, err := d.opener.Open(secretBinding(id, p.Generation, route, name, r.Addr, p.Ident), sealed)
	if err != nil {
		return panel.Secret{}, fmt.Errorf("%w: %w", ErrSecretUnbound, err)
	}
	return panel.SecretOf(plain), nil
}

// adoptSecret takes over the user whose code opens the panel: that code is the panel's
// secret, so it is known and is held like any other of ours, unless somebody else on
// this panel has it.
func (w *turn) adoptSecret(ctx context.Context, user *rec.User, at time.Time) error {
	s, err := user.Adopt(at)
	if err != nil {
		return err
	}
	for name, r := range w.panel.Routes {
		sealed, has := r.Secrets[panel.MasterSecret]
		if !has {
			continue
		}
		plain, err := w.desk.opener.Open(secretBinding(w.id, w.panel.Generation, name, panel.MasterSecret, r.Addr, w.panel.Ident), sealed)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSecretUnbound, err)
		}
		code, err := panel.ParseCode(string(plain))
		if err != nil {
			continue // this route's secret is no code of a user
		}
		names, err := codeNames(w.desk.core.Keys, w.id, code)
		if err != nil {
			return err
		}
		held, err := w.desk.core.Store.Holders(ctx, store.Name(names[0]))
		if err != nil {
			return err
		}
		if held[0].Holder == "" {
			s.Agreed.Code = panel.CodeRef{Names: names, Len: code.Len()}
		}
	}
	user.Slot = s
	return nil
}

// newSecret replaces the code that opens the panel, in the commit that settles its change.
func (w *turn) newSecret(u *flow.Unit, c panel.Code) error {
	p, ok, err := flow.Load(u, rec.Panels, w.id)
	if err != nil || !ok {
		return err
	}
	p.Routes = maps.Clone(p.Routes)
	for name, r := range p.Routes {
		if _, has := r.Secrets[panel.MasterSecret]; !has {
			continue
		}
		r.Secrets = maps.Clone(r.Secrets)
		r.Secrets[panel.MasterSecret], err = w.desk.core.Keys.Seal(secretBinding(w.id, p.Generation, name, panel.MasterSecret, r.Addr, p.Ident), []byte(c.Reveal()))
		if err != nil {
			return err
		}
		p.Routes[name] = r
	}
	w.panel = p
	if err := flow.Put(u, rec.Panels, w.id, &p); err != nil {
		return err
	}
	_, err = u.Say(audit.PanelSecretChanged, audit.Success, []string{w.id, flow.Site(p.Site)}, flow.F(audit.FieldPanel, w.id), flow.F(audit.FieldIdent, p.Ident))
	return err
}

// secondCandidate tries the other code once, when the panel refuses ours and a change of
// that very code is in doubt. The attempt is counted before it is sent, so that no crash
// can make it two.
func (w *turn) secondCandidate(ctx context.Context, t panel.Target, refused error) error {
	code, ref, err := w.candidate(ctx)
	if err != nil || code.IsZero() {
		return errors.Join(refused, err)
	}
	t = opens(t, code)
	if err := w.open(ctx, t); err != nil {
		return err
	}
	place := panel.Place{Slot: w.panel.Model.Secret}
	for _, err := range w.session.Read(ctx, panel.Query{Places: []panel.Place{place}}) {
		if err != nil {
			return err
		}
	}
	if err := w.landed(ctx, place, code, ref); err != nil {
		return err
	}
	return w.converse(ctx, t)
}

// opens is a target whose panel opens for another code.
func opens(t panel.Target, c panel.Code) panel.Target {
	t.Routes = maps.Clone(t.Routes)
	for name, r := range t.Routes {
		if _, has := r.Secrets[panel.MasterSecret]; has {
			r.Secrets = maps.Clone(r.Secrets)
			r.Secrets[panel.MasterSecret] = panel.SecretOf(c.Reveal())
			t.Routes[name] = r
		}
	}
	return t
}

// candidate is the code that may be the panel's by now, once; zero if there is none.
func (w *turn) candidate(ctx context.Context) (panel.Code, panel.CodeRef, error) {
	if w.panel.Model.Secret == 0 {
		return panel.Code{}, panel.CodeRef{}, nil
	}
	id := rec.UserID(w.id, panel.Place{Slot: w.panel.Model.Secret})
	rs, err := w.desk.core.Store.Load(ctx, rec.Users.Key(id))
	if err != nil {
		return panel.Code{}, panel.CodeRef{}, err
	}
	user, _, err := rec.Users.Decode(rs[0])
	if err != nil || !user.Unsure.Has(panel.FieldCode) || len(user.Sent) == 0 {
		return panel.Code{}, panel.CodeRef{}, err
	}
	ref := user.Sent[len(user.Sent)-1]
	code, err := w.desk.openCode(w.id, id, ref)
	if err != nil {
		return panel.Code{}, ref, err
	}
	_, err = w.act(ctx, func(u *flow.Unit) error {
		u.Do(store.Count{Counter: fmt.Sprintf("secret/%s/%d", w.id, ref.ID), By: 1, Max: 1, Until: u.Now().AddDate(10, 0, 0)})
		return nil
	})
	if errors.Is(err, store.ErrLimit) {
		return panel.Code{}, ref, nil
	}
	return code, ref, err
}

// landed settles the change in doubt: the panel has opened for its code.
func (w *turn) landed(ctx context.Context, place panel.Place, code panel.Code, ref panel.CodeRef) error {
	id := rec.UserID(w.id, place)
	_, err := w.act(ctx, func(u *flow.Unit) error {
		user, ok, err := flow.Load(u, rec.Users, id)
		if err != nil || !ok {
			return err
		}
		before := user
		if user.Flight == nil {
			user.Slot = user.Dispatch(panel.Work{Do: panel.Change, Set: panel.FieldCode, State: panel.State{Set: true, Code: ref}}, u.Now())
		}
		user.Slot = user.Settle(panel.Outcome{Place: place, Done: panel.FieldCode}, w.panel.Model.Sight)
		finish(before, &user, 0, u.Now(), w.panel.Model)
		claims(u, id, before, &user)
		if err := w.newSecret(u, code); err != nil {
			return err
		}
		if _, err := sayUser(u, audit.UserSettled, audit.Success, w.panel, user, id, flow.F(audit.FieldFields, panel.FieldCode.String())); err != nil {
			return err
		}
		return flow.Put(u, rec.Users, id, &user)
	})
	return err
}
