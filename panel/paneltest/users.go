package paneltest

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// sees reports whether the driver can know that a place has a user.
func (k *rig) sees() bool { return k.model.Sight >= panel.Presence }

func proveCreate(k *rig) {
	s, seated := k.seated()
	if !k.can(panel.Create) {
		k.unsupported(s, k.edit(panel.Create, k.place(), panel.FieldCode))
		return
	}
	p := k.places(2)
	k.carry(s, k.edit(panel.Create, p[0], k.model.Create))
	if len(p) > 1 {
		k.carry(s, k.edit(panel.Create, p[1], k.least()))
	}
	k.bystander(seated[0])
	time.Sleep(k.model.Lag)
	k.all(s, panel.Query{All: true})
}

// proveCreateSpares: whoever is at the place already is not overwritten, where he can
// be seen.
func proveCreateSpares(k *rig) {
	s, seated := k.seated()
	if e := k.edit(panel.Create, seated[0].Place, k.least()); !k.can(panel.Create) {
		k.unsupported(s, e)
	} else if k.sees() {
		k.refuse(s, e, panel.ErrOccupied)
	} else {
		k.carry(s, e)
	}
}

// proveCreateRepairs: an unsure creation is done again, whether it had come to pass or
// not.
func proveCreateRepairs(k *rig) {
	s := k.session()
	e := k.edit(panel.Create, k.place(), k.model.Create|panel.FieldCode)
	if e.Unsure = e.Set; !k.can(panel.Create) {
		k.unsupported(s, e)
		return
	}
	k.carry(s, e)
	k.carry(s, e)
	other := k.edit(panel.Create, k.place(), e.Set)
	k.keypad(k.edit(panel.Create, other.Place, panel.FieldCode|k.least()))
	other.Unsure = other.Set
	k.carry(s, other)
}

// proveChangeSpares: who has gone at the keypad does not come back by a change.
func proveChangeSpares(k *rig) {
	s, seated := k.seated()
	e := k.edit(panel.Change, seated[0].Place, k.model.Change)
	k.keypad(panel.Edit{Place: e.Place, Do: panel.Remove})
	switch {
	case e.Set == 0:
		k.unsupported(s, k.edit(panel.Change, e.Place, panel.FieldCode))
	case k.sees():
		k.refuse(s, e, panel.ErrRefused)
	case e.Set.Has(panel.FieldCode):
		k.carry(s, e) // nobody can tell: the code is written blindly
	}
}

// proveRemove: a user goes, and goes again without an error.
func proveRemove(k *rig) {
	s, seated := k.seated()
	e := panel.Edit{Place: seated[0].Place, Do: panel.Remove}
	if !k.can(panel.Remove) {
		k.unsupported(s, e)
		return
	}
	k.carry(s, e)
	k.carry(s, e)
	k.bystander(seated[1])
	time.Sleep(k.model.Lag)
	k.all(s, panel.Query{All: true})
	if k.can(panel.Create) {
		k.carry(s, k.edit(panel.Create, e.Place, k.model.Create))
	}
}

// proveReplace: nothing of the former holder survives, whatever the next one sets.
func proveReplace(k *rig) {
	s := k.session()
	former := k.edit(panel.Create, k.place(), k.byHand())
	if former.Set.Has(panel.FieldRole) {
		former.Role = k.role(1)
	}
	k.keypad(former)
	was, _ := find(k.Sim.Users(), former.Place)
	e := k.edit(panel.Replace, former.Place, k.least())
	if !k.can(panel.Replace) {
		k.unsupported(s, e)
		return
	}
	k.carry(s, e)
	is, _ := find(k.Sim.Users(), e.Place)
	if is.Tags != 0 {
		k.t.Errorf("%d tags of the former holder survive Replace", is.Tags)
	}
	if former.Set.Has(panel.FieldLabel) && is.Label == was.Label {
		k.t.Errorf("the former holder's label %q survives Replace", is.Label)
	}
	if former.Set.Has(panel.FieldPartitions) && k.model.Partitions > 1 && is.Partitions == was.Partitions {
		k.t.Errorf("the former holder's partitions %s survive Replace", is.Partitions)
	}
	if former.Set.Has(panel.FieldRole) && !e.Set.Has(panel.FieldRole) && k.role(1) != k.role(0) && is.Role == was.Role {
		k.t.Errorf("the former holder's role %s survives Replace", is.Role)
	}
	if former.Set.Has(panel.FieldLocks) && len(is.Locks) > 0 && sameSet(is.Locks, was.Locks) ||
		former.Set.Has(panel.FieldKeypads) && len(is.Keypads) > 0 && sameSet(is.Keypads, was.Keypads) {
		k.t.Errorf("the former holder's locks or keypads survive Replace")
	}
	if !was.Window.IsZero() && is.Window == was.Window {
		k.t.Errorf("the former holder's validity survives Replace")
	}
	next := k.edit(panel.Replace, k.places(1)[0], k.model.Create)
	k.carry(s, next) // an empty place may be replaced too
	k.carry(s, k.edit(panel.Replace, next.Place, k.model.Create))
	time.Sleep(k.model.Lag)
	k.all(s, panel.Query{All: true})
}

// proveMany: many edits in one Apply over a slow wire, each with its outcome, and no
// keypad locked out for longer than the model says.
func proveMany(k *rig) {
	s, seated := k.seated()
	if !k.can(panel.Create) {
		var edits []panel.Edit
		for _, e := range seated {
			edits = append(edits, k.edit(panel.Change, e.Place, max(k.model.Change, panel.FieldCode)))
		}
		k.unsupportedOrDone(s, edits)
		return
	}
	var create, mixed []panel.Edit
	for _, p := range k.places(40) {
		create = append(create, k.edit(panel.Create, p, k.model.Create))
	}
	k.carry(s, create...)
	for i, e := range create {
		do := []panel.Do{panel.Change, panel.Remove, panel.Replace}[i%3]
		set := k.model.Create
		if do == panel.Change {
			set = k.model.Change
		}
		if do != panel.Remove && set == 0 {
			continue
		}
		mixed = append(mixed, k.edit(do, e.Place, set))
	}
	k.carry(s, mixed...)
	k.all(s, panel.Query{All: true})
	k.checkHold()
}

// unsupportedOrDone applies edits of users that are there, under a model that creates
// none.
func (k *rig) unsupportedOrDone(s panel.Session, edits []panel.Edit) {
	if k.model.Change != 0 {
		k.carry(s, edits...)
		return
	}
	for _, e := range edits {
		k.unsupported(s, e)
	}
}

// checkHold asks the panel for how long it was locked.
func (k *rig) checkHold() {
	if k.model.Hold == 0 {
		return
	}
	x, ok := k.Sim.(Exclusive)
	if !ok {
		k.t.Error("the model has a Hold, and the simulator does not implement paneltest.Exclusive")
		return
	}
	if held := x.Held(); held > k.model.Hold {
		k.t.Errorf("the keypads were locked out for %s, the model says %s at most", held, k.model.Hold)
	}
}

// proveApplyStops: the caller may stop listening after any outcome.
func proveApplyStops(k *rig) {
	s, seated := k.seated()
	var edits []panel.Edit
	for _, e := range seated {
		if k.model.Change != 0 {
			edits = append(edits, k.edit(panel.Change, e.Place, k.model.Change))
		} else {
			edits = append(edits, k.edit(panel.Change, e.Place, panel.FieldCode))
		}
	}
	for stopAt := range edits {
		k.within(bound, "Apply that is stopped", func(ctx context.Context) {
			said := 0
			for _, err := range s.Apply(ctx, edits) {
				if said++; err != nil || said > stopAt {
					break
				}
			}
		})
	}
	if k.model.Change != 0 {
		for i := range edits {
			edits[i].Unsure = edits[i].Set
		}
		k.carry(s, edits...)
	}
	k.all(s, panel.Query{All: true})
}
