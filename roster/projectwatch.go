package roster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// How long a device counts as listened to after somebody has last said so, and how many
// openings are remembered, so that one that is told twice counts once.
const (
	listenFor  = 30 * time.Second
	steadyFor  = 5 * time.Second // what ends sooner was no listening
	mostRecent = 64
	lateAfter  = time.Minute // an opening that is told later is marked as late
)

func watchID(panelID string) string { return "watch/" + panelID }

// tells reports whether a kept session is with a device that tells who opens it.
func (d *Desk) tells(k *kept) bool { return k.session.Model().TellsWhoOpened() }

// listened reports whether a device tells who opens it, and somebody listens.
func listened(u *flow.Unit, id string, m panel.Model) (bool, error) {
	if !m.TellsWhoOpened() {
		return false, nil
	}
	w, _, err := flow.Peek(u, rec.Watchings, watchID(id))
	return w.Alive, err
}

// listening says which devices this node listens to, and finds those that nobody has
// listened to for a while: the node that did may be gone.
func (d *Desk) listening(ctx context.Context) error {
	if d.local.held().IsZero() {
		return nil // nothing is known of the store's time before the first heartbeat
	}
	var all error
	for _, k := range d.local.heard() {
		if d.tells(k) {
			all = errors.Join(all, d.listens(ctx, k.id))
		}
	}
	for q := (store.Query{Kind: rec.Watchings.Name, Term: rec.ByWatch}); ; {
		rs, err := d.core.Store.List(ctx, q)
		if err != nil {
			return errors.Join(all, err)
		}
		for _, r := range rs {
			w, _, err := rec.Watchings.Decode(r)
			if err != nil {
				return errors.Join(all, err)
			}
			q.After = &store.Position{Value: []byte(w.Panel), ID: r.Key.ID}
			if w.Alive && d.local.now().Sub(w.At) > listenFor {
				d.deafen(ctx, w.Panel)
			}
		}
		if len(rs) < store.MaxPage {
			return all
		}
	}
}

// heard are the sessions that this node has listened to for a while.
func (l *local) heard() []*kept {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*kept
	for _, k := range l.sessions {
		if k.stop != nil && !k.over && time.Since(k.since) >= steadyFor {
			out = append(out, k)
		}
	}
	return out
}

// listens notes that somebody listens to a device. When that begins, devices follow: it may
// have duress codes, and what ends with its use.
func (d *Desk) listens(ctx context.Context, id string) error {
	_, err := d.core.Act(ctx, accounts.SystemActor("watch"), func(u *flow.Unit) error {
		w, _, err := flow.Load(u, rec.Watchings, watchID(id))
		if err != nil {
			return err
		}
		if !w.Alive {
			u.Do(store.Mark{Line: flow.RightsLine})
		}
		w.Panel, w.At, w.Alive = id, d.local.now(), true
		return flow.Put(u, rec.Watchings, watchID(id), &w)
	})
	return err
}

// deafen notes that nobody listens to a device any more. Whoever may see duress alarms is
// told at once if there are duress codes on it: they open, and nobody is warned. What fails
// is found again by [Desk.listening].
func (d *Desk) deafen(ctx context.Context, id string) {
	users, err := d.usersOf(ctx, id)
	if err == nil {
		_, err = d.core.Act(ctx, accounts.SystemActor("watch"), func(u *flow.Unit) error {
			w, found, err := flow.Load(u, rec.Watchings, watchID(id))
			if err != nil || !found || !w.Alive {
				return err
			}
			p, _, err := flow.Load(u, rec.Panels, id)
			if err != nil {
				return err
			}
			w.Alive = false
			u.Do(store.Mark{Line: flow.RightsLine})
			blind := slices.ContainsFunc(users, func(user rec.User) bool { return user.Agreed.Duress.Ours() || user.Wanted.Duress.Ours() })
			return errors.Join(flow.Put(u, rec.Watchings, watchID(id), &w),
				u.Signal(flow.Signal{Decision: flow.NewID(), At: u.Now(), Site: p.Site, Reader: id, Alarm: blind, Action: flow.DuressBlind}))
		})
	}
	if err != nil && ctx.Err() == nil {
		d.core.Logger().WarnContext(ctx, "nobody listens to a device", slog.String("panel", id), slog.Any("error", err))
	}
}

// opened takes in that somebody has opened a device, now or while nobody listened: an entry
// as a door's decision leaves one, the use that it counts as, and the signal in which it is
// sealed whether it was by a duress code.
func (d *Desk) opened(ctx context.Context, id string, o panel.Opened) error {
	rel, err := d.relation(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%t", id, o.Place, o.At.UnixNano(), o.Duress))
	decision := hex.EncodeToString(sum[:16])
	_, err = d.core.Act(ctx, accounts.SystemActor("watch"), func(u *flow.Unit) error {
		w, _, err := flow.Load(u, rec.Watchings, watchID(id))
		if err != nil || slices.Contains(w.Recent, decision) {
			return err
		}
		w.Panel, w.Recent = id, append(slices.Clone(w.Recent), decision)
		w.Recent = w.Recent[max(0, len(w.Recent)-mostRecent):]
		p, _, err := flow.Peek(u, rec.Panels, id)
		if err != nil {
			return err
		}
		account, err := d.used(u, id, o)
		if err != nil {
			return err
		}
		point, action := "", ""
		if account != "" {
			person, err := d.stands(u, account)
			if err != nil {
				return err
			}
			point, action = rel.actionAt(person.as, entrance{id, p.Site}, o.At)
		}
		flag, err := d.core.SealDuress(decision, o.Duress)
		if err != nil {
			return err
		}
		fields := []flow.Field{flow.F(audit.FieldAccount, account), flow.F(audit.FieldPoint, point), flow.F(audit.FieldReader, id),
			flow.F(audit.FieldReason, string(credentials.Granted)), flow.F(audit.FieldSite, p.Site), flow.F(audit.FieldDecision, decision), flag,
			flow.F(audit.FieldDecided, o.At.UTC().Format(time.RFC3339Nano))}
		if u.Now().Sub(o.At) > lateAfter {
			fields = append(fields, flow.F(audit.FieldLate, "true"))
		}
		if _, err := u.Say(audit.DoorDecided, audit.Success, []string{account, point, flow.Site(p.Site), decision}, fields...); err != nil {
			return err
		}
		return errors.Join(flow.Put(u, rec.Watchings, watchID(id), &w), u.Signal(flow.Signal{Decision: decision, At: o.At, Site: p.Site, Point: point, Reader: id,
			Alarm: o.Duress, Account: account, Action: action}))
	})
	return err
}

// used is whose user opened a device, "" if nobody is known, and counts the use.
func (d *Desk) used(u *flow.Unit, id string, o panel.Opened) (string, error) {
	user, _, err := flow.Load(u, rec.Users, rec.UserID(id, o.Place))
	if err != nil {
		return "", err
	}
	r := user.Projected
	if r == nil || r.Tenancy != user.Tenancy && !r.Taken {
		if l := user.CurrentLink(); l != nil {
			return l.Account, nil
		}
		return "", nil
	}
	if r.Generation == 0 {
		return r.Account, nil
	}
	pin := rec.CredentialID(r.Account, rec.PIN, 0)
	c, _, err := flow.Load(u, rec.Credentials, pin)
	if err != nil || c.Generation != r.Generation {
		return r.Account, err // it was another PIN
	}
	used, _, err := flow.Load(u, rec.Usages, pin)
	if err != nil {
		return "", err
	}
	used.Count++
	if used.First.IsZero() || o.At.Before(used.First) {
		used.First = o.At
	}
	if o.At.After(used.Last) {
		used.Last = o.At
	}
	if c.Counted() {
		u.Project(r.Account)
	}
	return r.Account, flow.Put(u, rec.Usages, pin, &used)
}
