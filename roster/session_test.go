package roster_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// ear is a paper panel that tells of changes to whoever has a session with it.
type ear struct {
	*paper
	sessions map[*earSession]bool // true: open
	targets  []panel.Target
	cut      bool // each Watch fails at once
	reads    []panel.Query
}

type earSession struct {
	panel.Session
	e    *ear
	said chan panel.Event
	over chan struct{}
	once sync.Once
}

func (e *ear) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	s, err := e.paper.Open(ctx, t)
	es := &earSession{Session: s, e: e, said: make(chan panel.Event, 8), over: make(chan struct{})}
	e.do(func() { e.sessions[es] = true; e.targets = append(e.targets, t) })
	return es, err
}

func (s *earSession) Close() error {
	s.once.Do(func() { close(s.over) })
	s.e.do(func() { s.e.sessions[s] = false })
	return nil
}

func (s *earSession) Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	s.e.do(func() { s.e.reads = append(s.e.reads, q) })
	return s.Session.Read(ctx, q)
}

func (s *earSession) Watch(ctx context.Context) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		cut := false
		if s.e.do(func() { cut = s.e.cut }); cut {
			yield(panel.Event{}, panel.ErrUnreachable)
			return
		}
		for {
			select {
			case ev := <-s.said:
				if !yield(ev, nil) {
					return
				}
			case <-s.over:
				return
			case <-ctx.Done():
				return
			}
		}
	}
}

// tell says something over every open session.
func (e *ear) tell(ev panel.Event) {
	e.do(func() {
		for s, open := range e.sessions {
			if open {
				s.said <- ev
			}
		}
	})
}

// count is how many sessions are open, and how many there were.
func (e *ear) count() (open, all int) {
	e.do(func() {
		for _, on := range e.sessions {
			all++
			if on {
				open++
			}
		}
	})
	return open, all
}

// full is how many times everything was read.
func (e *ear) full() (n int) {
	e.do(func() {
		for _, q := range e.reads {
			if q.All {
				n++
			}
		}
	})
	return n
}

// listened runs a test over a panel that is listened to and was read once.
func listened(t *testing.T, edit func(e *ear, o *roster.Options), test func(e *ear, tab *roster.Tab, op *roster.Operator, another func() context.CancelFunc)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := &ear{paper: &paper{model: slots(4), length: 4, users: map[panel.Place]panel.Values{}}, sessions: map[*earSession]bool{}}
		e.model.Kind, e.model.Name, e.model.Sight, e.model.Evidence = panel.Access, "ear", panel.Marked, "Invented for this test."
		o := roster.Options{
			Store: memstore.Open(), Keys: ring(t), Drivers: map[string]panel.Driver{"ear": e}, Directory: &people{},
			Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}},
		}
		edit(e, &o)
		var running sync.WaitGroup
		node := func() (*roster.Desk, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			desk, err := roster.New(o)
			require.NoError(t, err)
			running.Go(func() { engine.Run(ctx, nil, desk.Loops()...) })
			return desk, cancel
		}
		desk, cancel := node()
		op := desk.As(accounts.HostActor("operator", "", "").Vouched(time.Now()))
		p, err := op.Register(t.Context(), roster.Registration{Site: site, Driver: "ear", Ident: "p", Routes: map[string]roster.Route{
			"wire": {Addr: "a", Secrets: map[string]panel.Secret{"key": panel.SecretOf("one")}}, "cloud": {Addr: "b"},
		}})
		require.NoError(t, err)
		pass(30 * time.Second)
		stops := []context.CancelFunc{cancel}
		test(e, op.Panel(p.ID), op, func() context.CancelFunc {
			_, stop := node()
			stops = append(stops, stop)
			return stops[0]
		})
		for _, stop := range stops {
			stop()
		}
		running.Wait()
		open, _ := e.count()
		require.Zero(t, open, "a node that stops closes its sessions")
	})
}

func plain(*ear, *roster.Options) {}

// often lets everything be read anew, and sessions with it, every two minutes.
func often(_ *ear, o *roster.Options) { o.ReadEvery = 2 * time.Minute }

// A panel that is dialled has one session, for turns and for what it says unasked.
//
// Rules: R243
func TestADialledPanelIsListenedTo(t *testing.T) {
	listened(t, plain, func(e *ear, tab *roster.Tab, _ *roster.Operator, _ func() context.CancelFunc) {
		r, err := tab.SetCode(t.Context(), slot(4), roster.CodeWish{Code: digits(t, "6137")})
		require.NoError(t, err)
		pass(10 * time.Second)
		p, err := tab.Receipt(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, roster.Settled, p.Fate)
		e.do(func() { delete(e.users, slot(4)) })
		e.tell(panel.Event{Stale: &panel.Query{Places: []panel.Place{slot(4)}}})
		pass(10 * time.Second)
		d, err := tab.Details(t.Context(), slot(4))
		require.NoError(t, err)
		require.Equal(t, roster.Minus, d.Code, "noticed long before everything is read again")
		open, all := e.count()
		require.Equal(t, []int{1, 1}, []int{open, all})
		require.Equal(t, 1, e.full())
	})
}

func TestASessionThatHearsNothingIsClosedAfterItsTurn(t *testing.T) {
	listened(t, func(e *ear, o *roster.Options) { o.Watches = -1 }, func(e *ear, _ *roster.Tab, _ *roster.Operator, _ func() context.CancelFunc) {
		open, all := e.count()
		require.Equal(t, []int{0, 1}, []int{open, all}, "there is no room")
	})
	listened(t, func(e *ear, o *roster.Options) { o.Drivers["ear"] = mumbling{e} }, func(e *ear, tab *roster.Tab, _ *roster.Operator, _ func() context.CancelFunc) {
		require.NoError(t, tab.OutOfService(t.Context(), true))
		pass(10 * time.Second)
		open, all := e.count()
		require.Equal(t, []int{0, 2}, []int{open, all})
		require.Equal(t, 1, e.full(), "nothing was missed that could be heard")
	})
}

// mumbling is a driver whose sessions hear nothing.
type mumbling struct{ *ear }

type mumble struct {
	panel.NoWatch
	session
}

// session is a session without its Watch.
type session interface {
	Model() panel.Model
	Apply(ctx context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error]
	Read(ctx context.Context, q panel.Query) iter.Seq2[panel.Event, error]
	Close() error
}

func (m mumbling) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	s, err := m.ear.Open(ctx, t)
	return mumble{session: s}, err
}

func TestAnUnusedSessionIsClosed(t *testing.T) {
	listened(t, func(e *ear, _ *roster.Options) { e.model.Linger = time.Minute }, func(e *ear, tab *roster.Tab, _ *roster.Operator, _ func() context.CancelFunc) {
		pass(20 * time.Second)
		require.NoError(t, tab.OutOfService(t.Context(), true)) // a turn uses it
		pass(50 * time.Second)
		open, all := e.count()
		require.Equal(t, []int{1, 1}, []int{open, all})
		pass(20 * time.Second)
		open, _ = e.count()
		require.Zero(t, open)
		require.NoError(t, tab.OutOfService(t.Context(), false))
		pass(10 * time.Second)
		open, all = e.count()
		require.Equal(t, []int{1, 2}, []int{open, all})
		require.Equal(t, 2, e.full(), "what happened meanwhile is not known")
	})
}

func TestAWatchThatDiesIsBegunAnewMoreAndMoreSeldom(t *testing.T) {
	listened(t, func(e *ear, _ *roster.Options) { e.cut = true }, func(e *ear, _ *roster.Tab, _ *roster.Operator, _ func() context.CancelFunc) {
		pass(time.Hour)
		open, all := e.count()
		require.Zero(t, open)
		require.Greater(t, all, 8)
		require.Less(t, all, 25)
		e.do(func() { e.cut = false })
		pass(15 * time.Minute)
		open, _ = e.count()
		require.Equal(t, 1, open)
	})
}

func TestASessionGoesWithWhatItWasOpenedFor(t *testing.T) {
	listened(t, often, func(e *ear, tab *roster.Tab, _ *roster.Operator, _ func() context.CancelFunc) {
		require.NoError(t, tab.SetSecret(t.Context(), "wire", roster.Route{Secrets: map[string]panel.Secret{"key": panel.SecretOf("two")}}))
		pass(10 * time.Second)
		open, all := e.count()
		require.Equal(t, []int{1, 2}, []int{open, all})
		e.do(func() { require.Equal(t, "two", e.targets[1].Routes["wire"].Secrets["key"].Reveal()) })
		pass(2 * time.Minute)
		_, all = e.count()
		require.Equal(t, 3, all, "now and then it is learned anew what the panel is")
		require.NoError(t, tab.Retire(t.Context(), true))
		pass(10 * time.Second)
		open, _ = e.count()
		require.Zero(t, open)
	})
}

func TestOneNodeHasTheSession(t *testing.T) {
	listened(t, plain, func(e *ear, tab *roster.Tab, _ *roster.Operator, another func() context.CancelFunc) {
		stop := another()
		for i := range 10 {
			require.NoError(t, tab.OutOfService(t.Context(), i%2 == 0))
			pass(20 * time.Second)
			open, all := e.count()
			require.Equal(t, []int{1, 1}, []int{open, all}, "the line is left to the node with the session")
		}
		stop()
		pass(time.Minute)
		require.NoError(t, tab.OutOfService(t.Context(), false))
		pass(10 * time.Second)
		open, all := e.count()
		require.Equal(t, []int{1, 2}, []int{open, all}, "until that node has gone")
		require.Equal(t, 2, e.full(), "nobody listened meanwhile")
	})
}

// Each route gets back what was left for it, also between turns.
func TestStateComesBackToItsRoute(t *testing.T) {
	listened(t, often, func(e *ear, tab *roster.Tab, _ *roster.Operator, _ func() context.CancelFunc) {
		e.tell(panel.Event{State: []byte("w1"), Route: "wire"})
		e.tell(panel.Event{State: []byte("c1"), Route: "cloud"})
		pass(time.Second)
		again := func() map[string]string {
			e.tell(panel.Event{State: []byte("lost"), Route: "gone"})
			pass(3 * time.Minute)
			got := map[string]string{}
			e.do(func() {
				for name, r := range e.targets[len(e.targets)-1].Routes {
					got[name] = string(r.State)
				}
			})
			return got
		}
		require.Equal(t, map[string]string{"wire": "w1", "cloud": "c1"}, again())
		require.NoError(t, tab.SetSecret(t.Context(), "wire", roster.Route{Secrets: map[string]panel.Secret{"key": panel.SecretOf("two")}}))
		require.Equal(t, map[string]string{"wire": "", "cloud": "c1"}, again(), "what is trusted anew begins anew")
		e.tell(panel.Event{State: []byte("only")})
		require.Equal(t, map[string]string{"wire": "only", "cloud": "only"}, again(), "from a driver that knows one route")
	})
}

func TestThereAreNoMoreSessionsThanWanted(t *testing.T) {
	listened(t, func(_ *ear, o *roster.Options) { o.Watches = 3 }, func(e *ear, _ *roster.Tab, op *roster.Operator, _ func() context.CancelFunc) {
		for i := range 5 {
			_, err := op.Register(t.Context(), roster.Registration{Site: site, Driver: "ear", Ident: fmt.Sprint(i)})
			require.NoError(t, err)
		}
		pass(time.Minute)
		open, all := e.count()
		require.Equal(t, []int{3, 6}, []int{open, all})
	})
}
