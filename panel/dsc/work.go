package dsc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// How the time of a programming session is divided. The panel must be left within
// hold; what is begun before workFor gets an answer or is given up at stopAt.
const (
	workFor     = 10 * time.Second
	stopAt      = 12 * time.Second
	leaveWithin = 3 * time.Second
	between     = 500 * time.Millisecond // pause before programming is entered again
	margin      = 5 * time.Second        // time that must be left before a write is begun
)

// errHurry keeps a write from being begun that could not be finished.
var errHurry = errors.New("dsc: too little time left to begin a write")

// work is one piece of work on a panel: it holds the panel's turn. It enters programming
// when a command needs it and leaves before a person at a keypad has waited too long.
type work struct {
	session *session
	link    *link
	write   bool // programming is entered for writing

	inside     bool      // programming is on, or may be
	since      time.Time // when it was asked for
	fresh      bool      // nothing was done in it yet
	programmed bool      // it was on at least once on this link
	slowest    time.Duration
}

// do sends a command that needs programming, and enters it before if it is off. Between
// two commands it may leave and enter again, so that keypads get their turn.
func (w *work) do(ctx context.Context, m itv2.Message, expects itv2.Command, fits func(itv2.Message) bool) (itv2.Message, error) {
	if w.inside && !w.fresh && w.remaining() < 2*w.slowest {
		w.leave()
		if err := pause(ctx, between); err != nil {
			return nil, unsentError{err}
		}
	}
	if w.link.spent() {
		w.leave()
		w.link.renew()
		l, err := w.session.line.ready(ctx)
		if err != nil {
			return nil, unsentError{err}
		}
		w.link, w.programmed = l, false
	}
	if !w.inside {
		if err := w.enter(ctx); err != nil {
			return nil, unsentError{err}
		}
	}
	if expects == itv2.CmdResponse {
		if err := hurry(ctx); err != nil {
			return nil, unsentError{err}
		}
	}
	w.fresh = false
	return w.exchange(ctx, min(w.link.answer, time.Until(w.since.Add(stopAt))), m, expects, fits)
}

// plain sends a command outside of programming.
func (w *work) plain(ctx context.Context, m itv2.Message, expects itv2.Command, fits func(itv2.Message) bool) (itv2.Message, error) {
	w.leave()
	return w.exchange(ctx, w.link.answer, m, expects, fits)
}

// exchange sends a command. A panel that leaves one unanswered is talked to in a new
// session only, so that no late answer is taken for another's.
func (w *work) exchange(ctx context.Context, within time.Duration, m itv2.Message, expects itv2.Command, fits func(itv2.Message) bool) (itv2.Message, error) {
	begun := time.Now()
	answer, err := w.link.exchange(ctx, within, m, expects, fits)
	w.slowest = max(w.slowest, time.Since(begun))
	if r, no := errors.AsType[*refusalError](err); no && r.result == itv2.NotInProgramming {
		w.session.line.setNoLead(false) // it was too early: wait for the lead-in next time
	}
	if errors.Is(err, errMute) {
		w.leave()
		w.session.line.sentAway(w.link)
		w.link.end(errMute)
	}
	return answer, err
}

// remaining is how long the programming session may still be worked in.
func (w *work) remaining() time.Duration { return workFor - time.Since(w.since) }

// hurry reports errHurry when the context leaves too little time for a write.
func hurry(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return ended(ctx)
	}
	if until, ok := ctx.Deadline(); ok && time.Until(until) < margin {
		return fmt.Errorf("%w: %w", panel.ErrTimeout, errHurry)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

// enter starts programming. What it returns is about the line.
func (w *work) enter(ctx context.Context) error {
	if w.link.weak != nil {
		return fmt.Errorf("%w: %w", w.link.weak, panel.ErrSecret)
	}
	if w.write {
		if err := hurry(ctx); err != nil {
			return err
		}
	}
	leftOpen, noLead, armed := w.session.line.habits()
	if leftOpen {
		w.inside = true
		w.leave()
		if err := pause(ctx, between); err != nil {
			return err
		}
	}
	code, err := itv2.BCD(w.session.code())
	if err != nil || len(code) == 0 {
		return fmt.Errorf("%w: no master code is stored for this panel", panel.ErrSecret)
	}
	defer clear(code)
	select {
	case <-w.link.lead:
	default:
	}
	w.inside, w.since, w.fresh, w.programmed = true, time.Now(), true, true
	enter := itv2.Enter{Partition: 1, Mode: itv2.ModeCodes, Code: code, Write: w.write}
	_, err = w.exchange(ctx, w.link.answer, enter, itv2.CmdResponse, nil)
	if r, ok := errors.AsType[*refusalError](err); ok {
		w.inside = false
		return r.ofEnter(armed)
	}
	if err != nil || noLead {
		return err
	}
	return w.awaitLead(ctx)
}

// awaitLead waits until the panel announces programming: a command before that is
// refused. From a panel that never does it is not expected again.
func (w *work) awaitLead(ctx context.Context) error {
	timer := time.NewTimer(time.Until(w.since.Add(workFor)))
	defer timer.Stop()
	for {
		select {
		case m := <-w.link.lead:
			if !m.Out {
				return nil
			}
		case <-timer.C:
			w.session.line.setNoLead(true)
			w.leave()
			if err := pause(ctx, between); err != nil {
				return err
			}
			return w.enter(ctx)
		case <-w.link.done:
			return w.link.lost()
		case <-ctx.Done():
			return ended(ctx)
		}
	}
}

// leave ends programming, on a context of its own: it is never left on.
func (w *work) leave() {
	if !w.inside {
		return
	}
	w.inside = false
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	defer cancel()
	_, err := w.link.exchange(ctx, leaveWithin, itv2.Exit{Partition: 1}, itv2.CmdResponse, nil)
	w.session.line.setLeftOpen(err != nil && !refused(err))
}
