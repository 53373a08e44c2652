package roster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// write carries out what is wanted, in rounds: an edit may leave something for the next.
func (w *turn) write(ctx context.Context) error {
	for range passes {
		users, err := w.pending(ctx)
		if err != nil {
			return err
		}
		progress := false
		for len(users) > 0 {
			n := min(batch, len(users))
			moved, err := w.block(ctx, users[:n])
			progress = progress || moved
			if err != nil {
				return err
			}
			users = users[n:]
		}
		if !progress {
			break
		}
	}
	return w.finished(ctx)
}

// finished looks for codes that a report has yet to show gone, and reports whether
// anything is left to do.
func (w *turn) finished(ctx context.Context) error {
	users, err := w.pending(ctx)
	if err == nil {
		err = w.letGo(ctx, users)
	}
	if err != nil {
		return err
	}
	var q panel.Query
	left := false
	for _, u := range users {
		left = left || u.ToDo() && !u.Held && (u.Pending|u.Unsure)&^w.panel.Model.Hands != 0
		if !u.ToDo() {
			q.Places = append(q.Places, u.Place)
		}
	}
	if len(q.Places) > 0 {
		if err := w.read(ctx, q); err != nil {
			return err
		}
	}
	if left {
		return errUnfinished
	}
	return nil
}

// errUnfinished: something is still open, though the panel answers.
var errUnfinished = errors.New("roster: not everything is settled")

// block sends the edits of a few users and takes in what came of them. It reports
// whether anything moved.
func (w *turn) block(ctx context.Context, users []rec.User) (bool, error) {
	edits, err := w.dispatch(ctx, users)
	if err != nil || len(edits) == 0 {
		return false, err
	}
	outcomes := map[panel.Place]panel.Outcome{}
	var failed error
	// A driver starts no write that it cannot finish while the line is surely ours.
	lease, release := w.desk.local.lease(ctx)
	defer release()
	begun := time.Now()
	for o, err := range w.session.Apply(lease, edits) {
		if err != nil {
			failed = err
			break
		}
		_, twice := outcomes[o.Place]
		if twice || !slices.ContainsFunc(edits, func(e panel.Edit) bool { return e.Place == o.Place }) {
			failed = fmt.Errorf("%w: %w: an outcome for %s", panel.ErrProtocol, panel.ErrDriver, o.Place)
			break
		}
		outcomes[o.Place] = o
	}
	if failed == nil {
		w.attempt.Pace = time.Since(begun) / time.Duration(len(edits))
	}
	// What the panel has said is kept even if the context has ended meanwhile.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	moved, err := w.settle(keep, edits, outcomes, failed != nil)
	if failed != nil || err != nil {
		return moved, errors.Join(failed, err)
	}
	return moved, w.readBack(ctx, outcomes)
}

// readBack reads what was written and not reported with its outcome: views show what the
// panel says.
func (w *turn) readBack(ctx context.Context, outcomes map[panel.Place]panel.Outcome) error {
	var q panel.Query
	for place, o := range outcomes {
		if o.Done != 0 && o.Report == nil {
			q.Places = append(q.Places, place)
		}
	}
	if len(q.Places) == 0 {
		return nil
	}
	return w.read(ctx, q)
}

// dispatch notes what is about to be sent, in one commit, and opens the codes for it.
func (w *turn) dispatch(ctx context.Context, users []rec.User) ([]panel.Edit, error) {
	var edits []panel.Edit
	_, err := w.act(ctx, func(u *flow.Unit) error {
		edits = nil
		open, err := w.writable(u)
		if err != nil || !open {
			return err
		}
		for _, stale := range users {
			id := rec.UserID(w.id, stale.Place)
			user, ok, err := flow.Load(u, rec.Users, id)
			if err != nil || !ok {
				return err
			}
			before := user
			user.Slot = user.Lost()
			news, err := w.hold(u, &user, id)
			if err != nil {
				return err
			}
			if news {
				if err := flow.Put(u, rec.Users, id, &user); err != nil {
					return err
				}
			}
			compose := user.Compose
			if user.Held {
				compose = user.ComposeTaking
			}
			work, ok := compose()
			if !ok || !w.reachable(&work) {
				continue
			}
			e, err := w.edit(id, user, work)
			if err != nil {
				return err
			}
			user.Slot = user.Dispatch(work, u.Now())
			if user.Over && user.OverSince.IsZero() {
				user.OverSince = u.Now()
			}
			if _, err := sayUser(u, audit.UserSent, audit.Success, w.panel, user, id, flow.F(audit.FieldFields, work.Set.String()),
				flow.F(audit.FieldRevision, number(user.Revision)), flow.F(audit.FieldReason, work.Do.String())); err != nil {
				return err
			}
			if err := put(u, id, before, &user); err != nil {
				return err
			}
			edits = append(edits, e)
		}
		return nil
	})
	return edits, err
}

// reachable leaves in a work what a route can write, and reports whether anything is
// left: the rest waits for somebody at the keypad.
func (w *turn) reachable(work *panel.Work) bool {
	hands := w.panel.Model.Hands
	if work.Do != panel.Change && hands.Has(panel.FieldCode) {
		return false // nothing goes before the code
	}
	work.Set &^= hands
	work.Unsure &= work.Set
	return work.Set != 0
}

// writable reports whether the panel may be written to now; the commit checks that this
// is still so.
func (w *turn) writable(u *flow.Unit) (bool, error) {
	p, ok, err := flow.Load(u, rec.Panels, w.id)
	if err != nil || !ok {
		return false, err
	}
	q, _, err := flow.Load(u, rec.Quarantines, rec.QuarantineID)
	return p.State == rec.InService && p.Recoding == nil && !p.Released.Before(q.Since), err
}

// hold makes a wish wait whose author has lost the right since, and reports whether that
// is news. What takes access away never waits.
func (w *turn) hold(u *flow.Unit, user *rec.User, id string) (bool, error) {
	if user.Held || user.Giving() == 0 || user.Author.Kind == audit.SystemActor || user.Author.Kind == "" {
		return false, nil
	}
	g, err := w.desk.core.Authority.Grant(u.Context(), actorOf(user.Author))
	if err != nil {
		return false, err
	}
	if accounts.Authorise(g, accounts.PermissionFor("roster.SetCode").Right, w.panel.Site) == nil {
		return false, nil
	}
	user.Held = true
	_, err = sayUser(u, audit.UserWishHeld, audit.Success, w.panel, *user, id, flow.F(audit.FieldFields, user.Pending.String()),
		flow.F(audit.FieldReason, "the author no longer has the right"))
	return true, err
}

// actorOf is the author of a wish as the authority knows them.
func actorOf(a rec.Author) accounts.Actor {
	return accounts.Recorded(mint.Token{}, a.Kind, accounts.ID(a.ID), "", "", time.Time{})
}

// edit makes the driver's edit of a work: sealed codes and tags are opened here and nowhere
// else.
func (w *turn) edit(id string, user rec.User, work panel.Work) (panel.Edit, error) {
	e := panel.Edit{Place: user.Place, Do: work.Do, Set: work.Set, Unsure: work.Unsure, Ticket: work.Ticket}
	e.Label, e.Role, e.Partitions = work.State.Label, work.State.Role, work.State.Partitions
	e.Keypads, e.Locks, e.Window = work.State.Keypads, work.State.Locks, work.State.Window
	if work.Do == panel.Remove {
		return e, nil
	}
	var err error
	if e.LegacyTags, err = w.desk.openTags(w.id, id, work.State.TagsOf(work.Set&panel.FieldLegacyTags)); err != nil {
		return e, err
	}
	if e.LockTags, err = w.desk.openTags(w.id, id, work.State.TagsOf(work.Set&panel.FieldLockTags)); err != nil || !work.Set.Has(panel.FieldCode) {
		return e, err
	}
	if work.State.Codeless() {
		if work.Ticket == nil { // tags alone: there is no code to write, and the user comes with them
			e.Set &^= panel.FieldCode
			e.Unsure &= e.Set
		}
		return e, nil
	}
	if d := work.State.Duress; d.Ours() {
		if e.Duress, err = w.desk.openCode(w.id, id, d); err != nil {
			return e, err
		}
	}
	e.Code, err = w.desk.openCode(w.id, id, work.State.Code)
	return e, err
}
