package twon

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// cursor is how far the directory was read. A new series (after a factory reset) makes it
// worthless.
type cursor struct {
	Series    text  `json:"series"`
	Timestamp int64 `json:"timestamp"`
}

// state is what a session leaves to the next: how far the directory and the event log
// were read.
type state struct {
	cursor
	Log logMark `json:"log,omitzero"`
}

// parseState reads what a session left; anything else is nothing.
func parseState(b []byte) (cursor, logMark) {
	var left state
	if json.Unmarshal(b, &left) != nil {
		return cursor{}, logMark{}
	}
	if left.Series == "" || left.Timestamp < 0 {
		left.cursor = cursor{}
	}
	if left.Log.UTC < 0 || left.Log.Heard < 0 {
		left.Log = logMark{}
	}
	return left.cursor, left.Log
}

// cursor is behind everything that d shows.
func (d directory) cursor() cursor {
	c := cursor{Series: d.Series, Timestamp: d.Timestamp}
	for _, e := range d.Users {
		c.Timestamp = max(c.Timestamp, e.Timestamp)
	}
	return c
}

// Watch asks at intervals what changed, beginning where the session before left off
// ([panel.Route.State]), else now. It names the places that somebody else changed; after a
// new series, and when a change is not shown, all of them. With [Options.Log] it also tells
// who opened, beginning with what happened while nobody listened.
func (s *session) Watch(ctx context.Context) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		ctx, done, err := s.begin(ctx)
		if err != nil {
			yield(panel.Event{}, err)
			return
		}
		defer done()
		tell := func(events []panel.Event, err error) bool {
			for _, e := range events {
				if !yield(e, nil) {
					return false
				}
			}
			if err != nil && ctx.Err() == nil {
				yield(panel.Event{}, err)
			}
			return err == nil
		}
		log := &logReader{s: s}
		at, asked := s.start, time.Time{}
		for ctx.Err() == nil {
			var events []panel.Event
			if time.Since(asked) >= s.opts.Poll {
				asked = time.Now()
				if events, at, err = s.news(ctx, at); !tell(events, err) {
					return
				}
			}
			if !s.logs && !s.model.Tells {
				tick(ctx, s.opts.Poll)
			} else if !tell(log.next(ctx, at)) {
				return
			}
		}
	}
}

// tick waits for the next question, or until ctx ends.
func tick(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// news asks once. What is read while this driver itself writes is asked for again: whose
// doing it is could not be told.
func (s *session) news(ctx context.Context, at cursor) ([]panel.Event, cursor, error) {
	turn, quiet := s.mine.quiet()
	if !quiet {
		return nil, at, nil
	}
	d, err := s.query(ctx, at)
	renewed := err == nil && at.Series != "" && at.Series != d.Series
	if renewed {
		d, err = s.query(ctx, cursor{})
	}
	if err != nil {
		return nil, at, err
	}
	if now, quiet := s.mine.quiet(); !quiet || now != turn {
		return nil, at, nil
	}
	next := d.cursor()
	switch {
	case at.Series == "":
		return []panel.Event{{State: s.state(next)}}, next, nil
	case renewed:
		return []panel.Event{{Stale: &panel.Query{All: true}}, {State: s.state(next)}}, next, nil
	case next.Timestamp <= at.Timestamp:
		return nil, at, nil
	}
	events := []panel.Event{}
	changed, unseen := s.mine.others(d, at.Timestamp)
	switch {
	case unseen:
		events = append(events, panel.Event{Stale: &panel.Query{All: true}})
	case len(changed) > 0:
		stale := &panel.Query{}
		for _, e := range changed {
			stale.Places = append(stale.Places, s.placeOf(e))
		}
		slices.SortFunc(stale.Places, func(a, b panel.Place) int { return cmp.Compare(a.ID, b.ID) })
		stale.Places = slices.Compact(stale.Places)
		events = append(events, panel.Event{Stale: stale})
	}
	return append(events, panel.Event{State: s.state(next)}), next, nil
}
