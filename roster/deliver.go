package roster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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
	opened  panel.Target // what the session was opened with
	done    bool         // something was carried out in this turn
	attempt rec.Attempt
	tried   string // the counter of attempts with a code in doubt, "" if none is
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
	return w.either(ctx, target)
}

// converse opens the panel, reads and writes.
func (w *turn) converse(ctx context.Context, t panel.Target) error {
	if err := w.open(ctx, t); err != nil {
		return err
	}
	if err := w.recode(ctx); err != nil {
		return err
	}
	if err := w.look(ctx); err != nil {
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
		if (u.Unsure != 0 || u.Flight != nil || len(u.Sent)+len(u.SentTags) > 0) && !slices.Contains(want.Places, u.Place) {
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

func same(a, b panel.Model) bool { return reflect.DeepEqual(a, b) }

// unchanged compares as the store would keep them.
func unchanged(a, b rec.User) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
