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

// either works the panel with the code that opens it. While a change of that very code is
// in doubt there are two, and each is tried once: counted before it is sent, so that no
// crash, however often, can make it more. If neither opens, the line is parked.
func (w *turn) either(ctx context.Context, stored panel.Target) error {
	code, ref, err := w.candidate(ctx)
	if err != nil {
		return err
	}
	if code.IsZero() {
		return w.converse(ctx, stored)
	}
	w.tried = fmt.Sprintf("secret/%s/%d", w.id, ref.ID)
	n, err := w.count(ctx, 1)
	if err == nil && n == 1 {
		if err = w.prove(ctx, stored); err == nil {
			return w.converse(ctx, stored)
		}
		if errors.Is(err, panel.ErrSecret) {
			_, err = w.count(ctx, 1)
		}
	}
	if err != nil {
		return err
	}
	other := opens(stored, code)
	if err := w.prove(ctx, other); err != nil {
		return err
	}
	if err := w.landed(ctx, panel.Place{Slot: w.panel.Model.Secret}, code, ref); err != nil {
		return err
	}
	return w.converse(ctx, other)
}

// prove opens the panel and reads the user whose code opens it. An attempt that the panel
// did not refuse is given back, unless it was broken off.
func (w *turn) prove(ctx context.Context, t panel.Target) error {
	err := w.open(ctx, t)
	if err == nil {
		for _, failed := range w.session.Read(ctx, panel.Query{Places: []panel.Place{{Slot: w.panel.Model.Secret}}}) {
			err = failed
			if err != nil {
				break
			}
		}
	}
	if errors.Is(err, panel.ErrSecret) || ctx.Err() != nil {
		return err
	}
	_, back := w.count(ctx, -1)
	return errors.Join(err, back)
}

// bothTried is how many attempts there are for a code in doubt: one for either.
const bothTried = 2

// count counts attempts with the code in doubt, and returns how many there were. When
// there may be no more it is as if the panel had refused another.
func (w *turn) count(ctx context.Context, by int64) (int64, error) {
	r, err := w.act(ctx, func(u *flow.Unit) error {
		u.Do(w.attempts(u, by))
		return nil
	})
	if errors.Is(err, store.ErrLimit) {
		return 0, fmt.Errorf("%w: both codes were tried", panel.ErrSecret)
	}
	return r.Counts[w.tried], err
}

func (w *turn) attempts(u *flow.Unit, by int64) store.Count {
	return store.Count{Counter: w.tried, By: by, Max: bothTried, Until: u.Now().AddDate(10, 0, 0)}
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

// candidate is the code that may be the panel's by now; zero if there is none.
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
		user.Slot = user.Settle(panel.Outcome{Place: place, Done: panel.FieldCode}, w.panel.Model)
		finish(before, &user, 0, u.Now(), w.panel.Model)
		if err := w.newSecret(u, code); err != nil {
			return err
		}
		if _, err := sayUser(u, audit.UserSettled, audit.Success, w.panel, user, id, flow.F(audit.FieldFields, panel.FieldCode.String())); err != nil {
			return err
		}
		return put(u, id, before, &user)
	})
	return err
}
