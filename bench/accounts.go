package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// accountSizes are how much is tried in the part about people who sign in.
type accountSizes struct {
	rounds, rivalRounds int // of races for one code; the rival hashes each code, so it gets fewer
	racers, guesses     int // at once
	samples             int // of the time of a refusal
	codes               int // whose digits are counted
	accounts, roles     int
	cost                int // of bcrypt
}

var fullAccounts = accountSizes{rounds: 500, rivalRounds: 50, racers: 32, guesses: 100, samples: 200, codes: 5000, accounts: 10_000, roles: 200, cost: password.DefaultCost}

// accountSubjects are what is measured of people who sign in, with the rivals that offer
// the same.
func accountSubjects(s accountSizes) []subject {
	return []subject{
		{"accounts: one code", func(m *meter, t *table) error { return oneCode(m, t, s) }},
		{"accounts: one proof", func(m *meter, t *table) error { return oneProof(m, t, s) }},
		{"accounts: one session", func(m *meter, t *table) error { return oneSession(m, t, s) }},
		{"accounts: guesses", func(m *meter, t *table) error { return guesses(m, t, s) }},
		{"accounts: known or not", func(m *meter, t *table) error { return known(m, t, s) }},
		{"accounts: replays", func(m *meter, t *table) error { return replays(m, t, s) }},
		{"accounts: digits", func(_ *meter, t *table) error { return uniform(t, s) }},
		{"accounts: sessions", func(m *meter, t *table) error { return sessions(m, t, s) }},
		{"accounts: rights", func(m *meter, t *table) error { return rights(m, t, s) }},
		{"accounts: signing in", func(m *meter, t *table) error { return signingIn(m, t, s) }},
	}
}

// The passwords of everybody here.
const right, wrong = "Violet-Rivers-9", "Crimson-Valleys-5"

// reception is people and sign-in over one store.
type reception struct {
	ctx    context.Context //nolint:containedctx // a reception lives inside one call of run
	store  store.Store
	keys   *credentials.Ring
	people *people.Service
	signin *signin.Service
	mail   *notifytest.Capture
}

// unlimited lets everything through, so that what is measured is not a refusal of its own.
func unlimited() signin.Limits {
	l := []signin.Limit{{Max: math.MaxInt32, Per: time.Hour}}
	return signin.Limits{Pair: l, Account: l, Source: l, Device: l, Factor: l, Asks: l, Codes: l}
}

func openReception(ctx context.Context, st store.Store, cost int, limits signin.Limits) (*reception, error) {
	keys, err := ring()
	if err != nil {
		return nil, err
	}
	r := &reception{ctx: ctx, store: st, keys: keys, mail: &notifytest.Capture{}}
	policy := signin.PowerManage()
	policy.Hash.Cost, policy.Limits = cost, limits
	names := accounts.PowerManage()
	names.LoginBy = accounts.ByUsername
	r.people, err = people.New(people.Options{Store: st, Keys: keys, Authority: staff(), Mailer: r.mail, Policy: names, FirstTry: -1})
	if err != nil {
		return nil, err
	}
	r.signin, err = signin.New(signin.Options{Store: st, Keys: keys, Authority: staff(), Mailer: r.mail, Accounts: names, Policy: &policy, Issuer: "bench"})
	return r, err
}

var mailed = regexp.MustCompile(`(?m)^    ([0-9]+)$`)

// invite adds an account and returns the code that its owner got; roles: "user" if none.
func (r *reception) invite(name string, roles ...string) (people.Account, string, error) {
	email, err := accounts.ParseEmail(name + "@example.com")
	if err != nil {
		return people.Account{}, "", err
	}
	op := r.people.As(accounts.HostActor("operator", "", "bench").Vouched(time.Now()))
	if len(roles) == 0 {
		roles = []string{"user"}
	}
	a, _, err := op.Create(r.ctx, people.NewAccount{Username: name, Email: email, Roles: roles, Sites: accounts.TheseSites(site)})
	if err == nil {
		err = r.people.Work(r.ctx)
	}
	if err != nil {
		return a, "", err
	}
	sent := r.mail.Sent()
	code := mailed.FindStringSubmatch(sent[len(sent)-1].Text)
	if code == nil {
		return a, "", errors.New("the mail has no code")
	}
	return a, code[1], nil
}

// owner adds the account "owner" with the right password.
func (r *reception) owner() error { return r.join("owner", right) }

// join adds an account whose owner has set a password.
func (r *reception) join(name, text string, roles ...string) error {
	_, code, err := r.invite(name, roles...)
	if err != nil {
		return err
	}
	return r.signin.SetPassword(r.ctx, signin.NewPassword{Name: name, Code: otp.AnswerOf(code), Password: password.Of(text)})
}

// atOnce lets n do the same at the same moment and returns how many did it.
func atOnce(n int, do func(i int) bool) int {
	var ready, all sync.WaitGroup
	var did atomic.Int64
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		all.Go(func() {
			ready.Done()
			<-start
			if do(i) {
				did.Add(1)
			}
		})
	}
	ready.Wait()
	close(start)
	all.Wait()
	return int(did.Load())
}

// oneCode lets many use one code at once.
func oneCode(m *meter, t *table, s accountSizes) error {
	db, err := sqlite.Open(m.ctx, filepath.Join(m.dir, "onecode.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	pb, err := openPocketBase(m.ctx, m.dir)
	if err != nil {
		return err
	}
	defer pb.close()
	theirs, err := pb.oneCode(s.rivalRounds, s.racers)
	if err != nil {
		return err
	}
	for _, x := range []struct {
		name, rival string
		store       store.Store
	}{{"memory", "", memstore.Open()}, {"SQLite file", "PocketBase: " + theirs.String(), db.Main()}} {
		r, err := openReception(m.ctx, x.store, s.cost, unlimited())
		if err != nil {
			return err
		}
		ours := winners{}
		for round := range s.rounds {
			a, text, err := r.invite(fmt.Sprintf("owner_%d", round))
			if err != nil {
				return err
			}
			code, err := credentials.ParseCode(text)
			if err != nil {
				return err
			}
			op := r.people.As(accounts.HostActor("operator", "", "bench"))
			ours.add(atOnce(s.racers, func(int) bool {
				_, err := op.Confirm(m.ctx, people.ByID(a.ID), code)
				return err == nil
			}))
		}
		t.score(fmt.Sprintf("one code used %d times at once, %s [a1]", s.racers, x.name), ours.String(), x.rival, "1 in each round", ours.one == ours.rounds)
	}
	t.note("[a1] How many of %d who use the right code at once get in. Ours is the code that confirms an account; PocketBase's is the one-time password of its API, through its own HTTP handlers, in %d rounds, because it hashes each.", s.racers, s.rivalRounds)
	return nil
}

// winners are how races ended.
type winners struct{ rounds, one, none, more int }

func (w *winners) add(n int) {
	w.rounds++
	switch n {
	case 0:
		w.none++
	case 1:
		w.one++
	default:
		w.more++
	}
}

func (w winners) String() string {
	return fmt.Sprintf("one in %d of %d rounds, none in %d, several in %d", w.one, w.rounds, w.none, w.more)
}

// guesses lets many wrong passwords come at once.
func guesses(m *meter, t *table, s accountSizes) error {
	pb, err := openPocketBase(m.ctx, m.dir)
	if err != nil {
		return err
	}
	defer pb.close()
	db, err := sqlite.Open(m.ctx, filepath.Join(m.dir, "guesses.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	five := []signin.Limit{{Max: 5, Per: time.Hour}}
	ways := []struct {
		from   string
		limits func(l *signin.Limits)
		addr   func(i int) netip.Addr
	}{
		{"one address", func(l *signin.Limits) { l.Pair = five }, func(int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, 1}) }},
		{"as many addresses", func(l *signin.Limits) { l.Account = five }, func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) }},
	}
	for n, x := range ways {
		limits := unlimited()
		x.limits(&limits)
		theirs, err := pb.guess(s.guesses, x.addr)
		if err != nil {
			return err
		}
		file, err := db.Tenant(strconv.Itoa(n))
		if err != nil {
			return err
		}
		for _, y := range []struct {
			name  string
			store store.Store
		}{{"memory", memstore.Open()}, {"SQLite file", file}} {
			r, err := openReception(m.ctx, y.store, s.cost, limits)
			if err != nil {
				return err
			}
			if err := r.owner(); err != nil {
				return err
			}
			compared := atOnce(s.guesses, func(i int) bool {
				_, err := r.signin.SignIn(m.ctx, signin.Attempt{Name: "owner", Password: password.Of(wrong), From: signin.From{Addr: x.addr(i)}})
				refused, ok := errors.AsType[*signin.RefusedError](err)
				return !ok || errors.Is(refused.Cause(), accounts.ErrBadCredentials)
			})
			t.score(fmt.Sprintf("%d wrong passwords at once from %s, limit 5, %s [a2]", s.guesses, x.from, y.name), fmt.Sprintf("%d compared", compared),
				fmt.Sprintf("PocketBase: %d compared", theirs), "≤ 5", compared <= 5)
		}
	}
	t.note("[a2] PocketBase's limit is its rate limit of 5 requests a minute for signing in, switched on; it counts by address only.")
	return nil
}
