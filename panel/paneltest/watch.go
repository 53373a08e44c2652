package paneltest

import (
	"context"
	"slices"
	"testing/synctest"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// heard is one thing that a Watch yielded, or with over its end.
type heard struct {
	event panel.Event
	err   error
	over  bool
}

// proveWatch: a session that listens tells what a person does at the keypad, beside
// reads, and falls silent with its ctx and with its session. One that does not listen
// ends at once.
func proveWatch(k *rig) {
	s := k.session()
	p := k.place()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	said := k.watch(ctx, s)
	if ended(said) {
		return
	}
	k.seat(p)
	k.hears(said, p, "a new user")
	k.all(s, panel.Query{All: true})
	if set := k.byHand() & panel.FieldLabel; set != 0 {
		k.keypad(k.edit(panel.Change, p, set))
		k.hears(said, p, "another label")
	}
	k.keypad(panel.Edit{Place: p, Do: panel.Remove})
	k.hears(said, p, "a removal")
	time.Sleep(k.model.Lag)
	k.all(s, panel.Query{All: true})

	cancel()
	k.silent(said, "its ctx ends")
	said = k.watch(context.Background(), s)
	k.close(s)
	k.silent(said, "its session is closed")
}

// watch lets a Watch run.
func (k *rig) watch(ctx context.Context, s panel.Session) <-chan heard {
	said := make(chan heard, 1024)
	go func() {
		for e, err := range s.Watch(ctx) {
			said <- heard{event: e, err: err}
		}
		said <- heard{over: true}
	}()
	synctest.Wait()
	return said
}

// ended reports whether a Watch has said nothing and is over.
func ended(said <-chan heard) bool {
	if len(said) == 0 {
		return false
	}
	return (<-said).over
}

// hears waits until the Watch speaks of a place.
func (k *rig) hears(said <-chan heard, p panel.Place, what string) {
	k.t.Helper()
	timer := time.NewTimer(bound)
	defer timer.Stop()
	for {
		select {
		case h := <-said:
			if h.over || h.err != nil {
				k.t.Fatalf("Watch ends (%v) before it tells of %s", h.err, what)
			}
			k.checkEvent(h.event)
			if u := h.event.User; u != nil {
				if err := checkReport(k.model, *u, false); err != nil {
					k.t.Error(err)
				}
				if u.Place == p {
					k.checkTrue(*u, k.Sim.Users())
					return
				}
			}
			if q := h.event.Stale; q != nil && (q.All || slices.Contains(q.Places, p)) {
				return
			}
		case <-timer.C:
			k.t.Fatalf("Watch does not tell of %s at the keypad", what)
		}
	}
}

// silent waits until the Watch is over.
func (k *rig) silent(said <-chan heard, when string) {
	k.t.Helper()
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	for {
		select {
		case h := <-said:
			k.saw("Watch's error", h.err)
			if h.over {
				return
			}
		case <-timer.C:
			k.t.Fatalf("Watch goes on when %s", when)
		}
	}
}
