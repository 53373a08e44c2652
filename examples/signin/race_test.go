package signin_test

import (
	"errors"
	"net/netip"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

var first, wrong = password.Of("Violet-Rivers-9"), password.Of("Crimson-Valleys-5")

// world is accounts and sign-in over one file, each on two nodes.
type world struct {
	t      *testing.T
	mail   *notifytest.Capture
	people *people.Service
	nodes  [2]*signin.Service
	mu     sync.Mutex
	fault  func(storetest.Call) storetest.Fault
	store  store.Store
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "keyholder.db"), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	w := &world{t: t, mail: &notifytest.Capture{}, store: db.Main()}
	st := storetest.Faulty(w.store, func(c storetest.Call) storetest.Fault {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.fault == nil {
			return storetest.Pass
		}
		return w.fault(c)
	})
	authority := accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	w.people, err = people.New(people.Options{Store: st, Keys: keys, Authority: authority, Mailer: w.mail, FirstTry: -1})
	require.NoError(t, err)
	p := signin.PowerManage()
	p.Hash.Cost = 4
	for i := range w.nodes {
		w.nodes[i], err = signin.New(signin.Options{Store: st, Keys: keys, Authority: authority, Mailer: w.mail, Policy: &p})
		require.NoError(t, err)
	}
	return w
}

// invite adds an account and returns the code that was mailed to its owner.
func (w *world) invite(name string) signin.NewPassword {
	w.t.Helper()
	e, err := accounts.ParseEmail(name + "@example.com")
	require.NoError(w.t, err)
	op := w.people.As(accounts.HostActor("operator", "", "test").Vouched(time.Now()))
	_, _, err = op.Create(w.t.Context(), people.NewAccount{Email: e, Roles: []string{"user"}, Sites: accounts.TheseSites("north")})
	require.NoError(w.t, err)
	require.NoError(w.t, w.people.Work(w.t.Context()))
	sent := w.mail.Sent()
	code := otp.AnswerOf(regexp.MustCompile(`(?m)^    (\S+)$`).FindStringSubmatch(sent[len(sent)-1].Text)[1])
	return signin.NewPassword{Name: e.String(), Code: code, Password: first}
}

// atOnce lets n do the same over both nodes and returns how many did it.
func (w *world) atOnce(n int, do func(s *signin.Service) error) int64 {
	var all sync.WaitGroup
	var won atomic.Int64
	for i := range n {
		all.Go(func() {
			if do(w.nodes[i%2]) == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	return won.Load()
}

// Rules: R135
func TestOneCodeHasOneWinnerOnSQLite(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	w := newWorld(t)
	for round := range rounds {
		n := w.invite("owner" + string(rune('a'+round%26)) + string(rune('a'+round/26)))
		n.From.Addr = netip.AddrFrom4([4]byte{192, 0, 2, byte(round)}) // a source has its limit
		require.EqualValues(t, 1, w.atOnce(32, func(s *signin.Service) error { return s.SetPassword(t.Context(), n) }), "round %d", round)
	}
}

// Of 100 guesses at once over two nodes five are compared.
func TestGuessesAtOnceAreLimitedOnSQLite(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.nodes[0].SetPassword(t.Context(), w.invite("owner")))
	looked := w.atOnce(100, func(s *signin.Service) error {
		_, err := s.SignIn(t.Context(), signin.Attempt{Name: "owner@example.com", Password: wrong})
		refused, ok := errors.AsType[*signin.RefusedError](err)
		if !ok {
			return err
		}
		if errors.Is(refused.Cause(), accounts.ErrBadCredentials) {
			return nil
		}
		return refused.Cause()
	})
	assert.EqualValues(t, 5, looked)
	_, err := w.nodes[1].SignIn(t.Context(), signin.Attempt{Name: "owner@example.com", Password: first})
	require.ErrorIs(t, err, accounts.ErrSignIn)
}

// Setting a password and signing in are cut at every commit, before it is done and after.
func TestFlowsAreCutAnywhereOnSQLite(t *testing.T) {
	w := newWorld(t)
	for _, fault := range []storetest.Fault{storetest.Fail, storetest.Lose} {
		for n := range 8 {
			set := w.invite("cut" + string(rune('a'+n)) + string(rune('a'+int(fault))))
			w.cutAt(n, fault)
			err := w.nodes[0].SetPassword(t.Context(), set)
			w.cutAt(-1, fault)
			if err != nil {
				_ = w.nodes[0].SetPassword(t.Context(), set) // refused if the cut came after the commit
			}
			require.ErrorIs(t, w.nodes[0].SetPassword(t.Context(), set), signin.ErrCode, "the code worked twice")
			w.cutAt(n, fault)
			r, err := w.nodes[1].SignIn(t.Context(), signin.Attempt{Name: set.Name, Password: first})
			w.cutAt(-1, fault)
			if err == nil {
				_, err = w.nodes[0].Check(t.Context(), r.Token, signin.From{})
				require.NoError(t, err)
			}
		}
	}
	rs, err := w.store.List(t.Context(), store.Query{Kind: "signin"})
	require.NoError(t, err)
	require.NotEmpty(t, rs)
	for _, r := range rs {
		es, err := w.store.Entries(t.Context(), store.EntryQuery{Target: []byte(r.Key.ID), Actions: []string{string(audit.SignInDone)}})
		require.NoError(t, err)
		assert.Len(t, es, 1, "a session without its entry")
	}
}

// cutAt makes the store die at commit n; a negative n mends it.
func (w *world) cutAt(n int, f storetest.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = nil
	commits := 0
	if n < 0 {
		return
	}
	w.fault = func(c storetest.Call) storetest.Fault {
		if c.Verb != storetest.Commit {
			return storetest.Pass
		}
		switch commits++; {
		case commits <= n:
			return storetest.Pass
		case commits == n+1:
			return f
		}
		return storetest.Fail
	}
}
