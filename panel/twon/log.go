package twon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Paths of the Logging service (2N HTTP API manual, chapter 5.10,
// wiki.2n.com/hip/hapi/latest/en/5-prehled-funkci-http-api/5-10-api-log).
const (
	pathCaps      = "/api/log/caps"
	pathSubscribe = "/api/log/subscribe"
	pathPull      = "/api/log/pull"
)

// authenticated is the event of somebody whom the device has let in; it names the entry.
// Codes and card numbers stand in other events, which are not asked for.
const authenticated = "UserAuthenticated"

const (
	channelFor = 10 * time.Minute   // a subscription that nobody asks closes by itself
	overlap    = time.Minute        // is asked for twice, so that no clock makes a gap
	mostBack   = 7 * 24 * time.Hour // that a log is read back
	markEvery  = 10 * time.Minute   // the mark is kept although nobody opened
	mostEvents = 1024               // in one answer; devices give 128
	pullPause  = time.Second        // between two questions, however much a device has to tell
)

// logMark is how far the event log was read: the last event that was told, and until when
// somebody listened, by our own clock.
type logMark struct {
	UTC   int64  `json:"utc,omitempty"`
	ID    uint32 `json:"id,omitempty"`
	Heard int64  `json:"heard,omitempty"`
}

// precedes reports whether an event came later. Numbers begin anew when a device starts.
func (m logMark) precedes(e logEvent) bool { return e.UTC > m.UTC || e.UTC == m.UTC && e.ID > m.ID }

// logEvent is what is read of an event.
type logEvent struct {
	ID     uint32 `json:"id"`
	UTC    int64  `json:"utcTime"`
	Event  string `json:"event"`
	Params struct {
		UUID string `json:"uuid"`
	} `json:"params"`
}

// logReader reads the event log for one Watch.
type logReader struct {
	s     *session
	open  bool   // there is a subscription
	id    uint32 // its number
	asked bool   // and it has answered
	old   bool   // what it tells may have been told before
	kept  time.Time
	rest  time.Duration // before the next question
}

// hasLog asks whether the device tells who opened. An account that may not ask, or a
// Logging service that is off, means that it does not.
func (s *session) hasLog(ctx context.Context) (bool, error) {
	if !s.opts.Log {
		return false, nil
	}
	var caps struct {
		Events []string `json:"events"`
	}
	err := s.ask(ctx, request{method: http.MethodGet, path: pathCaps}, &caps)
	return slices.Contains(caps.Events, authenticated), withheld(err)
}

// withheld is nil for an error that says that there is no log for this account.
func withheld(err error) error {
	if errors.Is(err, ErrService) || errors.Is(err, ErrPrivileges) {
		return nil
	}
	return err
}

// subscribe opens a subscription that begins where somebody listened last.
func (r *logReader) subscribe(ctx context.Context) error {
	include := "new"
	r.asked, r.old = false, false
	if heard := r.s.heard().Heard; heard > 0 {
		back := min(max(time.Since(time.Unix(heard, 0)), 0)+overlap, mostBack)
		include, r.old = "-"+strconv.Itoa(int(back/time.Second)), true
	}
	q := url.Values{"include": {include}, "filter": {authenticated}, "duration": {strconv.Itoa(int(channelFor / time.Second))}}
	var made struct {
		ID *uint32 `json:"id"`
	}
	if err := r.s.ask(ctx, request{method: http.MethodGet, path: pathSubscribe, query: q.Encode()}, &made); err != nil {
		return err
	}
	if made.ID == nil {
		return fmt.Errorf("%w: a subscription without a number", panel.ErrProtocol)
	}
	r.id, r.open = *made.ID, true
	return nil
}

// next waits for somebody who opens, a while at most. A subscription that the device does
// not know any more, because it started anew, is made again where the last one ended.
func (r *logReader) next(ctx context.Context, at cursor) ([]panel.Event, error) {
	tick(ctx, r.rest)
	if !r.open {
		if err := r.subscribe(ctx); err != nil {
			if withheld(err) == nil {
				err = fmt.Errorf("%w: %w", panel.ErrProtocol, ErrLog)
			}
			return nil, err
		}
	}
	wait := min(r.s.opts.Poll, r.s.opts.Patience/2)
	begun := time.Now()
	q := url.Values{"id": {strconv.FormatUint(uint64(r.id), 10)}, "timeout": {strconv.Itoa(int(wait / time.Second))}}
	var got struct {
		Events []logEvent `json:"events"`
	}
	err := r.s.ask(ctx, request{method: http.MethodGet, path: pathPull, query: q.Encode()}, &got)
	if r.asked && errors.Is(err, panel.ErrProtocol) {
		r.open = false
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(got.Events) > mostEvents {
		return nil, fmt.Errorf("%w: an endless log", panel.ErrProtocol)
	}
	others, err := r.others(ctx, got.Events)
	if err != nil {
		return nil, err
	}
	r.asked = true
	events := r.told(got.Events, others, at)
	r.rest = pullPause
	if len(got.Events) == 0 {
		r.rest = wait - time.Since(begun) // a device that does not wait is not asked without end
	}
	return events, nil
}

// others are the uuids of events that only look like those of second entries: somebody
// else's. An entry that is gone was ours: nobody else makes such uuids on purpose.
func (r *logReader) others(ctx context.Context, list []logEvent) (map[string]bool, error) {
	var doubtful []string
	for _, e := range list {
		uuid, ok := id(e.Params.UUID)
		if _, like := first(uuid); ok && like && !slices.Contains(doubtful, uuid) {
			doubtful = append(doubtful, uuid)
		}
	}
	entries, err := r.s.get(ctx, doubtful)
	out := map[string]bool{}
	for _, e := range entries {
		out[e.UUID] = !e.Deleted && !r.s.isSecond(e)
	}
	return out, err
}

// told are the openings that were not told before, and now and then the state. The mark
// moves behind them.
func (r *logReader) told(list []logEvent, others map[string]bool, at cursor) []panel.Event {
	mark := r.s.heard()
	var out []panel.Event
	for _, e := range list {
		uuid, ok := id(e.Params.UUID)
		if e.Event != authenticated || !ok || r.old && !mark.precedes(e) {
			continue
		}
		r.old = false // what follows came later still
		mark.UTC, mark.ID = e.UTC, e.ID
		holder, duress := first(uuid)
		if duress = duress && !others[uuid]; duress {
			uuid = holder
		}
		out = append(out, panel.Event{Opened: &panel.Opened{Place: panel.Place{ID: uuid}, At: time.Unix(e.UTC, 0).UTC(), Duress: duress}})
	}
	r.old = false
	now := time.Now()
	mark.Heard = now.Unix()
	r.s.hear(mark)
	if len(out) > 0 || now.Sub(r.kept) >= markEvery {
		r.kept = now
		out = append(out, panel.Event{State: r.s.state(at)})
	}
	return out
}

// heard is how far the event log was read.
func (s *session) heard() logMark {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mark
}

func (s *session) hear(m logMark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark = m
}

// state is what the session leaves to the next, with the directory read as far as at.
func (s *session) state(at cursor) []byte {
	b, err := json.Marshal(state{at, s.heard()})
	if err != nil {
		return nil // plain fields: there is nothing that could fail
	}
	return b
}
