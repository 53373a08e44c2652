package dsc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// Apply carries out edits slot by slot: the code first, because the panel resets
// attributes and partitions when a code comes or goes, then role, partitions and label,
// each read back. Outcomes are handed out between programming sessions, never while
// keypads are locked out.
func (s *session) Apply(ctx context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		var drafts []*draft
		for _, e := range masterLast(edits) {
			d := newDraft(s, e)
			if d.admit(); d.left != 0 {
				drafts = append(drafts, d)
			} else if !yield(d.outcome(), nil) {
				return
			}
		}
		if len(drafts) == 0 {
			return
		}
		w, ctx, done, err := s.begin(ctx, true)
		if err != nil {
			yield(panel.Outcome{}, err)
			return
		}
		defer done()
		for len(drafts) > 0 && err == nil {
			var worked []*draft
			worked, drafts, err = w.stint(ctx, drafts)
			for _, d := range worked {
				if d.touched() && !yield(d.outcome(), nil) {
					return
				}
			}
		}
		if err != nil {
			yield(panel.Outcome{}, err)
		}
	}
}

// stint carries out edits while one programming session lasts, leaves it, and settles
// the labels.
func (w *work) stint(ctx context.Context, drafts []*draft) (worked, rest []*draft, err error) {
	for len(drafts) > 0 && err == nil && (len(worked) == 0 || !w.inside || w.remaining() > 16*w.slowest) {
		d := drafts[0]
		d.w = w
		err = d.carryOut(ctx)
		worked, drafts = append(worked, d), drafts[1:]
	}
	w.leave()
	for _, d := range worked {
		if err == nil {
			err = d.settleLabel(ctx)
		}
	}
	w.leave()
	return worked, drafts, err
}

// masterLast orders edits so that the code that opens programming changes last.
func masterLast(edits []panel.Edit) []panel.Edit {
	last := func(e panel.Edit) int {
		if e.Slot == masterSlot {
			return 1
		}
		return 0
	}
	return slices.SortedStableFunc(slices.Values(edits), func(a, b panel.Edit) int { return cmp.Compare(last(a), last(b)) })
}

// draft is one edit on its way to its outcome.
type draft struct {
	s     *session
	w     *work
	model panel.Model
	edit  panel.Edit
	left  panel.Field // still to be written
	out   panel.Outcome
	seen  *entry // the slot as last read
	stale bool   // something was written since
	begun bool   // the panel was reached for this edit
	label bool   // a label was acknowledged and is to be read back
}

func newDraft(s *session, e panel.Edit) *draft {
	d := &draft{s: s, model: s.Model(), edit: e, left: e.Set, out: panel.Outcome{Place: e.Place}}
	if e.Do == panel.Remove {
		d.left = panel.FieldCode
	}
	return d
}

// refuse notes a field's refusal for good.
func (d *draft) refuse(f panel.Field, err error) {
	if d.out.Refused == nil {
		d.out.Refused = map[panel.Field]error{}
	}
	for one := range f.Each() {
		d.out.Refused[one] = err
	}
	d.left &^= f
}

func (d *draft) done(f panel.Field) {
	d.out.Done |= f
	d.left &^= f
}

func (d *draft) unsure(f panel.Field) {
	d.out.Unsure |= f
	d.left &^= f
}

// touched reports whether there is anything to say.
func (d *draft) touched() bool { return d.begun || d.out.Refused != nil || d.out.Done != 0 }

// outcome is what came of the edit. A field that an earlier edit may have written and
// that this one did not settle is still unsure.
func (d *draft) outcome() panel.Outcome {
	var refused panel.Field
	for f := range d.out.Refused {
		refused |= f
	}
	if d.label {
		d.out.Unsure |= panel.FieldLabel // acknowledged, and the line broke before it was read
	}
	d.out.Unsure |= d.edit.Unsure & d.edit.Set &^ (d.out.Done | refused)
	if d.seen != nil && !d.stale && !d.label {
		r := report(d.model, d.edit.Slot, *d.seen)
		d.out.Report = &r
	}
	return d.out
}

// carryOut does everything that needs programming. An error is about the line.
func (d *draft) carryOut(ctx context.Context) error {
	if err := d.look(ctx); err != nil {
		return err
	}
	d.begun = true
	if !d.fits() {
		return nil
	}
	if d.edit.Do == panel.Remove || d.edit.Do == panel.Replace {
		if err := d.clear(ctx); err != nil || d.edit.Do == panel.Remove || d.seen.exists() {
			return err
		}
	}
	if d.left.Has(panel.FieldCode) {
		if err := d.writeCode(ctx); err != nil {
			return err
		}
	}
	if !d.seen.exists() {
		return nil // without a code there is nobody to whom the rest could belong
	}
	if err := d.writeRights(ctx); err != nil {
		return err
	}
	if d.left.Has(panel.FieldLabel) {
		return d.writeLabel(ctx)
	}
	return nil
}

// look reads the slot.
func (d *draft) look(ctx context.Context) error {
	into := map[int]entry{}
	if err := d.w.entries(ctx, block{d.edit.Slot, 1}, false, into); err != nil {
		return err
	}
	e := into[d.edit.Slot]
	if d.seen != nil {
		e.label = d.seen.label
	}
	d.seen, d.stale = &e, false
	return nil
}

// fits refuses an edit that meant another slot than the panel shows.
func (d *draft) fits() bool {
	switch {
	case d.edit.Do == panel.Create && d.seen.exists() && !d.edit.Unsure.Has(panel.FieldCode):
		d.refuse(d.left, panel.ErrOccupied)
	case d.edit.Do == panel.Change && !d.seen.exists():
		d.refuse(d.left, fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrCodeNotSet))
	default:
		return true
	}
	return false
}

// put sends one write and sorts its answer. ok says that the panel acknowledged it; an
// error is about the line, and the field has been noted where it is in doubt.
func (d *draft) put(ctx context.Context, f panel.Field, m itv2.Message) (ok bool, err error) {
	_, err = d.w.do(ctx, m, itv2.CmdResponse, nil)
	d.stale = d.stale || f != panel.FieldLabel && wasSent(err)
	if err == nil {
		return true, nil
	}
	if r, no := errors.AsType[*refusalError](err); no {
		_, _, armed := d.s.line.habits()
		v := r.ofWrite(d.edit.Slot, armed)
		switch {
		case v.unsure:
			d.unsure(f)
		case v.field != nil:
			d.refuse(f, v.field)
		}
		return false, v.line
	}
	if wasSent(err) {
		d.unsure(f)
	}
	return false, err
}

// check reads the slot back after a write of f. A line that breaks here leaves the field
// in doubt.
func (d *draft) check(ctx context.Context, f panel.Field) error {
	if err := d.look(ctx); err != nil {
		d.unsure(f)
		return err
	}
	return nil
}
