package roster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
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
	opened  panel.Target  // what the session was opened with
	since   time.Time     // and when, unless it is reused
	kept    *kept         // what an earlier turn left open
	reused  bool          // the session is that one
	states  []panel.Event // what sessions left for the next
	done    bool          // something was carried out in this turn
	attempt rec.Attempt
	tried   string // the counter of attempts with a code in doubt, "" if none is
	changed map[panel.Place]bool
	actor   accounts.Actor
	// quarantine is since when nothing may be written without a release, zero: never.
	quarantine time.Time
}

// Work does what is due on the lines that this node can take, and returns when all of it
// is done. It is for hosts that do not run [Desk.Loops], whose loop for this does not
// wait for lines that take long.
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
	return d.each(ctx, append(d.local.left(), lines...), func(ctx context.Context, l store.Line) error {
		_, err := d.turn(ctx, l)
		return err
	})
}

// turn takes a line, works it and gives it back. It reports whether it had the line.
func (d *Desk) turn(ctx context.Context, due store.Line) (worked bool, err error) {
	name := due.Name
	others, err := d.othersFirst(ctx, due)
	if err != nil || others {
		return false, err
	}
	if !d.local.begin(name) {
		return false, nil
	}
	given := false
	defer func() { d.local.end(name, given) }()
	line, err := d.core.Store.Own(ctx, d.o.Node, name)
	if isOwned(err) {
		given = true
		return false, nil
	}
	if err != nil {
		return false, err
	}
	w := &turn{desk: d, id: name[len("panel/"):], line: line, actor: accounts.SystemActor("deliver"), changed: map[panel.Place]bool{}}
	w.kept = d.local.take(w.id)
	err = w.work(ctx)
	w.leave(ctx, err)
	if errors.Is(err, store.ErrFenced) {
		given = true
		return true, nil // another node has the line: nothing more to say
	}
	// A turn that is interrupted still gives the line back.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = w.end(end, err)
	given = err == nil
	return true, err
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
	l.announce(name)
}

// othersFirst reports whether a line should be left for a moment to the node that the
// panel has called, as only that one can reach it, or to the one that has a session with
// it. If nobody takes it, anybody does, so
// that deadlines and alerts do not depend on a panel that is away.
func (d *Desk) othersFirst(ctx context.Context, due store.Line) (bool, error) {
	id := due.Name[len("panel/"):]
	if d.local.connected(id) || d.local.now().Sub(due.Due) >= absentGrace {
		return false, nil
	}
	rs, err := d.core.Store.Load(ctx, rec.Panels.Key(id), rec.Attempts.Key(due.Name))
	if err != nil {
		return false, err
	}
	p, _, err := rec.Panels.Decode(rs[0])
	if err != nil || p.Model.CallsIn {
		return p.Model.CallsIn, err
	}
	a, _, err := rec.Attempts.Decode(rs[1])
	return a.Keeper != "" && a.Keeper != d.o.Node, err
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
		w.desk.local.steady(w.id)
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
	if w.attempt.Locked.After(w.desk.local.now()) {
		return errLocked
	}
	target, err := w.desk.target(w.id, w.panel, w.attempt)
	if err != nil {
		return err
	}
	return w.either(ctx, target)
}

// converse opens the panel, reads and writes.
func (w *turn) converse(ctx context.Context, t panel.Target) error {
	if err := w.join(ctx, t); err != nil {
		return err
	}
	if err := w.recode(ctx); err != nil {
		return err
	}
	err := w.look(ctx)
	if w.reused && (errors.Is(err, panel.ErrUnreachable) || errors.Is(err, panel.ErrTimeout)) {
		// A session that was open may have died unnoticed: that says nothing of the panel.
		if err = w.open(ctx, t); err == nil {
			err = w.look(ctx)
		}
	}
	if err != nil {
		return err
	}
	if w.panel.Recoding != nil { // the panel said so while it was read: what was read is void
		if err := w.recode(ctx); err != nil {
			return err
		}
		if err := w.read(ctx, panel.Query{All: true, Disclose: w.desk.o.Disclose}); err != nil {
			return err
		}
	}
	if w.panel.State != rec.InService || w.panel.Released.Before(w.quarantine) {
		return nil
	}
	return w.write(ctx)
}

// errParked: the line waits for a person.
var errParked = errors.New("roster: the line is parked")

// errLocked: the panel has locked us out, and a wish is no reason to try sooner.
var errLocked = errors.New("roster: the panel has locked us out")

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

// keep remembers what a session wants to be told when the next one is opened.
func (w *turn) keep(ev panel.Event) { w.states = append(w.states, ev) }

// remember puts what sessions left beside the routes that they left it for. A driver that
// names no route knows one only, so that whichever it asks has it. A route that was changed
// since begins anew.
func remember(u *flow.Unit, a *rec.Attempt, id string, opened panel.Target, said []panel.Event) error {
	if len(said) == 0 {
		return nil
	}
	p, _, err := flow.Load(u, rec.Panels, id)
	if err != nil {
		return err
	}
	a.Routes = maps.Clone(a.Routes)
	if a.Routes == nil {
		a.Routes = map[string][]byte{}
	}
	for _, ev := range said {
		for name, r := range p.Routes {
			if (ev.Route == "" || ev.Route == name) && opened.Routes[name].Addr == r.Addr && p.Ident == opened.Ident {
				a.Routes[name] = ev.State
			}
		}
	}
	return nil
}

// forget drops what sessions left for routes that begin anew.
func forget(u *flow.Unit, id string, routes ...string) error {
	a, ok, err := flow.Load(u, rec.Attempts, linePanel(id))
	if err != nil || !ok {
		return err
	}
	a.Routes = maps.Clone(a.Routes)
	for _, name := range routes {
		delete(a.Routes, name)
	}
	return flow.Put(u, rec.Attempts, linePanel(id), &a)
}

// keepStates stores what a session said between turns.
func (d *Desk) keepStates(ctx context.Context, id string, opened panel.Target, said ...panel.Event) error {
	_, err := d.core.Act(ctx, accounts.SystemActor("watch"), func(u *flow.Unit) error {
		a, _, err := flow.Load(u, rec.Attempts, linePanel(id))
		if err != nil {
			return err
		}
		if err := remember(u, &a, id, opened, said); err != nil {
			return err
		}
		return flow.Put(u, rec.Attempts, linePanel(id), &a)
	})
	return err
}

// look reads what has to be read before anything is written: everything the first time,
// when nobody has listened for a while and once in a while, and whatever is in doubt or was said to have changed.
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
		if (u.Unsure != 0 || u.Flight != nil || len(u.Sent)+len(u.SentTags) > 0) && !slices.Contains(want.Places, u.Place) {
			want.Places = append(want.Places, u.Place)
		}
	}
	since := w.desk.core.Time().Sub(w.attempt.ReadAt) // less than nothing after the clock was set back
	if w.panel.Baseline.IsZero() || w.gap() || w.attempt.ReadAt.Before(w.quarantine) || since < 0 || since >= w.desk.o.ReadEvery {
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

func same(a, b panel.Model) bool { return reflect.DeepEqual(a, b) }

// unchanged compares as the store would keep them.
func unchanged(a, b rec.User) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
