package powermanage

import (
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// draft is one edit on its way to its outcome.
type draft struct {
	model  panel.Model
	edit   panel.Edit
	left   panel.Field // still to be written
	out    panel.Outcome
	ticket *ticket // a job of an earlier edit that is to be followed
	seen   *user   // the user as last read, nil: there is none
	begun  bool    // the list was read for this edit
	sent   bool    // a write has left
	// cleared: the place was emptied for somebody who is not there yet.
	cleared bool
}

func newDraft(m panel.Model, e panel.Edit) *draft {
	if e.Do == panel.Remove {
		e.Set = panel.FieldCode
	}
	return &draft{model: m, edit: e, left: e.Set, out: panel.Outcome{Place: e.Place}, ticket: ticketOf(e.Ticket)}
}

func (d *draft) refuse(f panel.Field, err error) {
	if d.out.Refused == nil {
		d.out.Refused = map[panel.Field]error{}
	}
	for one := range f.Each() {
		d.out.Refused[one] = err
	}
	d.left &^= f
}

func (d *draft) unsure(f panel.Field) {
	d.out.Unsure |= f & d.edit.Set
	d.left &^= f
}

// again takes back what was said of a field.
func (d *draft) again(f panel.Field) {
	delete(d.out.Refused, f)
	d.out.Unsure &^= f
	d.left |= f
}

// waits leaves the rest of the edit to the one that follows the ticket.
func (d *draft) waits(t ticket) {
	d.out.Unsure |= d.left
	d.out.Ticket = t.bytes()
	d.left = 0
}

// done settles what a step was for. That a place was cleared for somebody else settles
// nothing yet.
func (d *draft) done(st step) {
	if d.cleared = st == stepClear && d.edit.Do != panel.Remove; d.cleared {
		return
	}
	d.out.Done |= st.field()
	d.left &^= st.field()
}

// admit refuses what can be seen to be wrong before a byte is sent.
func (d *draft) admit() {
	e, m := d.edit, d.model
	no := func(f panel.Field, err error) {
		if f &= d.left; f != 0 {
			d.refuse(f, fmt.Errorf("%w: %w", panel.ErrRefused, err))
		}
	}
	can := m.Create
	switch e.Do {
	case panel.Change:
		can = m.Change
	case panel.Remove:
		can = m.Writes()
	}
	if other := d.left &^ can; other != 0 {
		d.refuse(other, panel.ErrUnsupported)
	}
	if err := m.CheckPlace(e.Place); err != nil {
		no(d.left, err)
		return
	}
	if (e.Do == panel.Remove || e.Do == panel.Replace) && m.MasterSlot != 0 && e.Slot == m.MasterSlot {
		no(d.left, panel.ErrMasterDisable)
		return
	}
	if e.Do == panel.Remove {
		return
	}
	if d.left.Has(panel.FieldCode) {
		if err := m.CheckCode(e.Code, 0); err != nil {
			no(panel.FieldCode, err)
		}
	}
	if err := m.CheckLabel(e.Label); err != nil {
		no(panel.FieldLabel, err)
	}
	if e.Do != panel.Change && e.Set.Has(panel.FieldCode) && !d.left.Has(panel.FieldCode) {
		d.left = 0 // the rest rides with the code and falls with it
	}
}

// see takes over what the list says.
func (d *draft) see(l userList) {
	d.seen, d.begun = l.at(d.edit.Slot), true
}

// fits refuses an edit that meant another slot than the list shows. What an earlier edit
// may have done, and what a job is still doing, is no surprise.
func (d *draft) fits() bool {
	switch {
	case d.ticket != nil:
	case d.edit.Do == panel.Create && d.seen != nil && !d.edit.Unsure.Has(panel.FieldCode):
		d.refuse(d.left, panel.ErrOccupied)
	case d.edit.Do == panel.Change && d.seen == nil:
		d.refuse(d.left, fmt.Errorf("%w: %w", panel.ErrRefused, panel.ErrCodeNotSet))
	}
	return d.left != 0
}

// steps are the writes that the edit takes, from the job of its ticket on. A place is
// cleared whatever the list shows of it: the list may be late.
func (d *draft) steps() []step {
	var all []step
	if d.edit.Do == panel.Remove || d.edit.Do == panel.Replace {
		all = append(all, stepClear)
	}
	if d.edit.Do != panel.Remove && d.left.Has(panel.FieldCode) {
		all = append(all, stepCode)
	}
	if d.left.Has(panel.FieldLabel) {
		all = append(all, stepLabel)
	}
	for i, st := range all {
		if d.ticket != nil && d.ticket.Step == st {
			return all[i:]
		}
	}
	return all
}

// settle takes a label that the list shows for written, whatever became of its job.
func (d *draft) settle() {
	if d.out.Ticket == nil && d.out.Unsure.Has(panel.FieldLabel) && d.seen != nil && d.seen.Name == d.edit.Label {
		d.out.Unsure &^= panel.FieldLabel
		d.out.Done |= panel.FieldLabel
	}
}

// touched reports whether there is anything to say.
func (d *draft) touched() bool { return d.begun || d.out.Refused != nil }

// outcome is what came of the edit. A field that an earlier edit may have written and
// that this one did not settle is still unsure. A report that contradicts what the panel
// confirmed is older than that, and is left out.
func (d *draft) outcome() panel.Outcome {
	var refused panel.Field
	for f := range d.out.Refused {
		refused |= f
	}
	d.out.Unsure |= d.edit.Unsure & d.edit.Set &^ (d.out.Done | refused)
	if d.begun && d.out.Unsure == 0 && d.agrees() {
		d.out.Report = report(d.model, d.edit.Slot, d.seen)
	}
	return d.out
}

// agrees reports whether the list shows what was done.
func (d *draft) agrees() bool {
	if d.edit.Do == panel.Remove {
		return !d.out.Done.Has(panel.FieldCode) || d.seen == nil
	}
	return (d.out.Done == 0 || d.seen != nil) && (!d.out.Done.Has(panel.FieldLabel) || d.seen.Name == d.edit.Label)
}
