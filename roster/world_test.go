package roster_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// world is one store, one simulated panel and any number of nodes, which can die at any
// commit. Wishes come in by a desk that delivers nothing. Every commit of everybody
// passes [world.judge].
type world struct {
	*testing.T
	ctx     context.Context
	end     context.CancelFunc
	store   store.Store // what everybody but the nodes uses
	keys    *credentials.Ring
	sim     *dscsim.Panel
	network *paneltest.Network
	desk    *roster.Desk
	rights  accounts.StaticAuthority
	id      string // of the panel
	options worldOptions
	running sync.WaitGroup
	calls   atomic.Pointer[string] // where the panel calls in
	step    atomic.Int64           // how far the nodes' clock is off

	mu    sync.Mutex
	ours  map[string]string // code → name: every code that was ever asked for here
	wrong []string          // violations
}

type worldOptions struct {
	sim      dscsim.Options
	quirks   []string
	disclose bool
	wire     time.Duration // one way
	desk     roster.Options
}

// begin makes a world with a registered panel that nobody delivers to yet. It is to be
// called inside a bubble of fake time, and ended before the bubble is.
func begin(t *testing.T, o worldOptions) *world {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	w := &world{T: t, ctx: ctx, end: end, keys: ring(t), options: o, ours: map[string]string{},
		network: &paneltest.Network{Up: o.wire, Down: o.wire}}
	w.rights = accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	w.store = storetest.Faulty(memstore.Open(), w.judge)
	o.sim.Ident, o.sim.Dial = ident, func(ctx context.Context) (net.Conn, error) {
		to := w.calls.Load()
		if to == nil {
			return nil, net.ErrClosed
		}
		return w.network.DialContext(ctx, "tcp", *to)
	}
	if o.sim.Master == "" {
		o.sim.Master = master
	}
	if o.sim.Users == 0 {
		o.sim.Users = 12
	}
	if o.sim.Partitions == 0 {
		o.sim.Partitions = 4
	}
	w.sim = dscsim.New(o.sim)
	for _, q := range o.quirks {
		require.True(t, w.sim.Quirk(q, true))
	}
	w.desk = w.newDesk("front", w.store, nil)
	w.running.Go(func() { _ = w.sim.Serve(ctx) })
	p, err := w.operator().Register(ctx, roster.Registration{Site: site, Driver: "dsc", Ident: ident, Routes: map[string]roster.Route{
		dsc.Route: {Secrets: map[string]panel.Secret{"key": panel.SecretOf(dscsim.DefaultType2), "master": panel.SecretOf(o.sim.Master)}},
	}})
	require.NoError(t, err)
	w.id = p.ID
	return w
}

// finish stops the panel and waits for everything.
func (w *world) finish() {
	w.end()
	w.running.Wait()
}

// judge sees every commit before it is done: no claim is released for a code that the
// panel still accepts where it is released.
func (w *world) judge(c storetest.Call) storetest.Fault {
	for _, op := range c.Change.Ops {
		r, ok := op.(store.Release)
		if !ok {
			continue
		}
		w.mu.Lock()
		for code, name := range w.ours {
			if name == string(r.Name) && w.opens(code, r.Use) {
				w.wrong = append(w.wrong, fmt.Sprintf("the claim of %s is released by %s while the panel opens for it", code, r.Use))
			}
		}
		w.mu.Unlock()
	}
	return storetest.Pass
}

// opens reports whether the panel has a code at the place of a user's record.
func (w *world) opens(code, user string) bool {
	return slices.ContainsFunc(w.sim.Users(), func(u paneltest.User) bool {
		return u.Code == code && rec.UserID(w.id, u.Place) == user
	})
}

// held are the codes of ours that the panel opens for and that their place does not hold.
func (w *world) unheld() []string {
	before := w.sim.Users()
	var out []string
	for _, u := range before {
		w.mu.Lock()
		name, ours := w.ours[u.Code]
		w.mu.Unlock()
		if !ours {
			continue
		}
		h, err := w.store.Holders(w.ctx, store.Name(name))
		require.NoError(w, err)
		if !slices.Contains(h[0].Uses, rec.UserID(w.id, u.Place)) && w.opens(u.Code, rec.UserID(w.id, u.Place)) {
			out = append(out, fmt.Sprintf("%s at %s: %+v", u.Code, u.Place, h[0]))
		}
	}
	return out
}

// node is a process that delivers.
type node struct {
	world   *world
	name    string
	desk    *roster.Desk
	stop    context.CancelFunc
	running sync.WaitGroup
	fuse    atomic.Int64 // commits until it dies, 0: it lives
	lose    atomic.Bool  // the last commit is done, and the node dies before it knows
	dead    atomic.Bool
	gate    *gate
	plan    atomic.Pointer[func(storetest.Call) storetest.Fault] // nil: nothing goes wrong
}

// gate is a store at whose door a process freezes.
type gate struct {
	store.Store
	mu      sync.Mutex
	at      func(store.Change) bool
	reached chan struct{} // closed when the process has frozen
	opened  chan struct{} // closed when it goes on
	frozen  bool
	answers []error // of its work's commits since
}

// shut freezes the process at the first commit for which at holds, and its heartbeat
// with it.
func (g *gate) shut(at func(store.Change) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at = at
}

// open lets the process go on.
func (g *gate) open() { close(g.opened) }

// since are the answers to the commits of its work since the process froze.
func (g *gate) since() []error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.answers)
}

func (g *gate) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	g.mu.Lock()
	if g.at != nil && g.at(c) {
		g.at, g.frozen = nil, true
		close(g.reached)
	}
	frozen := g.frozen
	g.mu.Unlock()
	if !frozen {
		return g.Store.Commit(ctx, c)
	}
	<-g.opened
	r, err := g.Store.Commit(ctx, c)
	g.mu.Lock()
	defer g.mu.Unlock()
	if fenced(c) || len(c.Entries) > 0 { // what only marks a line for whoever has it says nothing of the work
		g.answers = append(g.answers, err)
	}
	return r, err
}

func (g *gate) Beat(ctx context.Context, node string, ttl time.Duration) (time.Time, error) {
	select {
	case <-g.reached:
		<-g.opened
	default:
	}
	return g.Store.Beat(ctx, node, ttl)
}

// fenced reports whether a change is a worker's.
func fenced(c store.Change) bool {
	return slices.ContainsFunc(c.Ops, func(o store.Op) bool { _, ok := o.(store.Fence); return ok })
}

var errDead = errors.New("the process is dead")

// start begins a node whose listener is at addr.
func (w *world) start(name, addr string) *node {
	w.Helper()
	ctx, stop := context.WithCancel(w.ctx)
	n := &node{world: w, name: name, stop: stop, gate: &gate{Store: w.store, reached: make(chan struct{}), opened: make(chan struct{})}}
	n.desk = w.newDesk(name, storetest.Faulty(n.gate, n.live), func(context.Context) (net.Listener, error) {
		if n.dead.Load() {
			return nil, errDead
		}
		return w.network.Listen(addr)
	})
	n.running.Go(func() { engine.Run(ctx, nil, n.desk.Loops()...) })
	w.calls.Store(&addr)
	return n
}

// live fails every call of a dead process.
func (n *node) live(c storetest.Call) storetest.Fault {
	if n.dead.Load() {
		return storetest.Fail
	}
	if c.Verb == storetest.Commit && n.fuse.Load() > 0 && n.fuse.Add(-1) == 0 {
		n.dead.Store(true)
		n.stop()
		if n.lose.Load() {
			return storetest.Lose
		}
		return storetest.Fail
	}
	if plan := n.plan.Load(); plan != nil {
		return (*plan)(c)
	}
	return storetest.Pass
}

// crash kills the node now.
func (n *node) crash() {
	n.dead.Store(true)
	n.shut()
}

// shut ends the node in order.
func (n *node) shut() {
	n.stop()
	n.running.Wait()
}

func (w *world) newDesk(name string, st store.Store, listen func(context.Context) (net.Listener, error)) *roster.Desk {
	w.Helper()
	o := w.options.desk
	var desk *roster.Desk
	o.Store, o.Keys, o.Authority, o.Node, o.Disclose = st, w.keys, w.rights, name, w.options.disclose
	o.Now = w.now
	o.Drivers = map[string]panel.Driver{"dsc": dsc.New(dsc.Options{
		Listen: listen, DiscloseCodes: w.options.disclose,
		Allow: func(ctx context.Context, ident string) (dsc.Key, error) {
			key, err := desk.Secret(ctx, "dsc", ident, dsc.Route, "key")
			if err != nil {
				return dsc.Key{}, dsc.ErrUnlisted
			}
			return dsc.Key{Encryption: dsc.Type2, Secret: key}, nil
		},
	})}
	desk, err := roster.New(o)
	require.NoError(w, err)
	return desk
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.step.Load())) }

func (w *world) operator() *roster.Operator {
	return w.desk.As(accounts.HostActor("operator", "The operator", "test").Vouched(w.now()))
}

func (w *world) tab() *roster.Tab { return w.operator().Panel(w.id) }

// code notes that a code is asked for, and returns it.
func (w *world) code(s string) panel.Code {
	w.Helper()
	c := digits(w.T, s)
	names, err := credentials.Names(w.keys, credentials.Scope{Kind: credentials.PanelScope, ID: w.id}, credentials.CodeMaterial(c))
	require.NoError(w, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ours[s] = names[0]
	return c
}

// records are the stored users of the panel by slot.
func (w *world) records() map[int]rec.User { return w.list(rec.ByPanel) }

// list are the users that a term lists under the panel.
func (w *world) list(term string) map[int]rec.User {
	w.Helper()
	out := map[int]rec.User{}
	q := store.Query{Kind: rec.Users.Name, Term: term, From: []byte(w.id), To: append([]byte(w.id), 0)}
	for {
		rs, err := w.store.List(w.ctx, q)
		require.NoError(w, err)
		for _, r := range rs {
			u, _, err := rec.Users.Decode(r)
			require.NoError(w, err)
			out[u.Slot.Slot] = u
			q.After = &store.Position{Value: q.From, ID: r.Key.ID}
		}
		if len(rs) < store.MaxPage {
			return out
		}
	}
}

// open are the places where something is still to be done.
func (w *world) open() []string {
	var out []string
	for n, u := range w.list(rec.ByPending) {
		if !u.Idle() || u.Cure || u.Over {
			out = append(out, fmt.Sprintf("%d: pending %v unsure %v cure %v sent %d refused %v", n, u.Pending, u.Unsure, u.Cure, len(u.Sent), u.Slot.Refused))
		}
	}
	return out
}

// settled waits in fake time until nothing is left to be done, looking after a parked
// line as a person would.
func (w *world) settled(within time.Duration) bool {
	w.Helper()
	every := max(5*time.Second, time.Duration(w.options.sim.Users)*60*time.Millisecond) // a look lists every user
	for end := time.Now().Add(within); time.Now().Before(end); pass(every) {
		if len(w.open()) == 0 && w.read() {
			return true
		}
		w.unpark()
	}
	return false
}

// read reports whether the panel was read for the first time.
func (w *world) read() bool {
	p, err := w.tab().Info(w.ctx)
	require.NoError(w, err)
	return !p.Baseline.IsZero()
}

// unpark lets a parked line go on; if it was parked for its secret, with the one that
// the panel has.
func (w *world) unpark() {
	p, err := w.tab().Info(w.ctx)
	require.NoError(w, err)
	if len(p.Line.Parked) == 0 {
		return
	}
	for _, why := range p.Line.Parked {
		if strings.Contains(why, panel.ErrSecret.Error()) {
			require.NoError(w, w.tab().SetSecret(w.ctx, dsc.Route, roster.Route{Secrets: map[string]panel.Secret{"master": panel.SecretOf(w.sim.Users()[0].Code)}}))
		}
	}
	if err := w.tab().Resume(w.ctx); !errors.Is(err, roster.ErrLineBusy) {
		require.NoError(w, err)
	}
}

// agrees compares a settled slot with the panel: they are the same, or a finding says
// what differs.
func (w *world) agrees(u rec.User, seen paneltest.User, exists bool) error {
	w.mu.Lock()
	name, ours := w.ours[seen.Code]
	w.mu.Unlock()
	switch {
	case !exists && u.Agreed.Set:
		return errors.New("agreed to a user that the panel does not have")
	case !exists:
		return nil
	case u.Unmanaged() && !ours:
		return nil
	case !u.Agreed.Set:
		return fmt.Errorf("the panel has %+v and nobody knows", seen)
	case ours && !slices.Contains(u.Agreed.Code.Names, name):
		return fmt.Errorf("agreed to another code than the panel's %s", seen.Code)
	}
	drift := u.Drift()
	if u.Agreed.Known.Has(panel.FieldPartitions) && u.Agreed.Partitions != seen.Partitions && !drift.Has(panel.FieldPartitions) {
		return fmt.Errorf("agreed to partitions %v, the panel has %v, and it is no drift", u.Agreed.Partitions, seen.Partitions)
	}
	if u.Agreed.Known.Has(panel.FieldLabel) && u.Agreed.Label != seen.Label && !drift.Has(panel.FieldLabel) {
		return fmt.Errorf("agreed to label %q, the panel has %q, and it is no drift", u.Agreed.Label, seen.Label)
	}
	if u.Agreed.Known.Has(panel.FieldRole) && u.Agreed.Role != seen.Role && !drift.Has(panel.FieldRole) {
		return fmt.Errorf("agreed to role %q, the panel has %q, and it is no drift", u.Agreed.Role, seen.Role)
	}
	return nil
}

// user is what the panel has in a slot.
func (w *world) user(n int) (paneltest.User, bool) {
	for _, u := range w.sim.Users() {
		if u.Slot == n {
			return u, true
		}
	}
	return paneltest.User{}, false
}

// noHalf checks that every stored user is as its last entry left it.
func (w *world) noHalf() {
	w.Helper()
	left := map[string][32]byte{}
	cursor := store.EntryQuery{ByIndex: true}
	for {
		es, err := w.store.Entries(w.ctx, cursor)
		require.NoError(w, err)
		for _, e := range es {
			entry, err := audit.Decode(e.Body)
			require.NoError(w, err)
			for _, s := range entry.State {
				left[s.Row] = s.Digest
			}
		}
		if len(es) < store.MaxPage {
			break
		}
		cursor.FromIndex = es[len(es)-1].Index + 1
	}
	rows := store.Query{Kind: rec.Users.Name}
	for {
		rs, err := w.store.List(w.ctx, rows)
		require.NoError(w, err)
		for _, r := range rs {
			require.Equal(w, left[r.Key.String()], audit.StateDigest(r.Version, r.Body), "%s is not as its last entry left it", r.Key)
			rows.After = &store.Position{ID: r.Key.ID}
		}
		if len(rs) < store.MaxPage {
			break
		}
	}
}
