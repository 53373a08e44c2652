package paneltest

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

func proveClose(k *rig) {
	s, seated := k.seated()
	e := k.edit(panel.Change, seated[0].Place, k.model.Change&panel.FieldCode)
	k.close(s)
	k.close(s)
	k.within(bound, "a closed session", func(ctx context.Context) {
		if outs, err := k.apply(ctx, s, e); e.Set != 0 && err == nil {
			k.t.Errorf("Apply after Close gives no error and %v", outs[0])
		}
		if _, err := k.read(ctx, s, panel.Query{All: true}); err == nil {
			k.t.Error("Read after Close ends as if all had been said")
		}
	})
	k.all(k.session(), panel.Query{All: true})
}

func proveNothing(k *rig) {
	s, _ := k.seated()
	k.within(bound, "Apply", func(ctx context.Context) {
		if _, err := k.apply(ctx, s); err != nil {
			k.t.Errorf("Apply of no edits: %v", err)
		}
	})
}

// proveEachField: a field alone is written, every other stays, and written again it
// changes nothing.
func proveEachField(k *rig) {
	s, seated := k.seated()
	for f := range k.model.Change.Each() {
		e := k.edit(panel.Change, seated[0].Place, f)
		before, _ := find(k.Sim.Users(), e.Place)
		k.carry(s, e)
		after := k.Sim.Users()
		k.checkKept(before, after, f)
		k.carry(s, e)
		if !sameUsers(after, k.Sim.Users()) {
			k.t.Errorf("the %s was written twice, and the second time changed the panel", f)
		}
		e.Unsure = f
		k.carry(s, e)
		if k.bystander(seated[1]); k.t.Failed() {
			return
		}
		time.Sleep(k.model.Lag)
		k.all(s, panel.Query{All: true})
	}
}

// checkKept reports fields that went with another field of the same user. A role may
// bring its own partitions.
func (k *rig) checkKept(was User, users []User, written panel.Field) {
	is, exists := find(users, was.Place)
	if written == panel.FieldRole {
		written |= panel.FieldPartitions
	}
	kept := panel.Edit{Place: was.Place, Values: panel.Values{
		Label: was.Label, Role: was.Role, Partitions: was.Partitions, Keypads: was.Keypads, Locks: was.Locks, Window: was.Window,
	}}
	for f := range (panel.AllFields &^ (written | tags | panel.FieldCode)).Each() {
		if !shows(is, exists, kept, f) {
			k.t.Errorf("%s: with the %s the %s has changed", was.Place, written, f)
		}
	}
	if written&tags == 0 && is.Tags != was.Tags {
		k.t.Errorf("%s: with the %s the tags have changed", was.Place, written)
	}
	if !written.Has(panel.FieldCode) && is.Code != was.Code {
		k.t.Errorf("%s: with the %s the code has changed", was.Place, written)
	}
}

// bystander reports if a user that no edit named has changed.
func (k *rig) bystander(e panel.Edit) {
	u, exists := find(k.Sim.Users(), e.Place)
	for f := range e.Set.Each() {
		if !shows(u, exists, e, f) {
			k.t.Errorf("%s, whom no edit named, has lost the %s", e.Place, f)
		}
	}
}

func proveAllFields(k *rig) {
	s, seated := k.seated()
	if k.model.Change == 0 {
		k.unsupported(s, k.edit(panel.Change, seated[0].Place, panel.AllFields))
		return
	}
	e := k.edit(panel.Change, seated[0].Place, k.model.Change)
	k.carry(s, e)
	k.carry(s, e)
	k.bystander(seated[1])
	time.Sleep(k.model.Lag)
	k.all(s, panel.Query{All: true})
}

// proveUnsupported: every field that an edit cannot write is refused before a byte is
// sent, alone and beside fields that can be written.
func proveUnsupported(k *rig) {
	s, seated := k.seated()
	for f := range (panel.AllFields &^ k.model.Change).Each() {
		k.unsupported(s, k.edit(panel.Change, seated[0].Place, f))
	}
	if !k.can(panel.Create) {
		k.unsupported(s, k.edit(panel.Create, k.place(), panel.FieldCode))
		k.unsupported(s, k.edit(panel.Replace, seated[0].Place, panel.FieldCode))
	}
	if !k.can(panel.Remove) {
		k.unsupported(s, panel.Edit{Place: seated[0].Place, Do: panel.Remove})
	}
	never := panel.AllFields &^ k.model.Writes()
	if k.model.Change == 0 || never == 0 {
		return
	}
	k.within(bound, "Apply", func(ctx context.Context) {
		e := k.edit(panel.Change, seated[0].Place, k.model.Change|never)
		outs, err := k.conclude(ctx, s, e)
		if err != nil || outs[0] == nil {
			k.t.Errorf("Apply: %v", err)
			return
		}
		if outs[0].Done != k.model.Change {
			k.t.Errorf("beside fields that cannot be written, %s of %s was done", outs[0].Done, k.model.Change)
		}
		for f := range never.Each() {
			if !errors.Is(outs[0].Refused[f], panel.ErrUnsupported) {
				k.t.Errorf("the %s cannot be written and is refused with %v", f, outs[0].Refused[f])
			}
		}
	})
}

// proveNoSuchPlace: places that the panel does not have are refused.
func proveNoSuchPlace(k *rig) {
	s, _ := k.seated()
	m := k.model
	wrong := []panel.Place{{}}
	if m.Slots.Len() > 0 {
		wrong = append(wrong, panel.Place{Slot: m.Slots.First - 1}, panel.Place{Slot: -1},
			panel.Place{Slot: m.Slots.Last + 1}, panel.Place{Slot: 1 << 20}, panel.Place{ID: "5e7f0c1a-0000-4000-8000-000000000001"})
		for _, slot := range m.Reserved {
			wrong = append(wrong, panel.Place{Slot: slot})
		}
	} else {
		wrong = append(wrong, panel.Place{Slot: 1})
	}
	refusals := []error{panel.ErrRefused, panel.ErrUnsupported}
	for _, p := range wrong {
		k.refuse(s, k.edit(panel.Create, p, panel.FieldCode), refusals...)
		k.refuse(s, k.edit(panel.Change, p, panel.FieldLabel), refusals...)
		k.refuse(s, panel.Edit{Place: p, Do: panel.Remove}, refusals...)
	}
}

// proveMaster: a Master with a fixed place keeps it, and all partitions.
func proveMaster(k *rig) {
	s := k.session()
	m := k.model
	if m.MasterSlot == 0 {
		return // nobody stands apart: every other part holds for every place
	}
	place := panel.Place{Slot: m.MasterSlot}
	if _, ok := find(k.Sim.Users(), place); !ok {
		k.t.Fatal("the simulated panel has no Master")
	}
	if m.Writes().Has(panel.FieldCode) {
		k.refuse(s, panel.Edit{Place: place, Do: panel.Remove}, panel.ErrRefused, panel.ErrUnsupported)
	} else {
		k.unsupported(s, panel.Edit{Place: place, Do: panel.Remove})
	}
	if m.Partitions > 1 {
		k.refuse(s, panel.Edit{Place: place, Set: panel.FieldPartitions, Values: panel.Values{Partitions: 1}}, panel.ErrRefused, panel.ErrUnsupported)
	}
	if m.Change.Has(panel.FieldCode) {
		k.carry(s, k.edit(panel.Change, place, panel.FieldCode))
	}
}

// proveDuplicate: a code that another user has is refused where the model says so, and
// taken where it does not.
func proveDuplicate(k *rig) {
	s, seated := k.seated()
	e := k.edit(panel.Change, seated[0].Place, panel.FieldCode)
	e.Code = seated[1].Code
	switch {
	case !k.model.Change.Has(panel.FieldCode):
		k.unsupported(s, e)
	case k.model.Code.Unique:
		k.refuse(s, e, panel.ErrRefused)
	default:
		k.carry(s, e)
	}
}

// proveRefused: what the panel refuses in one field is reported of that field, is not
// final for the others, and may be taken later.
func proveRefused(k *rig) {
	s, seated := k.seated()
	for f := range k.model.Change.Each() {
		e := k.edit(panel.Change, seated[0].Place, k.model.Change)
		k.Sim.Fault(Fault{Do: Refuse, Field: f, Slot: e.Slot})
		k.within(bound, "Apply", func(ctx context.Context) {
			outs, err := k.conclude(ctx, s, e)
			if err != nil || outs[0] == nil {
				k.t.Errorf("the panel refuses the %s, and Apply gives %v", f, err)
				return
			}
			if !errors.Is(outs[0].Refused[f], panel.ErrRefused) {
				k.t.Errorf("the panel refuses the %s; done %s, refused %v", f, outs[0].Done, outs[0].Refused)
			}
		})
		k.carry(s, e)
	}
}
