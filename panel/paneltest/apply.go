package paneltest

import (
	"context"
	"errors"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// apply carries edits out and holds the outcomes against the contract and the panel.
// The outcomes stand in the order of the edits; nil is an edit that was not worked on.
func (k *rig) apply(ctx context.Context, s panel.Session, edits ...panel.Edit) ([]*panel.Outcome, error) {
	before := k.Sim.Users()
	outs := make([]*panel.Outcome, len(edits))
	var line error
	ended := false
	for o, err := range s.Apply(ctx, slices.Clone(edits)) {
		if ended {
			k.t.Errorf("Apply goes on after its error %v", line)
			break
		}
		k.saw("an outcome", o)
		if o.Report != nil {
			k.saw("an outcome's report", *o.Report)
		}
		if err != nil {
			k.saw("Apply's error", err)
			line, ended = err, true
			continue
		}
		i := slices.IndexFunc(edits, func(e panel.Edit) bool { return e.Place == o.Place })
		switch {
		case i < 0:
			k.t.Errorf("an outcome of %s, where no edit was", o.Place)
			continue
		case outs[i] != nil:
			k.t.Errorf("a second outcome of %s", o.Place)
		}
		outs[i] = &o
	}
	k.checkLine(ctx, "Apply", line)
	k.settle()
	after := k.Sim.Users()
	for i, e := range edits {
		if outs[i] == nil && line == nil {
			k.t.Errorf("no outcome of the edit of %s, and no error", e.Place)
		}
		k.checkOutcome(before, after, e, outs[i], line)
	}
	return outs, line
}

// checkOutcome holds what a driver says of an edit against what the panel holds.
func (k *rig) checkOutcome(before, after []User, e panel.Edit, o *panel.Outcome, line error) {
	if e.Do == panel.Remove {
		e.Set = panel.FieldCode
	}
	var said panel.Outcome // the zero Outcome: nothing was sent
	if o != nil {
		said = *o
	}
	refused := panel.Field(0)
	for f, err := range said.Refused {
		k.saw("a refusal", err)
		if bits.OnesCount16(uint16(f)) != 1 {
			k.t.Errorf("%s: %q is refused, which is not a single field", e.Place, f)
		}
		if !isAny(err, []error{panel.ErrRefused, panel.ErrOccupied, panel.ErrUnsupported}) {
			k.t.Errorf("%s: the refusal of the %s, %q, wraps neither ErrRefused nor ErrOccupied nor ErrUnsupported", e.Place, f, err)
		}
		refused |= f
	}
	if said.Done&refused|said.Done&said.Unsure|refused&said.Unsure != 0 {
		k.t.Errorf("%s: done (%s), refused (%s) and unsure (%s) overlap", e.Place, said.Done, refused, said.Unsure)
	}
	all := said.Done | refused | said.Unsure
	if !e.Set.Has(all) {
		k.t.Errorf("%s: an outcome of %s, which the edit did not set", e.Place, all&^e.Set)
	}
	if said.Ticket != nil && len(said.Ticket) == 0 {
		k.t.Errorf("%s: the ticket is empty and not nil: stored and read again it is no ticket, and the job is lost", e.Place)
	}
	if o != nil && line == nil && refused == 0 && said.Ticket == nil && all != e.Set {
		k.t.Errorf("%s: nothing is said of %s, and nothing went wrong", e.Place, e.Set&^all)
	}
	was, existed := find(before, e.Place)
	is, exists := find(after, e.Place)
	if refused.Has(panel.FieldLegacyTags) { // the panel counts the tags of both kinds as one
		e.LegacyTags = nil
	}
	if refused.Has(panel.FieldLockTags) {
		e.LockTags = nil
	}
	for f := range e.Set.Each() {
		has := shows(is, exists, e, f)
		switch {
		case said.Done.Has(f) && !has:
			k.t.Errorf("%s: %s of the %s is reported done, and the panel does not show it", e.Place, e.Do, f)
		case said.Unsure.Has(f) || said.Done.Has(f):
		case has && !shows(was, existed, e, f) && !byDefault(e, f):
			k.t.Errorf("%s: %s of the %s is reported as refused or not sent, and the panel took it", e.Place, e.Do, f)
		}
	}
	if r := said.Report; r != nil {
		if r.Place != e.Place {
			k.t.Errorf("the outcome of %s reports %s", e.Place, r.Place)
		}
		if err := checkReport(k.model, *r, false); err != nil {
			k.t.Error(err)
		}
		if k.model.Lag == 0 {
			k.checkTrue(*r, after)
		}
	}
}

// byDefault reports whether a new user may have the wanted value by the panel's own rule.
func byDefault(e panel.Edit, f panel.Field) bool {
	return (e.Do == panel.Create || e.Do == panel.Replace) && f&(panel.FieldCode|panel.FieldLabel) == 0
}

// shows reports whether a user as the panel holds it has what an edit sets in one field.
func shows(u User, exists bool, e panel.Edit, f panel.Field) bool {
	if e.Do == panel.Remove || !exists {
		return (e.Do == panel.Remove) == !exists
	}
	switch f {
	case panel.FieldCode:
		return u.Code == e.Code.Reveal()
	case panel.FieldLabel:
		return u.Label == e.Label
	case panel.FieldRole:
		return u.Role == e.Role
	case panel.FieldPartitions:
		return u.Partitions == e.Partitions
	case panel.FieldLegacyTags:
		return u.Tags == len(e.LegacyTags)+len(e.LockTags)
	case panel.FieldLockTags:
		return u.Tags == len(e.LegacyTags)+len(e.LockTags)
	case panel.FieldKeypads:
		return sameSet(u.Keypads, e.Keypads)
	case panel.FieldLocks:
		return sameSet(u.Locks, e.Locks)
	case panel.FieldFrom:
		return u.Window.From.Equal(e.Window.From)
	case panel.FieldUntil:
		return u.Window.Until.Equal(e.Window.Until)
	}
	return false
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// conclude applies edits and follows their tickets, sending nothing twice. Its outcomes
// are those of the edits as a whole.
func (k *rig) conclude(ctx context.Context, s panel.Session, edits ...panel.Edit) ([]*panel.Outcome, error) {
	whole, err := k.apply(ctx, s, edits...)
	for range 60 {
		var follow []panel.Edit
		var of []int
		for i, o := range whole {
			if o != nil && o.Ticket != nil {
				e := edits[i]
				e.Set, e.Unsure, e.Ticket = o.Unsure, o.Unsure, o.Ticket
				follow, of = append(follow, e), append(of, i)
			}
		}
		if err != nil || len(follow) == 0 {
			break
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return whole, ctx.Err()
		}
		var outs []*panel.Outcome
		outs, err = k.apply(ctx, s, follow...)
		for j, o := range outs {
			if o != nil {
				o.Done |= whole[of[j]].Done
				o.Refused = merged(o.Refused, whole[of[j]].Refused)
				whole[of[j]] = o
			}
		}
	}
	return whole, err
}

func merged(a, b map[panel.Field]error) map[panel.Field]error {
	all := map[panel.Field]error{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

// carry applies edits that nothing stands against: all of each must be done.
func (k *rig) carry(s panel.Session, edits ...panel.Edit) {
	k.t.Helper()
	k.within(bound, "Apply", func(ctx context.Context) {
		outs, err := k.conclude(ctx, s, edits...)
		if err != nil {
			k.t.Errorf("Apply: %v", err)
			return
		}
		for i, e := range edits {
			if o := outs[i]; o != nil && o.Done != wanted(e) {
				k.t.Errorf("%s: %s did %s of %s; refused %v, unsure %s", e.Place, e.Do, o.Done, wanted(e), o.Refused, o.Unsure)
			}
		}
	})
	if k.t.Failed() {
		k.t.FailNow()
	}
}

// wanted is what an edit's outcome can be about.
func wanted(e panel.Edit) panel.Field {
	if e.Do == panel.Remove {
		return panel.FieldCode
	}
	return e.Set
}

// followUp is what is left to do of edits after their outcomes.
func followUp(m panel.Model, edits []panel.Edit, outs []*panel.Outcome) []panel.Edit {
	var left []panel.Edit
	for i, e := range edits {
		o := outs[i]
		if o == nil {
			left = append(left, e)
			continue
		}
		rest := wanted(e) &^ o.Done
		switch {
		case rest == 0:
			continue
		case e.Do != panel.Remove && o.Done.Has(panel.FieldCode) && m.Change.Has(rest):
			e.Do, e.Set, e.Unsure = panel.Change, rest, o.Unsure
		default:
			// A user who may have come into being keeps its whole edit.
			e.Unsure |= o.Unsure | o.Done
		}
		e.Ticket = o.Ticket
		left = append(left, e)
	}
	return left
}

// refuse applies one edit of which every field must be refused with one of the errors,
// and which must change nothing.
func (k *rig) refuse(s panel.Session, e panel.Edit, errs ...error) {
	k.t.Helper()
	before := k.Sim.Users()
	k.within(bound, "Apply", func(ctx context.Context) {
		outs, err := k.conclude(ctx, s, e)
		if err != nil || outs[0] == nil {
			k.t.Errorf("%s: %s of %s gives the line error %v, want a refusal", e.Place, e.Do, wanted(e), err)
			return
		}
		for f := range wanted(e).Each() {
			if !isAny(outs[0].Refused[f], errs) {
				k.t.Errorf("%s: %s of the %s: refused with %v, want %v", e.Place, e.Do, f, outs[0].Refused[f], errors.Join(errs...))
			}
		}
	})
	if !sameUsers(before, k.Sim.Users()) {
		k.t.Errorf("%s: %s of %s was to be refused and changed the panel", e.Place, e.Do, wanted(e))
	}
}

// unsupported applies an edit that must be refused without a byte.
func (k *rig) unsupported(s panel.Session, e panel.Edit) {
	k.t.Helper()
	k.settle()
	before := k.sent()
	k.refuse(s, e, panel.ErrUnsupported)
	if sent := k.sent() - before; sent != 0 {
		k.t.Errorf("%s: %s of %s is not supported, and %d bytes were sent", e.Place, e.Do, wanted(e), sent)
	}
}

func sameUsers(a, b []User) bool {
	return slices.EqualFunc(a, b, func(u, v User) bool {
		return u.Place == v.Place && u.Code == v.Code && u.Label == v.Label && u.Role == v.Role &&
			u.Partitions == v.Partitions && u.Tags == v.Tags && sameSet(u.Keypads, v.Keypads) &&
			sameSet(u.Locks, v.Locks) && u.Window == v.Window
	})
}
