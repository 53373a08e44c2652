package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// estate is many panels' slots with what each panel says about them.
type estate struct {
	slots     [][]panel.Slot
	sightings [][]panel.Sighting
}

// build makes panels that are as they were agreed, with one drifted user each.
func build(panels, slots int) estate {
	var e estate
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for p := range panels {
		ours, seen := make([]panel.Slot, slots), make([]panel.Sighting, slots)
		for n := range slots {
			st := panel.State{Set: true, Known: panel.FieldCode | panel.FieldLabel | panel.FieldRole | panel.FieldPartitions | panel.FieldLegacyTags,
				Label: fmt.Sprintf("User %d", n), Role: panel.User, Partitions: panel.Partitions(1 + n%255), Tags: n % 2}
			report, agreed := st, st
			// Strings of their own, as off the wire and out of a store.
			report.Label, agreed.Label = strings.Clone(st.Label), strings.Clone(st.Label)
			if n == slots/2 {
				report.Label = "Somebody else"
			}
			agreed.Code = panel.CodeRef{Names: []string{fmt.Sprintf("panel/%d|key|%d", p, n)}, Len: 6}
			ours[n] = panel.Slot{Place: panel.Place{Slot: n + 1}, Reported: st, Agreed: agreed, Tenancy: 1, Settled: 1}
			seen[n] = panel.Sighting{State: report, Sight: panel.Presence, At: at}
		}
		e.slots, e.sightings = append(e.slots, ours), append(e.sightings, seen)
	}
	return e
}

// differs is how many slots of the first panels a bare comparison finds changed.
func (e estate) differs(panels int) (n int) {
	for p := range panels {
		for i := range e.slots[p] {
			was, is := &e.slots[p][i].Reported, &e.sightings[p][i].State
			if was.Set != is.Set || was.Known != is.Known || was.Label != is.Label || was.Role != is.Role || was.Partitions != is.Partitions ||
				was.Tags != is.Tags || !slices.Equal(was.Keypads, is.Keypads) || !slices.Equal(was.Locks, is.Locks) ||
				!was.Window.From.Equal(is.Window.From) || !was.Window.Until.Equal(is.Window.Until) || was.Code.Mark != is.Code.Mark {
				n++
			}
		}
	}
	return n
}

// moved is how many slots of the first panels keyholder finds changed.
func (e estate) moved(panels int) (n int) {
	for p := range panels {
		for i := range e.slots[p] {
			s, g := &e.slots[p][i], &e.sightings[p][i]
			if s.Still(g) {
				continue
			}
			if _, found := s.Observe(*g, 0); found != 0 {
				n++
			}
		}
	}
	return n
}

// reconcile compares reports with what was agreed, for growing numbers of panels.
func reconcile(m *meter, t *table, slots int, panels ...int) error {
	e := build(slices.Max(panels), slots)
	for _, n := range panels {
		count := func(of func(int) int) op {
			return func() error {
				if found := of(n); found != n {
					return fmt.Errorf("%d slots changed, want %d", found, n)
				}
				return nil
			}
		}
		p, err := m.pair(count(e.moved), count(e.differs))
		if err != nil {
			return err
		}
		t.ratio(fmt.Sprintf("reconcile %d panels x %d slots [4]", n, slots), p, "field by field", 3)
	}
	t.note("[4] Pure: reports against slots in memory, one user of each panel drifted. Ours asks Slot.Still (what was said before, what was agreed, what is wished or in doubt) and where it says no Slot.Observe; " +
		"the reference compares the fields of each report with those of the report before.")
	return nil
}
