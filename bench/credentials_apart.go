package main

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// observer is somebody with a stop-watch who wants to know which of two codes was typed.
type observer struct{ took [2][]time.Duration }

// watch measures both acts in random order, so many times each.
func (o *observer) watch(samples int, act func(which int) error, rest func(n int) error) error {
	order := make([]int, 2*samples)
	for i := range order {
		order[i] = i % 2
	}
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for n, which := range order {
		began := time.Now()
		if err := act(which); err != nil {
			return err
		}
		o.took[which] = append(o.took[which], time.Since(began))
		if err := rest(n); err != nil {
			return err
		}
	}
	return nil
}

// chance is how often the observer is right who sees one time of each and calls the longer
// one the second act: 0.5 if the times say nothing, whatever their distribution. It is the
// statistic of Mann, Whitney and Wilcoxon, divided by the number of pairs.
func (o *observer) chance() float64 {
	type sample struct {
		took  time.Duration
		which int
	}
	var all []sample
	for which, list := range o.took {
		for _, d := range list {
			all = append(all, sample{d, which})
		}
	}
	slices.SortFunc(all, func(a, b sample) int { return cmp.Compare(a.took, b.took) })
	wins, first := 0.0, 0.0 // pairs in which the second took longer; firsts so far
	for i := 0; i < len(all); {
		var same [2]float64
		for j := i; i < len(all) && all[i].took == all[j].took; i++ {
			same[all[i].which]++
		}
		wins += same[1] * (first + same[0]/2)
		first += same[0]
	}
	return wins / float64(len(o.took[0])*len(o.took[1]))
}

// within adds a row.
func (o *observer) within(t *table, where string, bound float64) {
	c := o.chance()
	t.limit("telling a duress code by its time, "+where+" [apart]", fmt.Sprintf("right in %.1f %%", 100*c), fmt.Sprintf("50 ± %g %%", 100*bound), c >= 0.5-bound && c <= 0.5+bound)
}

// apart asks whether anybody can tell a duress code by the time of the answer: in an
// index, and at a door that commits every decision.
func (k *keypad) apart(m *meter, t *table, now credentials.Now) error {
	const batch, holders = 16, 512 // one decision is shorter than the clock can tell; where codes lie differs from holder to holder
	var secrets [holders][2]credentials.Secret
	for i := range min(holders, k.n) {
		secrets[i] = [2]credentials.Secret{k.probe.Code(k.codes[i], false), k.probe.Code(k.codes[2*k.n-1-i], true)}
		if err := k.index.Put(recordOf(i, k.ids[i], secrets[i][:]...)); err != nil {
			return err
		}
	}
	samples := 13 * m.count
	var o observer
	prints := make([]credentials.Fingerprint, 1)
	err := o.watch(50*samples, func(which int) error {
		for range batch {
			prints[0] = secrets[rand.IntN(min(holders, k.n))][which].Print
			if _, d := k.index.Decide(k.rules, credentials.Presented{Point: "door", Medium: credentials.Keypad, Prints: prints}, now); !d.Granted() {
				return fmt.Errorf("not granted: %s", d)
			}
		}
		return nil
	}, func(int) error { return nil })
	for i := range min(holders, k.n) {
		err = errors.Join(err, k.index.Put(recordOf(i, k.ids[i], secrets[i][0])))
	}
	if err != nil {
		return err
	}
	o.within(t, "index", 0.05)
	t.note("[apart] Somebody sees how long one ordinary and one duress code took, %d of each in random order (on memstore 10 times as many, in the index 50 times as many of %d decisions about %d holders), and says that the longer one was the duress code. By chance alone %d of each lie within 5 %% in 98 of 100 runs with 31 pairs. What is written, logged and answered is compared byte by byte by door.TestNothingTellsADuressCodeApart.", samples, batch, holders, samples)
	return atDoors(m, t, samples)
}

// atDoors does the same with doors that commit their decisions.
func atDoors(m *meter, t *table, samples int) error {
	db, err := sqlite.Open(m.ctx, filepath.Join(m.dir, "apart.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, on := range []struct {
		name    string
		fleet   store.Fleet
		samples int
	}{{"door on memstore", memstore.New(), 10 * samples}, {"door on a SQLite file", db, samples}} {
		g, err := openGate(m.ctx, on.fleet)
		if err != nil {
			return err
		}
		var o observer
		err = o.watch(on.samples, func(which int) error {
			return g.ask([]string{gatePIN, gateDuress}[which], credentials.Granted)
		}, func(n int) error {
			if n%100 != 99 {
				return nil
			}
			return g.door.Work(m.ctx) // as the loop would, so that nothing piles up
		})
		if err != nil {
			return err
		}
		o.within(t, on.name, 0.05)
	}
	return nil
}
