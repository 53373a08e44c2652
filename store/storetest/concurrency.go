package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// racers is how many goroutines race for one thing; patience is how long a commit may
// take before it counts as deadlocked.
const (
	racers   = 16
	patience = time.Minute
)

// RunConcurrency proves what must hold when many commit at once. Open is as for [Run].
func RunConcurrency(t *testing.T, open func(t *testing.T) store.Fleet) {
	t.Helper()
	for _, s := range []struct {
		name string
		run  func(b *bench)
	}{
		{"one claim wins", raceClaims},
		{"a hold or reservations, never both", raceReserve},
		{"a name in transit has one holder", raceTransit},
		{"a counter never exceeds its limit", raceCounter},
		{"no update is lost", raceUpdates},
		{"overlapping changes do not deadlock", raceOverlap},
		{"a line has one owner", raceOwn},
		{"one change sent by many is committed once", raceAgain},
		{"the log has no gap", raceLog},
		{"readers see whole changes", raceReaders},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(newBench(t, open(t))) })
	}
}

// race runs work in goroutines that start together and returns when all have ended.
func race(n int, work func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			work(i)
		})
	}
	close(start)
	wg.Wait()
}

// attempt commits ops with an entry under an id of its own and says whether it was
// accepted. Any error but the expected ones fails the test. It is for goroutines.
func (b *bench) attempt(id string, expected error, ops ...store.Op) bool {
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	c := store.Change{ID: id, Entries: []store.Leaf{leafAt("leaf of "+id, epoch, "a", "target")}, Ops: ops}
	_, err := b.Commit(ctx, c)
	if err != nil && !errors.Is(err, expected) {
		b.Errorf("Commit: %v, want none or %v", err, expected)
	}
	return err == nil
}

// score collects who won.
type score struct {
	sync.Mutex
	wins []int
}

func (s *score) add(i int) {
	s.Lock()
	defer s.Unlock()
	s.wins = append(s.wins, i)
}

func raceClaims(b *bench) {
	for round := range 5 {
		n := store.Name(fmt.Sprint("n", round))
		var won score
		race(racers, func(i int) {
			if b.attempt(fmt.Sprint("c", round, ".", i), store.ErrTaken, hold(n, fmt.Sprint("h", i), "u")) {
				won.add(i)
			}
		})
		if len(won.wins) != 1 {
			b.Fatalf("%d racers won one name", len(won.wins))
		}
		b.equal("holder", b.held(n).Holder, fmt.Sprint("h", won.wins[0]))
	}
}

func raceReserve(b *bench) {
	for round := range 8 {
		n := store.Name(fmt.Sprint("n", round))
		var holds, reserves score
		race(8, func(i int) {
			id, holder := fmt.Sprint("c", round, ".", i), fmt.Sprint("h", i)
			if i%2 == 0 {
				if b.attempt(id, store.ErrTaken, hold(n, holder, "u")) {
					holds.add(i)
				}
			} else if b.attempt(id, store.ErrTaken, reserve(n, holder, "u")) {
				reserves.add(i)
			}
		})
		if len(holds.wins) > 1 || (len(holds.wins) == 1) == (len(reserves.wins) > 0) {
			b.Fatalf("%d holds and %d reservations of one name", len(holds.wins), len(reserves.wins))
		}
		b.equal("reservers", len(b.held(n).Reservers), len(reserves.wins))
	}
}

func raceTransit(b *bench) {
	b.commit(hold("n", "slot", "u"))
	var won score
	race(racers, func(i int) {
		id := fmt.Sprint("c", i)
		if i%2 == 0 {
			if b.attempt(id, store.ErrTaken, store.Claim{Name: "n", Holder: fmt.Sprint("h", i), Use: "v", From: "slot"}) {
				won.add(i)
			}
		} else if b.attempt(id, store.ErrTaken, hold("n", fmt.Sprint("h", i), "v")) {
			b.Errorf("a stranger got a held name")
		}
	})
	if len(won.wins) != 1 {
		b.Fatalf("%d heirs", len(won.wins))
	}
	b.equal("name", b.held("n"), store.Held{Name: "n", Holder: fmt.Sprint("h", won.wins[0]), Uses: []string{"u", "v"}})
}

func raceCounter(b *bench) {
	const limit = racers * 2
	var won score
	race(racers, func(i int) {
		for n := range 4 {
			if b.attempt(fmt.Sprint("c", i, ".", n), store.ErrLimit, store.Count{Counter: "c", By: 1, Max: limit}) {
				won.add(i)
			}
		}
	})
	b.equal("winners", len(won.wins), limit)
	b.equal("counter", b.counter("c"), int64(limit))
}

func raceUpdates(b *bench) {
	b.commit(put("user", "u1", 0, "0"))
	const each = 5
	race(8, func(i int) {
		for done, try := 0, 0; done < each; try++ {
			r, err := b.Load(b.Context(), store.Key{Kind: "user", ID: "u1"})
			if err != nil {
				b.Error(err)
				return
			}
			var n int
			if _, err := fmt.Sscan(string(r[0].Body), &n); err != nil {
				b.Error(err)
				return
			}
			if b.attempt(fmt.Sprint("c", i, ".", done, ".", try), store.ErrStale, put("user", "u1", r[0].Version, fmt.Sprint(n+1))) {
				done++
			}
			if b.Failed() {
				return
			}
		}
	})
	r := b.record("user", "u1")
	b.equal("sum", string(r.Body), fmt.Sprint(8*each))
	b.equal("version", r.Version, uint64(8*each+1))
}

func raceOverlap(b *bench) {
	var created []store.Op
	for i := range 12 {
		created = append(created, put("user", fmt.Sprint("u", i), 0, "{}"))
	}
	b.commit(created...)
	race(8, func(i int) {
		random := rand.New(rand.NewPCG(uint64(i), 7))
		for n := range 10 {
			var ops []store.Op
			for _, k := range random.Perm(12)[:6] {
				name := fmt.Sprint(k)
				ops = append(ops, check("user", "u"+name, 1), store.Count{Counter: "c" + name, By: 1, Max: 1 << 40},
					store.Mark{Line: "l" + name}, hold(store.Name("n"+name), fmt.Sprint("h", k), fmt.Sprint("u", i)))
			}
			random.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
			b.attempt(fmt.Sprint("c", i, ".", n), nil, ops...)
		}
	})
	var counted int64
	var gens uint64
	for k := range 12 {
		counted += b.counter(fmt.Sprint("c", k))
		gens += b.line(fmt.Sprint("l", k)).Gen
	}
	b.equal("counted", counted, int64(8*10*6))
	b.equal("marked", gens, uint64(8*10*6))
}

func raceOwn(b *bench) {
	for i := range racers {
		b.beat(fmt.Sprint("n", i), long)
	}
	for round := range 5 {
		line := fmt.Sprint("l", round)
		b.mark(line, epoch)
		var won score
		race(racers, func(i int) {
			_, err := b.Own(b.Context(), fmt.Sprint("n", i), line)
			switch {
			case err == nil:
				won.add(i)
			case !errors.Is(err, store.ErrOwned):
				b.Errorf("Own: %v", err)
			}
		})
		if len(won.wins) != 1 {
			b.Fatalf("%d owners of one line", len(won.wins))
		}
		l := b.line(line)
		b.equal("owner", l.Owner, fmt.Sprint("n", won.wins[0]))
		b.equal("token", l.Token, uint64(1))
	}
}

func raceAgain(b *bench) {
	c := b.change(put("user", "u1", 0, "{}"), store.Count{Counter: "c", By: 1, Max: 9})
	var first score
	race(racers, func(i int) {
		r, err := b.Commit(b.Context(), c)
		if err != nil || r.Counts["c"] != 1 {
			b.Errorf("Commit: %v, %v", r, err)
		}
		if !r.Again {
			first.add(i)
		}
	})
	b.equal("first commits", len(first.wins), 1)
	b.equal("counter", b.counter("c"), int64(1))
}

func raceLog(b *bench) {
	race(racers, func(i int) {
		for n := range 4 {
			b.attempt(fmt.Sprint("c", i, ".", n), nil, store.Mark{Line: fmt.Sprint("l", i)})
		}
	})
	b.sequence()
	var g grove
	for i, e := range b.entries(store.EntryQuery{ByIndex: true}) {
		b.equal("index", e.Index, int64(i))
		g.add(e.Hash)
	}
	size, hashes, err := b.Tree(b.Context(), g.positions()...)
	b.ok(err)
	b.equal("size", size, int64(racers*4))
	b.equal("hashes", hashes, g.stored)
}

func raceReaders(b *bench) {
	b.commit(put("user", "a", 0, "0"), put("user", "b", 0, "0"))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	defer readers.Wait()
	defer close(stop)
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := b.Load(b.Context(), store.Key{Kind: "user", ID: "a"}, store.Key{Kind: "user", ID: "b"})
				if err != nil || string(r[0].Body) != string(r[1].Body) {
					b.Errorf("half a change was read: %v, %v", r, err)
					return
				}
			}
		})
	}
	for v := range uint64(40) {
		b.commit(put("user", "a", v+1, fmt.Sprint(v+1)), put("user", "b", v+1, fmt.Sprint(v+1)))
		// What has been committed is seen by whoever reads afterwards.
		b.equal("read after commit", b.record("user", "a").Version, v+2)
	}
}
