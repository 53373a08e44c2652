package visonic

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// rpcWrites are what the service's methods setUserCode and setUserCodePartitions seem to
// set.
const rpcWrites = panel.FieldCode | panel.FieldPartitions

// writing is a model whose codes and partitions are written, which nothing proves.
func writing(m panel.Model) panel.Model {
	m.Create, m.Change, m.Experimental, m.Hands = rpcWrites, rpcWrites, rpcWrites, 0
	m.Guides = nil
	return m
}

// Apply refuses everything, unless [RPCOptions.Experimental] is set. Then each write is read
// back, and is done when the panel shows it. Tags cannot be taken away here: a tag of the
// former holder survives a removal and a replacement.
func (s *rpcSession) Apply(ctx context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	if s.model.Writes() == 0 {
		return s.readOnly.Apply(ctx, edits)
	}
	return func(yield func(panel.Outcome, error) bool) {
		for _, e := range edits {
			w := &rpcEdit{s: s, e: e, o: panel.Outcome{Place: e.Place, Refused: map[panel.Field]error{}}}
			err := w.run(ctx)
			said := w.o.Done|w.o.Unsure != 0 || len(w.o.Refused) > 0
			if (err == nil || said) && !yield(w.o, nil) {
				return
			}
			if err != nil {
				yield(panel.Outcome{}, err)
				return
			}
		}
	}
}

// rpcEdit is one edit under way.
type rpcEdit struct {
	s *rpcSession
	e panel.Edit // its Set shrinks to what is left to do
	o panel.Outcome
}

// refuse settles fields that are left to do.
func (w *rpcEdit) refuse(fields panel.Field, reason error) {
	for f := range (fields & w.e.Set).Each() {
		w.o.Refused[f] = reason
	}
	w.e.Set &^= fields
}

// run settles every field, or returns why the line stopped it.
func (w *rpcEdit) run(ctx context.Context) error {
	if err := w.s.over.alive(); err != nil {
		return err
	}
	if w.judge(); w.e.Set == 0 {
		return nil
	}
	u, err := w.s.users(ctx)
	if err != nil {
		return err
	}
	there := u.codes[w.e.Slot-1]
	switch {
	case w.e.Do == panel.Create && there.Set && !w.e.Unsure.Has(panel.FieldCode):
		w.refuse(w.e.Set, panel.ErrOccupied)
	case w.e.Do == panel.Change && !there.Set:
		w.refuse(w.e.Set, panel.ErrRefused)
	case w.e.Do == panel.Remove && !there.Set:
		w.o.Done = panel.FieldCode
	case w.e.Do == panel.Remove:
		return w.write(ctx, panel.FieldCode, panel.Code{}, 0)
	case w.e.Do != panel.Change: // code and partitions at once: a new user never has the former one's
		if !w.e.Set.Has(panel.FieldPartitions) {
			w.e.Partitions = 1 // what an empty place has from the factory
		}
		return w.write(ctx, w.e.Set, w.e.Code, w.e.Partitions)
	default:
		return w.change(ctx, there.Digits)
	}
	return nil
}

// judge refuses what can be refused before a byte is sent. 0000 as a code would remove.
func (w *rpcEdit) judge() {
	m := w.s.model
	if w.e.Do == panel.Remove {
		w.e.Set = panel.FieldCode
	}
	if err := m.CheckPlace(w.e.Place); err != nil {
		w.refuse(w.e.Set, fmt.Errorf("%w: %w", panel.ErrRefused, err))
	}
	w.refuse(w.e.Set&^rpcWrites, panel.ErrUnsupported)
	if w.e.Slot == m.MasterSlot {
		w.refuse(panel.FieldPartitions, fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrMasterPartitions))
		if w.e.Do != panel.Change {
			w.refuse(w.e.Set, fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrMasterDisable))
		}
	}
	if w.e.Set.Has(panel.FieldPartitions) {
		if err := m.CheckPartitions(w.e.Partitions); err != nil {
			w.refuse(panel.FieldPartitions, fmt.Errorf("%w: %w", panel.ErrRefused, err))
		}
	}
	if w.e.Do != panel.Remove && w.e.Set.Has(panel.FieldCode) {
		if err := m.CheckCode(w.e.Code, codeLen); err != nil {
			w.refuse(panel.FieldCode, fmt.Errorf("%w: %w", panel.ErrRefused, err))
		}
	}
	if w.e.Do != panel.Remove && w.e.Do != panel.Change && !w.e.Set.Has(panel.FieldCode) {
		w.refuse(w.e.Set, panel.ErrRefused) // without a code there is no user
	}
}

// change writes the code alone, then the partitions beside the code that is there by then,
// so that each field settles by itself.
func (w *rpcEdit) change(ctx context.Context, code panel.Code) error {
	if w.e.Set.Has(panel.FieldCode) {
		if err := w.write(ctx, panel.FieldCode, w.e.Code, 0); err != nil {
			return err
		}
		if w.o.Done.Has(panel.FieldCode) {
			code = w.e.Code
		}
	}
	if !w.e.Set.Has(panel.FieldPartitions) {
		return nil
	}
	if code.IsZero() { // what is there has no digits that could be repeated
		w.refuse(panel.FieldPartitions, panel.ErrRefused)
		return nil
	}
	return w.write(ctx, panel.FieldPartitions, code, w.e.Partitions)
}

// write sets a code, the zero one to remove, and with partitions these too, and settles
// fields by what the panel then shows.
func (w *rpcEdit) write(ctx context.Context, fields panel.Field, code panel.Code, p panel.Partitions) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	digits := "0000"
	if !code.IsZero() {
		digits = code.Reveal()
	}
	method, params := "setUserCode", []any{w.s.secret(), w.e.Slot, digits}
	if p != 0 {
		method, params = "setUserCodePartitions", append(params, int(p))
	}
	_, err := w.s.call(ctx, method, params...)
	switch {
	case errors.Is(err, errNotTaken):
		w.refuse(fields, panel.ErrRefused)
		return nil
	case errors.Is(err, ErrNoMessage):
		w.refuse(fields, panel.ErrUnsupported)
		return nil
	case errors.Is(err, panel.ErrSecret), errors.Is(err, ErrUnregistered):
		w.s.over.end(err)
		return err
	case err != nil:
		w.o.Unsure |= fields
		return err
	}
	if w.e.Slot == masterSlot && !code.IsZero() {
		w.s.renew(digits)
	}
	u, err := w.s.users(ctx)
	if err != nil {
		w.o.Unsure |= fields
		return err
	}
	at := w.e.Slot - 1
	if there := u.codes[at]; there.Set == code.IsZero() || !there.Digits.Equal(code) || p != 0 && panel.Partitions(u.access[at]) != p {
		w.refuse(fields, fmt.Errorf("%w: the panel shows something else", panel.ErrRefused))
		return nil
	}
	w.o.Done |= fields
	w.e.Set &^= fields
	return nil
}
