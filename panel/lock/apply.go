package lock

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// leastTime is what a write needs: with less left it is not begun.
const leastTime = 500 * time.Millisecond

// Apply writes one slot after the other. What the model cannot hold is refused before
// anything is sent.
func (s *session) Apply(ctx context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		for _, e := range edits {
			o, err := s.edit(ctx, e)
			if (err == nil || o.Unsure != 0) && !yield(o, nil) {
				return
			}
			if err != nil {
				yield(panel.Outcome{}, err)
				return
			}
		}
	}
}

func (s *session) edit(ctx context.Context, e panel.Edit) (panel.Outcome, error) {
	o := panel.Outcome{Place: e.Place, Refused: map[panel.Field]error{}}
	if e.Do == panel.Remove {
		e.Set = panel.FieldCode
	}
	for f := range (e.Set &^ panel.FieldCode).Each() {
		o.Refused[f] = panel.ErrUnsupported
	}
	if err := s.check(e); err != nil {
		for f := range e.Set.Each() {
			o.Refused[f] = fmt.Errorf("%w: %w", panel.ErrRefused, err)
		}
		return o, nil
	}
	if !e.Set.Has(panel.FieldCode) {
		return o, nil
	}
	if by, ok := ctx.Deadline(); ok && time.Until(by) < leastTime {
		return o, fmt.Errorf("%w: %w", panel.ErrTimeout, context.DeadlineExceeded)
	}
	w := &write{s: s, edit: e}
	err := w.run(ctx)
	switch {
	case w.done:
		o.Done = panel.FieldCode
	case w.refused != nil:
		o.Refused[panel.FieldCode] = w.refused
		if w.cleared {
			o.Report = &panel.Report{Place: e.Place, Sight: panel.Presence}
		}
	case w.sent:
		o.Unsure = panel.FieldCode
	}
	return o, err
}

// check reports what a lock of this model cannot hold.
func (s *session) check(e panel.Edit) error {
	if err := s.model.CheckPlace(e.Place); err != nil {
		return err
	}
	if e.Do != panel.Remove && e.Set.Has(panel.FieldCode) {
		return s.model.CheckCode(e.Code, 0)
	}
	return nil
}

// write is one code on its way into a slot, or out of it.
type write struct {
	s    *session
	edit panel.Edit

	sent    bool // something may have left
	cleared bool // the slot was seen empty by our doing
	done    bool
	refused error
}

func (w *write) run(ctx context.Context) error {
	now, err := w.s.look(ctx, w.edit.Slot)
	if err != nil {
		return err
	}
	e, lives := w.edit, occupied(now)
	switch {
	case now.Status == Unsupported:
		w.refused = fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrSlotOutOfRange)
		return nil
	case e.Do == panel.Remove:
		w.done, err = w.clear(ctx, lives)
		return err
	case e.Do == panel.Create && lives && e.Unsure == 0:
		w.refused = panel.ErrOccupied
		return nil
	case e.Do == panel.Change && !lives:
		w.refused = fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrUserNotFound)
		return nil
	case e.Do != panel.Change && lives:
		if empty, err := w.clear(ctx, true); err != nil || !empty {
			return err
		}
		w.cleared, lives = true, false
	case now.Status == Enabled && e.Code.Equal(now.Code):
		w.done = true
		return nil
	}
	return w.set(ctx, lives)
}

// clear empties a slot and waits until it is seen empty.
func (w *write) clear(ctx context.Context, lives bool) (bool, error) {
	if !lives {
		return true, nil
	}
	w.sent = true
	if _, err := call(ctx, w.s, func(ctx context.Context) (Result, error) {
		return w.s.driver.controller.ClearUserCode(ctx, w.s.node, w.edit.Slot)
	}); err != nil {
		return false, err
	}
	return w.shows(ctx, func(u UserCode) bool { return u.Status == Available })
}

// set writes the code. lives says that another was there, so that a code that is not
// shown proves nothing.
func (w *write) set(ctx context.Context, lives bool) error {
	w.sent = true
	result, err := call(ctx, w.s, func(ctx context.Context) (Result, error) {
		return w.s.driver.controller.SetUserCode(ctx, w.s.node, w.edit.Slot, w.edit.Code)
	})
	if err != nil {
		return err
	}
	if result != Confirmed && result != Unconfirmed {
		return w.refusedWith(ctx, result)
	}
	hidden := false
	seen, err := w.shows(ctx, func(u UserCode) bool {
		hidden = u.Status == Enabled && u.Code.IsZero()
		return u.Status == Enabled && u.Code.Equal(w.edit.Code) || hidden && (!lives || result == Confirmed)
	})
	switch {
	case err != nil:
		return err
	case seen, result == Confirmed:
		w.done = true
	case !hidden:
		w.refused = fmt.Errorf("%w: %w", panel.ErrRefused, ErrIgnored)
	}
	return nil // what is hidden and not confirmed may be the old code or the new one
}

// refusedWith takes a refusal in. Some locks call a code a duplicate of itself, so that an
// unsure code may be there already, and a report of it may be late.
func (w *write) refusedWith(ctx context.Context, result Result) error {
	hidden := false
	if result == Duplicate && w.edit.Unsure != 0 {
		seen, err := w.shows(ctx, func(u UserCode) bool {
			hidden = occupied(u) && u.Code.IsZero()
			return hidden || u.Status == Enabled && u.Code.Equal(w.edit.Code)
		})
		if err != nil {
			return err
		}
		w.done = seen && !hidden
	}
	if !w.done && !hidden {
		w.refused = fmt.Errorf("%w: %w", panel.ErrRefused, reason(result))
	}
	return nil
}

func reason(r Result) error {
	switch r {
	case Duplicate:
		return ErrDuplicate
	case Full:
		return ErrFull
	}
	return ErrIgnored
}

// shows reads a slot again and again until it shows what is waited for, or for as long as
// a lock may need.
func (w *write) shows(ctx context.Context, what func(UserCode) bool) (bool, error) {
	for until := time.Now().Add(w.s.driver.opts.Settle); ; {
		u, err := w.s.look(ctx, w.edit.Slot)
		if err != nil {
			return false, err
		}
		if what(u) {
			return true, nil
		}
		if !time.Now().Before(until) {
			return false, nil
		}
		timer := time.NewTimer(between)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, context.Cause(ctx)
		}
	}
}
