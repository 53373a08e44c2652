package soak

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

var (
	paperSteps = flag.Int("soak.credentials", 400, "random operations on persons' credentials, for each store")
	paperSeed  = flag.Uint64("soak.credentials.seed", 1, "their seed")
)

// script is one random run. What happens depends on the seed alone, so that every store
// sees the same.
type script struct {
	*site
	rnd     *rand.Rand
	paper   *paper
	alarms  int
	keyed   int // rotations that were finished
	answers []string
}

// do does something that somebody asks for. The paper says what comes of it: want is the
// error, note is what it means afterwards. Some processes die over it; then it was done if
// a record of that kind was written.
func (s *script) do(what string, kind store.Kind, op func() error, want error, note func()) error {
	s.store.wrote, s.store.left, s.store.lose = map[store.Kind]bool{}, 0, s.rnd.IntN(2) == 0
	if s.rnd.IntN(12) == 0 {
		s.store.left = 1 + s.rnd.IntN(3)
	}
	at := s.clock
	err := op()
	died, done := s.store.dead, err == nil
	if s.store.left = 0; died {
		done = s.store.wrote[kind]
	}
	s.answers = append(s.answers, fmt.Sprintf("%s %s: done %v, died %v, %v", at.Format(time.RFC3339), what, done, died, err))
	if done {
		note()
	}
	if died {
		s.restart()
	}
	switch {
	case done && want != nil:
		return fmt.Errorf("it is done, the paper says %w", want)
	case !died && !errors.Is(err, want):
		return fmt.Errorf("%w, the paper says %w", err, cmp.Or(want, errors.New("done")))
	}
	return nil
}

func (s *script) code(digits string) panel.Code {
	c, err := panel.ParseCode(digits)
	require.NoError(s, err)
	return c
}

func (s *script) tag(t card) panel.Tag {
	out, err := credentials.ParseTag(t.raw, 32)
	require.NoError(s, err)
	return out
}

// step does something at random.
func (s *script) step() error {
	i := s.rnd.IntN(len(s.ids))
	who, held := s.paper.people[i], s.desk.As(s.actor()).Person(s.ids[i])
	digits, t := pool[s.rnd.IntN(len(pool))], cards[s.rnd.IntN(len(cards))]
	switch n := s.rnd.IntN(100); {
	case n < 14:
		return s.do(fmt.Sprint("PIN of ", i, " is ", digits), "credential", func() error { return held.SetPIN(s.Context(), s.code(digits)) },
			s.paper.setPIN(i, digits), func() { who.pin, who.used = digits, 0 })
	case n < 22:
		return s.do(fmt.Sprint("duress PIN of ", i, " is ", digits), "credential", func() error { return held.SetDuressPIN(s.Context(), s.code(digits)) },
			s.paper.setDuress(i, digits), func() { who.duress = digits })
	case n < 25:
		return s.do(fmt.Sprint("no PIN for ", i), "credential", func() error { return held.RemovePIN(s.Context()) }, nil,
			func() { who.pin, who.duress = "", "" })
	case n < 30:
		return s.addTag(held, i, t)
	case n < 36:
		return s.changeTag(held, i)
	case n < 50:
		return s.changeAccount(i)
	case n < 53:
		var want error
		if who.pin == "" {
			want = roster.ErrNoPIN
		}
		uses := s.rnd.IntN(4)
		return s.do(fmt.Sprint("PIN of ", i, " opens so often: ", uses), "credential", func() error { return held.SetLimits(s.Context(), roster.Limits{Uses: uses}) },
			want, func() { who.uses, who.used = uses, 0 })
	case n < 56:
		return s.do(fmt.Sprint(i, " may enter: ", !who.ruled), "rule", func() error { return s.rule(i, !who.ruled) }, nil,
			func() { who.ruled = !who.ruled })
	case n < 60:
		return s.turnKeys()
	case n < 64:
		step := []time.Duration{time.Second, time.Minute, time.Hour, -10 * time.Second, -5 * time.Minute}[s.rnd.IntN(5)]
		s.clock = s.clock.Add(step)
		s.answers = append(s.answers, fmt.Sprint("the clock steps by ", step))
		return nil
	case n < 65:
		s.answers = append(s.answers, "restart")
		s.restart()
		return nil
	}
	return s.present(digits, t)
}

func (s *script) addTag(held *roster.Person, i int, t card) error {
	return s.do(fmt.Sprint("tag of ", i, " is ", t.raw), "credential", func() error { _, err := held.AddTag(s.Context(), s.tag(t), t.raw); return err },
		s.paper.addTag(i, t), func() {
			s.paper.people[i].tags[t] = &fob{}
		})
}

// changeTag loses a tag, finds it again, or takes it away.
func (s *script) changeTag(held *roster.Person, i int) error {
	who := s.paper.people[i]
	if len(who.tags) == 0 {
		return nil
	}
	t := slices.SortedFunc(maps.Keys(who.tags), func(a, b card) int { return cmp.Compare(a.raw, b.raw) })[0]
	f := who.tags[t]
	h, err := held.Holds(s.Context())
	if err != nil {
		return err
	}
	at := slices.IndexFunc(h.Tags, func(one roster.HeldTag) bool { return one.Label == t.raw })
	if at < 0 {
		return fmt.Errorf("%d has no tag %s", i, t.raw)
	}
	if s.rnd.IntN(2) == 0 {
		return s.do(fmt.Sprint("no tag ", t.raw, " for ", i), "credential", func() error { return held.RemoveTag(s.Context(), h.Tags[at].ID) }, nil,
			func() { delete(who.tags, t) })
	}
	state := roster.TagLost
	if f.lost {
		state = roster.TagActive
	}
	return s.do(fmt.Sprintf("tag %s of %d is %q", t.raw, i, state), "credential", func() error { return held.SetTagState(s.Context(), h.Tags[at].ID, state) }, nil,
		func() { f.lost = !f.lost })
}

// changeAccount disables or revokes an account, takes that back, or gives it another window.
func (s *script) changeAccount(i int) error {
	who, id, op := s.paper.people[i], s.ids[i], s.people.As(s.actor())
	account := func(what string, act func() (people.Account, error), note func()) error {
		return s.do(fmt.Sprint(i, " ", what), "account", func() error { _, err := act(); return err }, nil, note)
	}
	switch s.rnd.IntN(3) {
	case 0:
		note := func() { who.suspended = !who.suspended }
		if who.suspended {
			return account("is enabled", func() (people.Account, error) { return op.Enable(s.Context(), id) }, note)
		}
		return account("is disabled", func() (people.Account, error) { return op.Suspend(s.Context(), id, "") }, note)
	case 1:
		note := func() { who.revoked = !who.revoked }
		if who.revoked {
			return account("is let in again", func() (people.Account, error) { return op.Unrevoke(s.Context(), id) }, note)
		}
		return account("is revoked", func() (people.Account, error) { return op.Revoke(s.Context(), id, "") }, note)
	}
	var w credentials.Window
	if s.rnd.IntN(3) > 0 {
		w.From = s.clock.Add(time.Duration(s.rnd.IntN(1200)-900) * time.Second)
	}
	if s.rnd.IntN(3) > 0 {
		w.Until = later(w.From, s.clock).Add(time.Duration(1+s.rnd.IntN(3600)) * time.Second)
	}
	return account(fmt.Sprint("is valid from ", w.From, " until ", w.Until), func() (people.Account, error) { return op.SetWindow(s.Context(), id, w) },
		func() { who.from, who.until = w.From, w.Until })
}

// turnKeys begins a rotation, or takes it a step further. Nothing that anybody is told
// depends on how far it is.
func (s *script) turnKeys() error {
	if err := s.door.Work(s.Context()); err != nil { // what the door has to carry is sealed under the old key
		return err
	}
	p, err := s.keys.Progress(s.Context())
	if err != nil {
		return err
	}
	if len(s.ring) == 1 {
		s.ring = append(s.ring, credentials.GenerateKey())
		s.use()
	}
	to, op := s.ring[1].ID(), func() error { _, err := s.keys.Step(s.Context()); return err }
	if p.Rotation.To != to {
		op = func() error { return s.keys.Begin(s.Context(), s.actor(), to) }
	}
	err = s.do("keys", "keys", func() error {
		if err := op(); !errors.Is(err, credentials.ErrRotation) {
			return err
		}
		return nil // it waits
	}, nil, func() {})
	if err != nil {
		return err
	}
	if p, err = s.keys.Progress(s.Context()); err != nil || p.Rotation.To != to || p.Rotation.Phase != credentials.Dropped {
		return err
	}
	if rests, err := s.keys.Resting(s.Context(), s.ring[0].ID()); err != nil || len(rests) > 0 {
		return fmt.Errorf("%v rest on the old key: %w", rests, err)
	}
	s.ring = s.ring[1:]
	s.keyed++
	s.use()
	return nil
}

// present types digits, or holds a tag to the reader.
func (s *script) present(digits string, t card) error {
	e := door.Entry{Point: frontDoor, Shown: door.Shown{Medium: credentials.Keypad, Code: s.code(digits)}}
	if s.rnd.IntN(4) == 0 {
		e.Shown, digits = door.Shown{Medium: credentials.Reader, Tag: s.tag(t)}, ""
	}
	want, alarm := s.paper.say(digits, t, s.clock, s.newest.After(s.clock.Add(time.Minute)))
	var got credentials.Reason
	err := s.do(fmt.Sprint("shown: ", digits, t.raw), store.Sent, func() error {
		a, err := s.door.Decide(s.Context(), door.ByKey(s.reader), e)
		got = a.Reason
		return err
	}, nil, func() {
		if alarm {
			s.alarms++
		}
		if want == credentials.Granted {
			s.paper.opened(digits)
		}
	})
	if got != "" && got != want {
		return fmt.Errorf("%s, the paper says %s", got, want)
	}
	s.answers = append(s.answers, string(got))
	return err
}

// end shows everything to the door once more.
func (s *script) end() error {
	s.restart()
	for _, digits := range pool {
		for _, t := range cards {
			if err := s.present(digits, t); err != nil {
				return err
			}
		}
	}
	s.restart()
	if err := s.door.Work(s.Context()); err != nil {
		return err
	}
	if s.keyed < *paperSteps/400 {
		return fmt.Errorf("only %d rotations came to an end", s.keyed)
	}
	if s.alarms != len(s.heard) {
		return fmt.Errorf("%d alarms, the paper says %d", len(s.heard), s.alarms)
	}
	return nil
}

// Whatever is done to persons' credentials, whatever dies over it and however the clock
// steps, every answer is that of a list on paper; and two stores answer the same.
//
// A long run: go test ./examples/soak -run TestCredentialsAgreeWithPaper -soak.credentials 100000 -timeout 1h
//
// Rules: G52, G54, G55, G69, G70, G75, G77, G191, G194, G204
func TestCredentialsAgreeWithPaper(t *testing.T) {
	var first []string
	for _, name := range []string{"memstore", "SQLite"} {
		t.Run(name, func(t *testing.T) {
			s := &script{site: &site{T: t, heard: map[string]bool{}, clock: time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC), ring: []credentials.Key{credentials.GenerateKey()}},
				rnd: rand.New(rand.NewPCG(*paperSeed, 0)), paper: &paper{}}
			if name == "memstore" {
				fleet := memstore.NewWith(memstore.Options{Now: s.now})
				s.fleet = func() store.Fleet { return fleet }
			} else {
				s.fleet = s.file(filepath.Join(t.TempDir(), "keyholder.db"))
			}
			s.open()
			s.furnish(5)
			for range s.ids {
				s.paper.people = append(s.paper.people, &sheet{tags: map[card]*fob{}, ruled: true})
			}
			began := time.Now()
			for n := range *paperSteps {
				if err := s.step(); err != nil {
					t.Fatalf("seed %d, step %d: %v\n%s", *paperSeed, n, err, strings.Join(s.answers[max(0, len(s.answers)-60):], "\n"))
				}
			}
			require.NoError(t, s.end())
			t.Logf("seed %d, %d operations in %s: %d rotations, %d alarms", *paperSeed, *paperSteps, time.Since(began), s.keyed, s.alarms)
			if first == nil {
				first = s.answers
			}
			require.Equal(t, first, s.answers)
		})
	}
}

// file opens a database, after each death again.
func (s *site) file(path string) func() store.Fleet {
	var last *sqlite.DB
	s.Cleanup(func() { require.NoError(s, last.Close()) })
	return func() store.Fleet {
		if last != nil {
			require.NoError(s, last.Close())
		}
		var err error
		last, err = sqlite.Open(s.Context(), path, sqlite.Options{Now: s.now})
		require.NoError(s, err)
		return last
	}
}
