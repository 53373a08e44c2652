package soak

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/keys"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// errDied is what a process that died answers.
var errDied = errors.New("soak: the process is dead")

// mortal is a store that its process uses until it dies.
type mortal struct {
	store.Store
	left  int // commits until it dies, 0: it lives
	lose  bool
	dead  bool
	wrote map[store.Kind]bool // kinds of records that were written
	said  func(time.Time)     // hears of each entry
}

func (m *mortal) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	if m.dead {
		return store.Result{}, errDied
	}
	if m.left > 0 {
		m.left--
		m.dead = m.left == 0
	}
	if m.dead && !m.lose {
		return store.Result{}, errDied
	}
	r, err := m.Store.Commit(ctx, c)
	if err == nil {
		for _, e := range c.Entries {
			m.said(e.At)
		}
		for _, op := range c.Ops {
			if p, ok := op.(store.Put); ok {
				m.wrote[p.Record.Key.Kind] = true
			}
		}
	}
	if m.dead {
		return store.Result{}, errDied
	}
	return r, err
}

// site is keyholder over one store: accounts, their credentials, a door, and keys that are
// changed.
type site struct {
	*testing.T
	fleet  func() store.Fleet // opens it, after each death of the process
	clock  time.Time
	newest time.Time // of the log
	ring   []credentials.Key
	store  *mortal
	keys   *keys.Service
	follow *credentials.Following
	people *people.Service
	desk   *roster.Desk
	door   *door.Service
	reader door.ReaderKey
	ids    []accounts.ID
	heard  map[string]bool // alarms
}

const frontDoor = "front"

func (s *site) now() time.Time { return s.clock }

func (s *site) actor() accounts.Actor {
	return accounts.HostActor("operator", "The operator", "test").Vouched(s.clock)
}

// open begins another process.
func (s *site) open() {
	s.Helper()
	fleet := s.fleet()
	main, err := fleet.Tenant("main")
	require.NoError(s, err)
	restricted, err := fleet.Tenant("restricted")
	require.NoError(s, err)
	s.store = &mortal{Store: main, wrote: map[store.Kind]bool{}, said: func(at time.Time) { s.newest = later(s.newest, at) }}
	s.follow = credentials.Follow(s.keyring())
	rights := accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	s.keys, err = keys.New(keys.Options{Store: s.store, Keys: s.follow, Node: "node", Now: s.now})
	require.NoError(s, err)
	s.people, err = people.New(people.Options{Store: s.store, Keys: s.follow, Authority: rights, Now: s.now})
	require.NoError(s, err)
	s.desk, err = roster.New(roster.Options{Store: s.store, Keys: s.follow, Authority: rights, Now: s.now})
	require.NoError(s, err)
	s.door, err = door.New(door.Options{
		Store: s.store, Restricted: restricted, Keys: s.follow, Authority: rights, Node: "node",
		Policy: door.Policy{Wrong: 1 << 30, Guesses: 1 << 30}, // lock-outs have tests of their own
		Clock:  func() credentials.Now { return credentials.Now{T: s.clock, Quality: credentials.ClockTrusted} },
		Alarm: func(_ context.Context, a door.Alarm) error {
			s.heard[a.ID] = true
			return nil
		},
	})
	require.NoError(s, err)
	require.NoError(s, s.keys.Follow(s.Context()))
}

// furnish makes the door and the people.
func (s *site) furnish(n int) {
	s.Helper()
	op := s.people.As(s.actor())
	for i := range n {
		email, err := accounts.ParseEmail(fmt.Sprintf("person-%d@example.com", i))
		require.NoError(s, err)
		a, err := op.CreateConfirmed(s.Context(), people.NewAccount{Email: email, Sites: accounts.TheseSites("house")})
		require.NoError(s, err)
		s.ids = append(s.ids, a.ID)
	}
	require.NoError(s, s.desk.As(s.actor()).SetPoint(s.Context(), roster.AccessPoint{Point: credentials.Point{ID: frontDoor, Site: "house"}}))
	for i := range n {
		require.NoError(s, s.rule(i, true))
	}
	var err error
	s.reader, err = s.door.As(s.actor()).AddReader(s.Context(), door.NewReader{Site: "house", Name: "front", Points: map[string]door.Outage{frontDoor: door.OutageDeny}})
	require.NoError(s, err)
}

// keyring has all keys and uses the first one, until the store says otherwise.
func (s *site) keyring() *credentials.Ring {
	s.Helper()
	first := s.ring[0].ID()
	ring, err := credentials.NewKeyring("", s.ring, credentials.KeyringOptions{Epoch: credentials.Epoch{N: 1, Prints: []string{first}, Seal: first}})
	require.NoError(s, err)
	return ring
}

// use puts the keys into the keyring of the process that runs.
func (s *site) use() {
	s.Helper()
	require.NoError(s, s.follow.Use(s.keyring()))
	require.NoError(s, s.keys.Follow(s.Context()))
}

// rule lets a person in, or nobody.
func (s *site) rule(i int, on bool) error {
	return s.desk.As(s.actor()).SetRule(s.Context(), roster.AccessRule{ID: fmt.Sprint("rule-", i), Name: "all", Site: "house", Points: []string{frontDoor}, Disabled: !on,
		Who: []credentials.Subject{{Kind: "account", ID: string(s.ids[i])}}})
}

// restart begins another process after the one before has died: half a minute later, when
// its heartbeat has ended. It does what was left undone.
func (s *site) restart() {
	s.Helper()
	s.clock = later(s.clock, s.newest).Add(31 * time.Second).Truncate(time.Second)
	s.open()
	for _, l := range s.desk.Loops() {
		if strings.Contains(l.Name, "project") {
			require.NoError(s, l.Pass(s.Context()))
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
