package roster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// How a line waits after a failure.
const (
	backoffFirst = time.Second
	backoffLast  = 10 * time.Minute
	armedWait    = time.Minute
	blockedWait  = time.Minute
	oddTries     = 5 // failures of no known kind before a line is parked
	passes       = 6 // rounds of edits in one turn
	absentGrace  = 3 * time.Second
)

// turn is one node's work on one panel's line.
type turn struct {
	desk    *Desk
	id      string
	line    store.Line
	panel   rec.Panel
	session panel.Session
	opened  panel.Target // what the session was opened with
	attempt rec.Attempt
	changed map[panel.Place]bool
	actor   accounts.Actor
	// quarantine is since when nothing may be written without a release, zero: never.
	quarantine time.Time
}

// Work does what is due on the lines that this node can take, and returns. It is one
// pass of the loop that [Desk.Loops] describes; hosts without a runner may call it.
func (d *Desk) Work(ctx context.Context) error {
	if d.opener == nil {
		return ErrNoOpener
	}
	if err := d.beat(ctx); err != nil {
		return err
	}
	lines, err := d.core.Store.Due(ctx, "panel/", 100)
	if err != nil {
		return err
	}
	return d.each(ctx, append(d.local.left(), lines...), func(ctx context.Context, l store.Line) error { return d.turn(ctx, l) })
}

// turn takes a line, works it and gives it back.
func (d *Desk) turn(ctx context.Context, due store.Line) error {
	name := due.Name
	others, err := d.othersFirst(ctx, due)
	if err != nil || others {
		return err
	}
	if !d.local.begin(name) {
		return nil
	}
	given := false
	defer func() { d.local.end(name, given) }()
	line, err := d.core.Store.Own(ctx, d.o.Node, name)
	if isOwned(err) {
		given = true
		return nil
	}
	if err != nil {
		return err
	}
	w := &turn{desk: d, id: name[len("panel/"):], line: line, actor: accounts.SystemActor("deliver"), changed: map[panel.Place]bool{}}
	err = w.work(ctx)
	w.close(ctx)
	if errors.Is(err, store.ErrFenced) {
		given = true
		return nil // another node has the line: nothing more to say
	}
	// A turn that is interrupted still gives the line back.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = w.end(end, err)
	given = err == nil
	return err
}

// left lists the lines that this node owns although no turn is on: the store failed when
// they were to be given back, and nobody else takes them while this node lives.
func (l *local) left() []store.Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []store.Line
	for name, on := range l.lines {
		if !on {
			lines = append(lines, store.Line{Name: name})
		}
	}
	return lines
}

// begin reports whether no other turn of this node is on for the line.
func (l *local) begin(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines[name] {
		return false
	}
	l.lines[name] = true
	return true
}

// end notes whether the line was given back.
func (l *local) end(name string, given bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[name] = false
	if given {
		delete(l.lines, name)
	}
}

// othersFirst reports whether a line should be left for a moment to the node that the
// panel has called: only that one can reach it. If nobody takes it, anybody does, so
// that deadlines and alerts do not depend on a panel that is away.
func (d *Desk) othersFirst(ctx context.Context, due store.Line) (bool, error) {
	id := due.Name[len("panel/"):]
	if d.local.connected(id) || d.local.now().Sub(due.Due) >= absentGrace {
		return false, nil
	}
	rs, err := d.core.Store.Load(ctx, rec.Panels.Key(id))
	if err != nil {
		return false, err
	}
	p, _, err := rec.Panels.Decode(rs[0])
	return p.Model.CallsIn, err
}

// act commits a decision of the worker, fenced: who lost the line commits nothing.
func (w *turn) act(ctx context.Context, decide func(u *flow.Unit) error) (store.Result, error) {
	return w.desk.core.Act(ctx, w.actor, func(u *flow.Unit) error {
		if err := decide(u); err != nil {
			return err
		}
		if u.Empty() {
			return nil
		}
		u.Do(store.Fence{Line: w.line.Name, Owner: w.line.Owner, Token: w.line.Token, Fate: store.Fate{Keep: true}})
		return nil
	})
}

// work is the turn: expire, open, read, write.
func (w *turn) work(ctx context.Context) error {
	rs, err := w.desk.core.Store.Load(ctx, rec.Panels.Key(w.id))
	if err != nil {
		return err
	}
	if w.panel, _, err = rec.Panels.Decode(rs[0]); err != nil {
		return err
	}
	if rs[0].Version == 0 || w.panel.State == rec.Retired {
		return nil
	}
	if w.attempt, err = w.desk.attempt(ctx, w.id); err != nil {
		return err
	}
	if w.quarantine, err = w.desk.quarantined(ctx); err != nil {
		return err
	}
	if err := w.expire(ctx); err != nil {
		return err
	}
	if len(w.line.Parked) > 0 {
		return errParked
	}
	target, err := w.desk.target(w.id, w.panel, w.attempt)
	if err != nil {
		return err
	}
	err = w.converse(ctx, target)
	if !errors.Is(err, panel.ErrSecret) {
		return err
	}
	return w.secondCandidate(ctx, target, err)
}

// converse opens the panel, reads and writes.
func (w *turn) converse(ctx context.Context, t panel.Target) error {
	if err := w.open(ctx, t); err != nil {
		return err
	}
	if err := w.look(ctx); err != nil {
		return err
	}
	if w.panel.State != rec.InService || w.panel.Released.Before(w.quarantine) {
		return nil
	}
	return w.write(ctx)
}

// errParked: the line waits for a person.
var errParked = errors.New("roster: the line is parked")

// open gets a session with the panel, after giving back one that there was.
func (w *turn) open(ctx context.Context, t panel.Target) error {
	drv, ok := w.desk.o.Drivers[w.panel.Driver]
	if !ok {
		return ErrNoDriver
	}
	w.close(ctx)
	var err error
	w.session, err = drv.Open(ctx, t)
	w.opened = t
	return err
}

func (w *turn) close(ctx context.Context) {
	if w.session == nil {
		return
	}
	if err := w.session.Close(); err != nil {
		w.desk.core.Logger().DebugContext(ctx, "close", slog.String("panel", w.id), slog.Any("error", err))
	}
	w.session = nil
}

// target opens the panel's secrets for its driver.
func (d *Desk) target(id string, p rec.Panel, a rec.Attempt) (panel.Target, error) {
	t := panel.Target{Panel: id, Ident: p.Ident, Routes: map[string]panel.Route{}}
	for name, r := range p.Routes {
		route := panel.Route{Addr: r.Addr, Secrets: map[string]panel.Secret{}, State: a.Routes[name]}
		for key, sealed := range r.Secrets {
			plain, err := d.opener.Open(secretBinding(id, p.Generation, name, key, r.Addr, p.Ident), sealed)
			if err != nil {
				return t, fmt.Errorf("%w: %w", ErrSecretUnbound, err)
			}
			route.Secrets[key] = panel.SecretOf(plain)
		}
		t.Routes[name] = route
	}
	return t, nil
}

// keep remembers a session's opaque state.
func (w *turn) keep(state []byte) {
	if w.attempt.Routes == nil {
		w.attempt.Routes = map[string][]byte{}
	}
	for name := range w.panel.Routes {
		w.attempt.Routes[name] = state
		return
	}
}

// look reads what has to be read before anything is written: everything the first time
// and once in a while, and whatever is in doubt or was said to have changed.
func (w *turn) look(ctx context.Context) error {
	rs, err := w.desk.core.Store.Load(ctx, rec.Wanted.Key(wantsID(w.id)))
	if err != nil {
		return err
	}
	want, _, err := rec.Wanted.Decode(rs[0])
	if err != nil {
		return err
	}
	users, err := w.pending(ctx)
	if err != nil {
		return err
	}
	for _, p := range want.Places {
		w.changed[p] = true
	}
	for _, u := range users {
		if (u.Unsure != 0 || u.Flight != nil || len(u.Sent) > 0) && !slices.Contains(want.Places, u.Place) {
			want.Places = append(want.Places, u.Place)
		}
	}
	since := w.desk.core.Time().Sub(w.attempt.ReadAt) // less than nothing after the clock was set back
	if w.panel.Baseline.IsZero() || w.attempt.ReadAt.Before(w.quarantine) || since < 0 || since >= w.desk.o.ReadEvery {
		want.All = true
	}
	q := panel.Query{All: want.All, Disclose: w.desk.o.Disclose}
	if !q.All {
		q.Places = want.Places
	}
	if err := w.read(ctx, q); err != nil {
		return err
	}
	if rs[0].Version == 0 {
		return nil
	}
	// What was noted meanwhile is another version, and stays.
	_, err = w.desk.core.Store.Commit(ctx, store.Change{ID: flow.NewID(), Ops: []store.Op{store.Drop{Key: rs[0].Key, If: rs[0].Version}}})
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	return err
}

// pending are the panel's users with something to do, repairs and removals first.
func (w *turn) pending(ctx context.Context) ([]rec.User, error) {
	var out []rec.User
	var after *store.Position
	for {
		rs, err := w.desk.core.Store.List(ctx, store.Query{Kind: rec.Users.Name, Term: rec.ByPending, From: []byte(w.id), To: append([]byte(w.id), 0), After: after})
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			u, _, err := rec.Users.Decode(r)
			if err != nil {
				return nil, err
			}
			out = append(out, u)
			after = &store.Position{Value: []byte(w.id), ID: r.Key.ID}
		}
		if len(rs) < store.MaxPage {
			break
		}
	}
	rank := func(u rec.User) int {
		switch {
		case u.Over:
			return 0
		case u.Taking() != 0:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b rec.User) int { return rank(a) - rank(b) })
	return out, nil
}

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
			claims(u, id, before, &user)
			if _, err := sayUser(u, audit.UserSent, audit.Success, w.panel, user, id, flow.F(audit.FieldFields, work.Set.String()),
				flow.F(audit.FieldRevision, number(user.Revision)), flow.F(audit.FieldReason, work.Do.String())); err != nil {
				return err
			}
			if err := flow.Put(u, rec.Users, id, &user); err != nil {
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
	return p.State == rec.InService && !p.Released.Before(q.Since), err
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

// edit makes the driver's edit of a work: the sealed code is opened here and nowhere else.
func (w *turn) edit(id string, user rec.User, work panel.Work) (panel.Edit, error) {
	e := panel.Edit{Place: user.Place, Do: work.Do, Set: work.Set, Unsure: work.Unsure}
	e.Label, e.Role, e.Partitions = work.State.Label, work.State.Role, work.State.Partitions
	e.Keypads, e.Locks, e.Window = work.State.Keypads, work.State.Locks, work.State.Window
	if work.Do == panel.Remove || !work.Set.Has(panel.FieldCode) {
		return e, nil
	}
	var err error
	e.Code, err = w.desk.openCode(w.id, id, work.State.Code)
	return e, err
}

// settle commits what came of the edits. Edits without an outcome stay unsure.
func (w *turn) settle(ctx context.Context, edits []panel.Edit, outcomes map[panel.Place]panel.Outcome, broken bool) (bool, error) {
	moved := false
	_, err := w.act(ctx, func(u *flow.Unit) error {
		moved = false
		for _, e := range edits {
			o, answered := outcomes[e.Place]
			if !answered && !broken {
				// The driver ended in order without a word about this edit: it is as unsure as a
				// lost answer.
				w.desk.core.Logger().WarnContext(ctx, "driver gave no outcome", slog.String("panel", w.id), slog.String("place", e.Place.String()))
			}
			id := rec.UserID(w.id, e.Place)
			user, ok, err := flow.Load(u, rec.Users, id)
			if err != nil || !ok {
				return err
			}
			before := user
			var found panel.Finding
			if answered {
				user.Slot = user.Settle(told(e, o, broken), w.panel.Model.Sight).Again(w.panel.Model.Create)
				if o.Report != nil {
					st, err := w.desk.state(w.id, w.panel.Model, *o.Report)
					if err != nil {
						return err
					}
					user.Slot, found = user.Observe(panel.Sighting{State: st, Sight: o.Report.Sight, At: u.Now()}, 0)
				}
				moved = moved || o.Done != 0 || before.Pending != user.Pending || before.Cure != user.Cure
			} else {
				user.Slot = user.Lost()
			}
			finish(before, &user, found, u.Now(), w.panel.Model)
			claims(u, id, before, &user)
			if err := w.sayOutcome(u, before, user, id, o, answered); err != nil {
				return err
			}
			if w.panel.Model.Secret != 0 && e.Place.Slot == w.panel.Model.Secret && o.Done.Has(panel.FieldCode) {
				if err := w.newSecret(u, e.Code); err != nil {
					return err
				}
				w.opened = opens(w.opened, e.Code) // the session goes on with it
			}
			if err := flow.Put(u, rec.Users, id, &user); err != nil {
				return err
			}
		}
		return nil
	})
	return moved, err
}

// told is an outcome as the slot machine is to take it. A code that was in doubt, was
// written again on a line that works and is still in doubt was not taken, perhaps because
// the panel refuses its own duplicate. Writing it once more would tell as little: such a
// code counts as refused, which clears the place first and is never final.
func told(e panel.Edit, o panel.Outcome, broken bool) panel.Outcome {
	if broken || o.Ticket != nil || e.Do == panel.Remove || !e.Unsure.Has(panel.FieldCode) || !o.Unsure.Has(panel.FieldCode) {
		return o
	}
	o.Unsure &^= panel.FieldCode
	o.Refused = maps.Clone(o.Refused)
	if o.Refused == nil {
		o.Refused = map[panel.Field]error{}
	}
	o.Refused[panel.FieldCode] = panel.ErrRefused
	return o
}

// sayOutcome adds the entry of an outcome.
func (w *turn) sayOutcome(u *flow.Unit, before, user rec.User, id string, o panel.Outcome, answered bool) error {
	var refused panel.Field
	reason := ""
	for f, err := range o.Refused {
		refused |= f
		reason = flow.Reason(err)
	}
	unsure := o.Unsure
	if !answered && before.Flight != nil {
		unsure = before.Flight.Set
	}
	action, outcome := audit.UserSettled, audit.Success
	switch {
	case o.Done == 0 && refused != 0:
		action, outcome = audit.UserRefused, audit.Failure
	case o.Done == 0:
		action, outcome = audit.UserUnsure, audit.Failure
	}
	about := user
	if before.Flight != nil {
		about.Tenancy = before.Flight.Tenancy
	}
	fields := []flow.Field{flow.F(audit.FieldRevision, number(user.Revision)), flow.F(audit.FieldReason, reason)}
	if o.Done != 0 {
		fields = append(fields, flow.F(audit.FieldFields, o.Done.String()))
	}
	if refused != 0 {
		fields = append(fields, flow.F(audit.FieldFieldsRefused, refused.String()))
	}
	if unsure != 0 {
		fields = append(fields, flow.F(audit.FieldFieldsUnsure, unsure.String()))
	}
	_, err := sayUser(u, action, outcome, w.panel, about, id, fields...)
	return err
}

// expire ends wishes that give access and whose time is over.
func (w *turn) expire(ctx context.Context) error {
	users, err := w.pending(ctx)
	if err != nil {
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
			claims(u, id, before, &user)
			if _, err := sayUser(u, audit.UserWishExpired, audit.Success, w.panel, user, id, flow.F(audit.FieldFields, fields.String())); err != nil {
				return err
			}
			return flow.Put(u, rec.Users, id, &user)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// end gives the line back with its fate, and remembers the attempt.
func (w *turn) end(ctx context.Context, failed error) error {
	now := w.desk.core.Time()
	fate := store.Fate{Done: w.line.Gen}
	again := func(after time.Duration) { fate.Again = w.desk.local.now().Add(after) }
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
	case errors.Is(failed, panel.ErrBusy), errors.Is(failed, panel.ErrUnreachable), errors.Is(failed, panel.ErrTimeout), errors.Is(failed, errUnfinished), errors.Is(failed, context.DeadlineExceeded):
		again(backoff(w.line.Attempts))
		fate.Tried = true
	default:
		again(backoff(w.line.Attempts))
		fate.Tried = true
		if w.line.Attempts+1 >= oddTries {
			parked()
		}
	}
	if later, ok := errors.AsType[*panel.Later](failed); ok {
		again(later.After)
	}
	w.attempt.At = now
	if failed == nil {
		w.attempt.OK, w.attempt.Words = now, ""
	} else if !errors.Is(failed, errParked) {
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
		if _, _, err := flow.Load(u, rec.Attempts, linePanel(w.id)); err != nil {
			return err
		}
		if err := flow.Put(u, rec.Attempts, linePanel(w.id), &w.attempt); err != nil {
			return err
		}
		u.Do(store.Fence{Line: w.line.Name, Owner: w.line.Owner, Token: w.line.Token, Fate: fate})
		if len(fate.Parked) > len(w.line.Parked) {
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

func backoff(attempts int) time.Duration {
	d := min(backoffFirst<<min(attempts, 20), backoffLast)
	return d/2 + rand.N(d/2+1)
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

func same(a, b panel.Model) bool { return reflect.DeepEqual(a, b) }

// unchanged compares as the store would keep them.
func unchanged(a, b rec.User) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
