package soak

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

const (
	ident  = "298765432101"
	master = "4729"
	slots  = 8
)

// world is a SQLite file, a simulated panel and one process that delivers, which can die
// at any commit. Time is real but for its jumps: who waits lets an hour go by at once.
type world struct {
	*testing.T
	ctx     context.Context
	end     context.CancelFunc
	running sync.WaitGroup
	path    string      // of the file
	db      *sqlite.DB  // on it
	store   store.Store // every commit passes judge
	keys    *credentials.Ring
	sim     *dscsim.Panel
	network paneltest.Network
	calls   atomic.Pointer[string] // where the panel calls in
	ahead   atomic.Int64           // of the clock, the store's too
	desk    *roster.Desk           // delivers nothing
	id      string
	users   map[int]string // record by slot
	node    *node
	nodes   int

	disclose bool

	mu    sync.Mutex
	ours  map[string]string // code → name
	wrong []string
}

func begin(t *testing.T, disclose bool, quirks ...string) *world {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	w := &world{T: t, ctx: ctx, end: end, disclose: disclose, ours: map[string]string{}, users: map[int]string{}}
	w.path = filepath.Join(t.TempDir(), "keyholder.db")
	var err error
	w.db, err = sqlite.Open(ctx, w.path, sqlite.Options{Now: w.now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.db.Close()) })
	w.store = storetest.Faulty(w.db.Main(), w.judge)
	w.keys, err = credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	w.sim = dscsim.New(dscsim.Options{
		Ident: ident, Master: master, Users: slots, Partitions: 4, Redial: 10 * time.Millisecond, LeadIn: time.Millisecond,
		Dial: func(ctx context.Context) (net.Conn, error) {
			if to := w.calls.Load(); to != nil {
				return w.network.DialContext(ctx, "tcp", *to)
			}
			return nil, net.ErrClosed
		},
	})
	for _, q := range quirks {
		require.True(t, w.sim.Quirk(q, true))
	}
	w.desk = w.newDesk(w.store, nil)
	w.running.Go(func() { _ = w.sim.Serve(ctx) })
	p, err := w.operator().Register(ctx, roster.Registration{Site: "house", Driver: "dsc", Ident: ident, Routes: map[string]roster.Route{
		dsc.Route: {Secrets: map[string]panel.Secret{dsc.KeySecret: panel.SecretOf(dscsim.DefaultType2), panel.MasterSecret: panel.SecretOf(master)}},
	}})
	require.NoError(t, err)
	w.id = p.ID
	for n := 1; n <= slots; n++ {
		w.users[n] = w.details(n).ID
	}
	return w
}

func (w *world) finish() {
	w.node.shut()
	w.end()
	w.running.Wait()
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// pass lets time go by: heartbeats of the dead end, and what is to be tried again is due.
func (w *world) pass(d time.Duration) { w.ahead.Add(int64(d)) }

func (w *world) operator() *roster.Operator {
	return w.desk.As(accounts.HostActor("operator", "The operator", "test").Vouched(w.now()))
}

func (w *world) tab() *roster.Tab { return w.operator().Panel(w.id) }

func (w *world) details(n int) roster.Details {
	w.Helper()
	d, err := w.tab().Details(w.ctx, slot(n))
	require.NoError(w, err)
	return d
}

func slot(n int) panel.Place { return panel.Place{Slot: n} }

func (w *world) newDesk(st store.Store, listen func(context.Context) (net.Listener, error)) *roster.Desk {
	w.Helper()
	var desk *roster.Desk
	desk, err := roster.New(roster.Options{
		Store: st, Keys: w.keys, Now: w.now, Disclose: w.disclose, Mails: true, PollEvery: 5 * time.Millisecond,
		Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}},
		Drivers: map[string]panel.Driver{"dsc": dsc.New(dsc.Options{
			Listen: listen, DiscloseCodes: w.disclose,
			Quiet: time.Millisecond, Handshake: time.Second, Answer: 150 * time.Millisecond, Poll: time.Second, Return: 500 * time.Millisecond,
			Allow: func(ctx context.Context, ident string) (dsc.Key, error) {
				secret, err := desk.Secret(ctx, "dsc", ident, dsc.Route, dsc.KeySecret)
				return dsc.Key{Encryption: dsc.Type2, Secret: secret}, err
			},
		})},
	})
	require.NoError(w, err)
	return desk
}

// node is a process that delivers.
type node struct {
	stop    context.CancelFunc
	running sync.WaitGroup
	fuse    atomic.Int64 // commits until it dies, 0: it lives
	lose    atomic.Bool  // the last of them is done
	dead    atomic.Bool
}

// start begins another process.
func (w *world) start() {
	w.Helper()
	w.nodes++
	addr := fmt.Sprintf("10.0.0.%d:3072", w.nodes)
	ctx, stop := context.WithCancel(w.ctx)
	n := &node{stop: stop}
	desk := w.newDesk(storetest.Faulty(w.store, n.live), func(context.Context) (net.Listener, error) { return w.network.Listen(addr) })
	n.running.Go(func() { engine.Run(ctx, nil, desk.Loops()...) })
	w.calls.Store(&addr)
	w.node = n
}

// live fails every call of a dead process.
func (n *node) live(c storetest.Call) storetest.Fault {
	switch {
	case n.dead.Load():
		return storetest.Fail
	case c.Verb != storetest.Commit || n.fuse.Load() == 0 || n.fuse.Add(-1) > 0:
		return storetest.Pass
	}
	n.dead.Store(true)
	n.stop()
	if n.lose.Load() {
		return storetest.Lose
	}
	return storetest.Fail
}

func (n *node) shut() {
	n.stop()
	n.running.Wait()
}

// crash kills the process and starts another, half a minute later.
func (w *world) crash() {
	w.node.dead.Store(true)
	w.node.shut()
	w.pass(31 * time.Second)
	w.start()
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

// opens reports whether the panel has a code where a record says.
func (w *world) opens(code, user string) bool {
	return slices.ContainsFunc(w.sim.Users(), func(u paneltest.User) bool { return u.Code == code && w.users[u.Slot] == user })
}

// check is asked after every step: what opens is held.
func (w *world) check() error {
	for _, u := range w.sim.Users() {
		w.mu.Lock()
		name, ours := w.ours[u.Code]
		w.mu.Unlock()
		if !ours {
			continue
		}
		h, err := w.store.Holders(w.ctx, store.Name(name))
		if err != nil {
			return err
		}
		if !slices.Contains(h[0].Uses, w.users[u.Slot]) && w.opens(u.Code, w.users[u.Slot]) {
			return fmt.Errorf("the panel opens for %s at %s, held by %v", u.Code, u.Place, h[0].Uses)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.wrong) > 0 {
		return fmt.Errorf("%s", w.wrong[0])
	}
	return nil
}

// code notes that a code is asked for.
func (w *world) code(s string) panel.Code {
	w.Helper()
	c, err := panel.ParseCode(s)
	require.NoError(w, err)
	names, err := credentials.Names(w.keys, credentials.Scope{Kind: credentials.PanelScope, ID: w.id}, credentials.CodeMaterial(c))
	require.NoError(w, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ours[s] = names[0]
	return c
}

// open is how many users have something to do.
func (w *world) open() int64 {
	w.Helper()
	n, err := w.store.Tally(w.ctx, store.Query{Kind: "user", Term: "pending"})
	require.NoError(w, err)
	return n
}

// settled lets hours go by until nothing is left to be done.
func (w *world) settled() bool {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		p, err := w.tab().Info(w.ctx)
		require.NoError(w, err)
		if w.open() == 0 && !p.Baseline.IsZero() {
			return true
		}
		if p.Line.Due.After(w.now()) {
			w.pass(time.Until(p.Line.Due) - time.Duration(w.ahead.Load()) + time.Second)
		}
		if len(p.Line.Parked) > 0 {
			_ = w.tab().Resume(w.ctx) // a worker may have the line: it is tried again
		}
	}
	return false
}

// verified signs the log, and checks it against the stored rows.
func (w *world) verified() {
	w.Helper()
	key, err := audit.GenerateKey("example.com/model")
	require.NoError(w, err)
	log, err := journal.New(journal.Options{Store: w.store, Keys: w.keys, Signer: key, Now: w.now})
	require.NoError(w, err)
	_, err = log.Checkpoint(w.ctx)
	require.NoError(w, err)
	r, err := journal.VerifyStore(w.ctx, w.store, audit.VerifyOptions{Origin: key.Name(), Keys: []note.Verifier{key.Public()}})
	require.NoError(w, err)
	require.True(w, r.OK(), "%s", r)
}
