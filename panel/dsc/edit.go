package dsc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// errNotStored: the panel acknowledged a write and shows something else.
var errNotStored = errors.New("dsc: acknowledged by the panel, but not stored")

// admit refuses what can be seen to be wrong before a byte is sent.
func (d *draft) admit() {
	e, m := d.edit, d.model
	no := func(f panel.Field, err error) {
		if d.left&f != 0 {
			d.refuse(d.left&f, fmt.Errorf("%w: %w", panel.ErrRefused, err))
		}
	}
	if d.s.weak != nil {
		d.refuse(d.left, fmt.Errorf("%w: %w", d.s.weak, panel.ErrUnsupported))
		return
	}
	if err := m.CheckPlace(e.Place); err != nil {
		no(d.left, err)
		return
	}
	if other := d.left &^ m.Writes(); other != 0 {
		d.refuse(other, panel.ErrUnsupported)
	}
	if e.Slot == masterSlot {
		if e.Do == panel.Remove || e.Do == panel.Replace {
			no(d.left, panel.ErrMasterDisable)
			return
		}
		no(panel.FieldPartitions, panel.ErrMasterPartitions)
	}
	if e.Do == panel.Remove {
		return
	}
	if err := m.CheckCode(e.Code, 0); err != nil {
		no(panel.FieldCode, err)
	}
	if err := d.checkRole(); err != nil {
		no(panel.FieldRole, err)
	}
	if err := m.CheckPartitions(e.Partitions); err != nil {
		no(panel.FieldPartitions, err)
	}
	if err := m.CheckLabel(e.Label); err != nil {
		no(panel.FieldLabel, err)
	}
	if d.edit.Do != panel.Change && d.edit.Set.Has(panel.FieldCode) && !d.left.Has(panel.FieldCode) {
		d.left = 0 // the rest rides with the code and falls with it
	}
}

// checkRole: slot 1 is the Master, nobody else is, and there is no usual role.
func (d *draft) checkRole() error {
	switch {
	case d.edit.Role == "":
		return panel.ErrRoleRequired
	case d.edit.Slot == masterSlot && d.edit.Role != panel.Master:
		return panel.ErrUserProtected
	}
	return d.model.CheckRole(d.edit.Place, d.edit.Role)
}

// clear takes the code away, and with it attributes, partitions and tag.
func (d *draft) clear(ctx context.Context) error {
	if d.seen.exists() {
		ok, err := d.put(ctx, panel.FieldCode, d.codes(strings.Repeat("A", d.digits())))
		if !ok {
			return err
		}
		if err := d.check(ctx, panel.FieldCode); err != nil {
			return err
		}
	}
	switch {
	case d.seen.exists():
		d.refuse(d.left, fmt.Errorf("%w: %w", panel.ErrRefused, errNotStored))
	case d.edit.Do == panel.Remove:
		d.done(panel.FieldCode)
	}
	return nil
}

// digits is the length of every code of the panel: as it says, or else that of the
// master code that opens it.
func (d *draft) digits() int {
	if lens := d.model.Code.Lens; len(lens) == 1 {
		return lens[0]
	}
	return len(d.s.code())
}

// codes is the write of one code.
func (d *draft) codes(digits string) itv2.Codes {
	bcd, err := itv2.BCD(digits)
	if err != nil {
		bcd = nil // a Code holds digits only
	}
	return itv2.Codes{Of: itv2.CmdWriteCodes, Start: d.edit.Slot, Width: len(bcd), Data: bcd}
}

func (d *draft) writeCode(ctx context.Context) error {
	created := !d.seen.exists()
	m := d.codes(d.edit.Code.Reveal())
	ok, err := d.put(ctx, panel.FieldCode, m)
	clear(m.Data)
	if err != nil {
		return err
	}
	if !ok {
		return d.doubtful(ctx)
	}
	if created || d.left&(panel.FieldRole|panel.FieldPartitions) == 0 {
		if err := d.check(ctx, panel.FieldCode); err != nil {
			return err
		}
	}
	if !d.seen.exists() {
		d.refuse(panel.FieldCode, fmt.Errorf("%w: %w", panel.ErrRefused, errNotStored))
		return nil
	}
	d.codeDone()
	return nil
}

func (d *draft) codeDone() {
	d.done(panel.FieldCode)
	d.out.Unsure &^= panel.FieldCode
	if d.edit.Slot == masterSlot {
		d.s.changeCode(d.edit.Code)
	}
}

// doubtful settles a refused code that an earlier edit may have written already: some
// panels refuse a code as a duplicate of itself. It is final only when the panel shows
// what it holds, or when nobody loses anything by clearing the slot first.
func (d *draft) doubtful(ctx context.Context) error {
	no, refused := d.out.Refused[panel.FieldCode]
	if !refused || !d.s.disclose && !d.edit.Unsure.Has(panel.FieldCode) {
		return nil
	}
	delete(d.out.Refused, panel.FieldCode)
	if d.s.disclose {
		held, err := d.w.codes(ctx, block{d.edit.Slot, 1})
		if err != nil {
			d.unsure(panel.FieldCode)
			return err
		}
		if codeOf(held.At(0)).Equal(d.edit.Code) {
			d.codeDone()
		} else {
			d.refuse(panel.FieldCode, no)
		}
		clear(held.Data)
		return nil
	}
	if d.edit.Do == panel.Change || !d.seen.exists() {
		d.unsure(panel.FieldCode)
		return nil
	}
	d.left |= panel.FieldCode
	d.edit.Unsure &^= panel.FieldCode
	if err := d.clear(ctx); err != nil || d.seen.exists() {
		return err
	}
	return d.writeCode(ctx)
}

// writeRights writes role and partitions and reads both back together.
func (d *draft) writeRights(ctx context.Context) error {
	var wrote panel.Field
	write := func(f panel.Field, m itv2.Message) error {
		ok, err := d.put(ctx, f, m)
		if ok {
			wrote |= f
		}
		return err
	}
	var err error
	switch {
	case !d.left.Has(panel.FieldRole):
	case d.edit.Slot == masterSlot:
		d.done(panel.FieldRole) // the slot alone makes the Master
	default:
		flags := withRole(d.seen.flags, d.edit.Role)
		err = write(panel.FieldRole, itv2.Octets{Of: itv2.CmdWriteFlags, Start: d.edit.Slot, Values: []byte{flags}})
	}
	if err == nil && d.left.Has(panel.FieldPartitions) {
		width := (d.model.Partitions + 7) / 8
		err = write(panel.FieldPartitions, itv2.Masks{Of: itv2.CmdWriteMasks, Start: d.edit.Slot, Width: width, Sets: []uint64{uint64(d.edit.Partitions)}})
	}
	if err != nil {
		d.unsure(wrote) // acknowledged, and not read back
		return err
	}
	if wrote == 0 {
		return nil
	}
	if err := d.check(ctx, wrote); err != nil {
		return err
	}
	d.compare(wrote, panel.FieldRole, roleOf(d.edit.Slot, d.seen.flags) == d.edit.Role)
	d.compare(wrote, panel.FieldPartitions, d.seen.mask == uint64(d.edit.Partitions))
	return nil
}

// compare settles a field that was written by what the panel shows of it.
func (d *draft) compare(wrote, f panel.Field, same bool) {
	switch {
	case !wrote.Has(f):
	case same:
		d.done(f)
	default:
		d.refuse(f, fmt.Errorf("%w: %w", panel.ErrRefused, errNotStored))
	}
}

func (d *draft) writeLabel(ctx context.Context) error {
	ok, err := d.put(ctx, panel.FieldLabel, itv2.WriteLabels{Start: d.edit.Slot, Texts: []string{d.edit.Label}})
	d.label = ok
	return err
}

// settleLabel reads the label outside of programming and settles its write. The label of
// a former holder that outlived the code is overwritten with the panel's usual one.
func (d *draft) settleLabel(ctx context.Context) error {
	if d.seen == nil || !d.seen.exists() {
		return nil
	}
	if err := d.readLabel(ctx); err != nil {
		return err
	}
	usual := fmt.Sprintf(d.model.Label.Default, d.edit.Slot)
	if d.edit.Do != panel.Replace || d.edit.Set.Has(panel.FieldLabel) || d.seen.label == nil || *d.seen.label == usual {
		return nil
	}
	_, err := d.w.do(ctx, itv2.WriteLabels{Start: d.edit.Slot, Texts: []string{usual}}, itv2.CmdResponse, nil)
	if err != nil && !refused(err) {
		return err
	}
	return d.readLabel(ctx)
}

// readLabel reads the label and settles its write. A panel that tells no labels has
// acknowledged it, and that is all there is to see.
func (d *draft) readLabel(ctx context.Context) error {
	into := map[int]entry{d.edit.Slot: *d.seen}
	if err := d.w.labels(ctx, block{d.edit.Slot, 1}, into); err != nil {
		return err
	}
	e := into[d.edit.Slot]
	d.seen = &e
	if d.label {
		d.compare(panel.FieldLabel, panel.FieldLabel, e.label == nil || *e.label == d.edit.Label)
		d.label = false
	}
	return nil
}
