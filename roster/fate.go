package roster

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// expire ends wishes that give access and whose time is over.
func (w *turn) expire(ctx context.Context) error {
	users, err := w.pending(ctx)
	if err != nil {
		return err
	}
	if err := w.letGo(ctx, users); err != nil {
		return err
	}
	for _, stale := range users {
		if !stale.Expired(w.desk.core.Time()) {
			continue
		}
		_, err := w.act(ctx, func(u *flow.Unit) error {
			id := rec.UserID(w.id, stale.Place)
			user, ok, err := flow.Load(u, rec.Users, id)
			if err != nil || !ok || !user.Expired(u.Now()) {
				return err
			}
			before := user
			revision, fields := user.Revision, user.Giving()
			if user.Slot, err = user.Cancel(); err != nil {
				return err
			}
			user.Ended = &rec.Ended{Revision: revision, How: string(Expired), At: u.Now()}
			if _, err := sayUser(u, audit.UserWishExpired, audit.Success, w.panel, user, id, flow.F(audit.FieldFields, fields.String())); err != nil {
				return err
			}
			return put(u, id, before, &user)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// letGo frees the names that earlier changes had no room for.
func (w *turn) letGo(ctx context.Context, users []rec.User) error {
	for _, stale := range users {
		for left := len(stale.Leaving); left > 0; {
			_, err := w.act(ctx, func(u *flow.Unit) error {
				left = 0
				id := rec.UserID(w.id, stale.Place)
				user, ok, err := flow.Load(u, rec.Users, id)
				if err != nil || !ok || len(user.Leaving) == 0 {
					return err
				}
				if _, err := sayUser(u, audit.UserReported, audit.Success, w.panel, user, id, flow.F(audit.FieldReason, "names of what is gone are free")); err != nil {
					return err
				}
				err = put(u, id, user, &user)
				left = len(user.Leaving)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// end gives the line back with its fate, and remembers the attempt.
func (w *turn) end(ctx context.Context, failed error) error {
	now := w.desk.core.Time()
	fate := store.Fate{Done: w.line.Gen}
	again := func(after time.Duration) { fate.Again = w.desk.local.now().Add(after) }
	early := w.early(now)
	failedAgain := func() {
		if early {
			fate.Done = 0 // else the failures before would be forgotten
			again(backoff(w.line.Attempts - 1))
			return
		}
		again(backoff(w.line.Attempts))
		fate.Tried = true
	}
	parked := func() {
		fate.Parked = maps.Clone(w.line.Parked)
		if fate.Parked == nil {
			fate.Parked = map[string]string{}
		}
		fate.Parked[routeOf(failed, w.panel)] = flow.Reason(failed)
	}
	switch {
	case failed == nil:
		again(w.desk.o.ReadEvery)
	case errors.Is(failed, context.Canceled):
		fate.Done = 0
		again(0)
	case errors.Is(failed, panel.ErrAbsent) && w.desk.local.connected(w.id):
		again(backoffFirst) // it is just coming or going
	case errors.Is(failed, errLocked):
		fate.Done, fate.Again = 0, w.attempt.Locked
	case errors.Is(failed, errParked), errors.Is(failed, panel.ErrAbsent):
		again(w.desk.o.ReadEvery)
	case errors.Is(failed, panel.ErrArmed):
		again(armedWait)
	case errors.Is(failed, panel.ErrSecret), errors.Is(failed, panel.ErrIdentity), errors.Is(failed, ErrSecretUnbound):
		parked()
	case errors.Is(failed, panel.ErrBlocked):
		again(blockedWait)
		fate.Tried = true
		if w.line.Attempts > 0 {
			parked()
		}
	case w.done && isLine(failed):
		again(backoffFirst) // it was cut off at its work
	case isLine(failed), errors.Is(failed, errUnfinished):
		failedAgain()
	default:
		failedAgain()
		if !early && w.line.Attempts+1 >= oddTries {
			parked()
		}
	}
	if later, ok := errors.AsType[*panel.Later](failed); ok {
		again(later.After)
	}
	if errors.Is(failed, panel.ErrBlocked) && len(w.panel.Routes) < 2 { // another route may go on
		w.attempt.Locked = fate.Again
	}
	w.attempt.At = now
	if failed == nil {
		w.attempt.OK, w.attempt.Words = now, ""
	} else if !errors.Is(failed, errParked) && !errors.Is(failed, errLocked) {
		w.attempt.Words = flow.Reason(failed)
	}
	next, err := w.owed(ctx, failed != nil)
	if err != nil {
		return err
	}
	if at := w.desk.local.now().Add(next.Sub(now)); !next.IsZero() && (fate.Again.IsZero() || at.Before(fate.Again)) {
		fate.Again = at
	}
	_, err = w.desk.core.Act(ctx, w.actor, func(u *flow.Unit) error {
		stored, _, err := flow.Load(u, rec.Attempts, linePanel(w.id))
		if err != nil {
			return err
		}
		now := w.attempt
		now.Routes = stored.Routes // a session may have said more since the turn began
		if err := remember(u, &now, w.id, w.opened, w.states); err != nil {
			return err
		}
		if err := flow.Put(u, rec.Attempts, linePanel(w.id), &now); err != nil {
			return err
		}
		u.Do(store.Fence{Line: w.line.Name, Owner: w.line.Owner, Token: w.line.Token, Fate: fate})
		if len(fate.Parked) > len(w.line.Parked) {
			if w.tried != "" {
				u.Do(w.attempts(u, -bothTried)) // from here on it is for a person to say how it goes on
			}
			_, err := u.Say(audit.PanelParked, audit.Failure, []string{w.id, flow.Site(w.panel.Site)}, flow.F(audit.FieldPanel, w.id),
				flow.F(audit.FieldIdent, w.panel.Ident), flow.F(audit.FieldReason, flow.Reason(failed)))
			return err
		}
		return nil
	})
	if errors.Is(err, store.ErrFenced) {
		return nil
	}
	if err == nil && len(fate.Parked) > len(w.line.Parked) {
		w.desk.alert(Alert{At: now, Kind: PanelParked, Panel: w.id, Text: flow.Reason(failed)})
	}
	return err
}

// isLine reports whether a panel could not be talked to just now.
func isLine(err error) bool {
	return errors.Is(err, panel.ErrBusy) || errors.Is(err, panel.ErrUnreachable) || errors.Is(err, panel.ErrTimeout) || errors.Is(err, context.DeadlineExceeded)
}

// backoff is how long a line waits after a number of failures: a little more or less, so
// that panels which went away together do not come back together.
func backoff(attempts int) time.Duration {
	d := leastBackoff(attempts)
	return d + rand.N(d+1)
}

func leastBackoff(attempts int) time.Duration {
	return min(backoffFirst<<min(attempts, 20), backoffLast) / 2
}

// early reports whether the turn came before the wait after the last failure was over,
// because somebody wished for something. Such a try is worth making, but says nothing new
// of a panel that is away: however many wishes there are, the wait gets no longer.
func (w *turn) early(now time.Time) bool {
	n := w.line.Attempts
	return n > 0 && now.Sub(w.attempt.At) < leastBackoff(n-1)
}

// routeOf names the route that a failure belongs to.
func routeOf(err error, p rec.Panel) string {
	if r, ok := errors.AsType[*panel.RouteError](err); ok {
		return r.Route
	}
	for name := range p.Routes {
		return name
	}
	return "panel"
}

// removalAlerts are the times after which a removal that is still owed is told again.
func removalAlert(n int) time.Duration {
	switch n {
	case 0:
		return 0
	case 1:
		return 15 * time.Minute
	case 2:
		return time.Hour
	}
	return time.Duration(n-2) * 24 * time.Hour
}

// owed looks after removals that are not carried out, and users with more access than
// agreed: it alerts at once and on a growing schedule, and returns when to look again.
func (w *turn) owed(ctx context.Context, failing bool) (time.Time, error) {
	users, err := w.pending(ctx)
	if err != nil {
		return time.Time{}, err
	}
	now := w.desk.core.Time()
	var next time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	owing := false
	for _, u := range users {
		if u.Giving() != 0 && !u.Until.IsZero() && now.Before(u.Until) {
			sooner(u.Until)
		}
		owing = owing || u.Taking() != 0
	}
	if !owing || !failing {
		if !owing {
			w.attempt.Since, w.attempt.Alerts = time.Time{}, 0
		}
		return next, nil
	}
	if w.attempt.Since.IsZero() {
		w.attempt.Since = now
	}
	if due := w.attempt.Since.Add(removalAlert(w.attempt.Alerts)); !now.Before(due) {
		for w.attempt.Alerts++; !now.Before(w.attempt.Since.Add(removalAlert(w.attempt.Alerts))); w.attempt.Alerts++ {
		}
		for _, u := range users {
			if u.Taking() == 0 {
				continue
			}
			if err := w.blocked(ctx, u); err != nil {
				return next, err
			}
		}
	}
	sooner(w.attempt.Since.Add(removalAlert(w.attempt.Alerts)))
	return next, nil
}

func (w *turn) blocked(ctx context.Context, stale rec.User) error {
	_, err := w.act(ctx, func(u *flow.Unit) error {
		_, err := sayUser(u, audit.UserRemovalBlocked, audit.Failure, w.panel, stale, rec.UserID(w.id, stale.Place), flow.F(audit.FieldReason, w.attempt.Words))
		return err
	})
	if err == nil {
		w.desk.alert(Alert{At: w.desk.core.Time(), Kind: RemovalBlocked, Panel: w.id, Place: stale.Place, Text: w.attempt.Words})
	}
	return err
}
