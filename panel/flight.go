package panel

import (
	"slices"
	"time"
)

// Flight is an edit that was handed to a driver.
type Flight struct {
	Do      Do     `json:"do"`
	Set     Field  `json:"set"`
	State   State  `json:"state,omitzero"`
	Tenancy uint64 `json:"tenancy"`
	Before  Field  `json:"before,omitzero"` // unsure already before this edit
	Added   bool   `json:"added,omitempty"` // its code joined Sent with it
	// AddedDuress: its duress code joined Sent with it.
	AddedDuress bool `json:"addedDuress,omitempty"`
	// AddedTags joined SentTags with it.
	AddedTags []TagRef `json:"addedTags,omitempty"`
	// Ticket names the job that the edit has become at the far end.
	Ticket []byte `json:"ticket,omitempty"`
}

// Work is the edit that a place needs now; codes are still sealed.
type Work struct {
	Do     Do
	Set    Field
	Unsure Field
	State  State
	Ticket []byte // follow this job; the rest is what it was asked for
}

// Compose says what to send now, from what is wanted now; false: nothing. A job that
// runs at the far end is followed to its end first, whatever is wanted meanwhile.
func (s Slot) Compose() (Work, bool) {
	if j := s.Job; j != nil {
		return Work{Do: j.Do, Set: j.Set, Unsure: j.Set, State: j.State, Ticket: j.Ticket}, true
	}
	if s.Pending == 0 && !s.Cure {
		return Work{}, false
	}
	if s.Removing() {
		return Work{Do: Remove, Set: FieldCode, Unsure: s.Unsure & FieldCode}, true
	}
	w := Work{Do: Change, Set: s.Pending, State: s.Wanted}
	switch {
	case s.Pending.Has(FieldCode) && !s.occupied():
		w.Do = Create
	case s.Pending.Has(FieldCode) && s.Settled != s.Tenancy:
		w.Do = Replace
	case s.Pending.Has(FieldCode) && s.Cure:
		w.Do = Replace
	}
	w.Unsure = s.Unsure & w.Set
	return w, true
}

// ComposeTaking is [Slot.Compose] for a wish that is held back: a removal stands, and a
// former holder's user goes though the new one's code has to wait.
func (s Slot) ComposeTaking() (Work, bool) {
	if s.Job != nil {
		return s.Compose()
	}
	if s.Pending.Has(FieldCode) && (!s.Wanted.Set || s.Settled != s.Tenancy && s.occupied()) {
		return Work{Do: Remove, Set: FieldCode, Unsure: s.Unsure & FieldCode}, true
	}
	return Work{}, false
}

// Dispatch notes, before the first byte leaves, that a work is on the wire. Whatever
// happens from now on, its fields are unsure until something says otherwise.
func (s Slot) Dispatch(w Work, at time.Time) Slot {
	s = s.clone()
	if w.Ticket != nil {
		f := *s.Job
		s.Flight = &f
		return s
	}
	f := &Flight{Do: w.Do, Set: w.Set, State: w.State, Tenancy: s.Tenancy, Before: s.Unsure}
	if w.Set.Has(FieldCode) && w.Do != Remove {
		f.Added = s.send(w.State.Code)
		if d := w.State.Duress; !d.Same(s.Agreed.Duress) {
			f.AddedDuress = s.send(d)
		}
	}
	if w.Do != Remove {
		f.AddedTags = s.sendTags(w.State.TagsOf(w.Set), w.Do == Replace)
	}
	if w.Do == Remove || w.Do == Replace {
		s.Clearing = true
	}
	s.Unsure |= w.Set
	s.Flight, s.SentAt = f, at
	return s
}

// Lost forgets an edit on the wire whose answer nobody will bring: its fields stay unsure.
func (s Slot) Lost() Slot {
	s = s.clone()
	s.Flight = nil
	return s
}

// Settle takes in what came of the edit on the wire; m says what its panel shows of it. A
// later report goes to [Slot.Observe].
func (s Slot) Settle(o Outcome, m Model) Slot {
	if s.Flight == nil {
		return s
	}
	s = s.clone()
	f := *s.Flight
	s.Flight, s.Job = nil, nil
	if rest := o.Unsure & f.Set; o.Ticket != nil && rest != 0 {
		job := f
		job.Set, job.Ticket = rest, o.Ticket
		s.Job = &job
	}
	var refused Field
	for one := range o.Refused {
		refused |= one
	}
	done := o.Done & f.Set &^ o.Unsure
	refused &= f.Set &^ (done | o.Unsure)
	unsent := f.Set &^ (done | refused | o.Unsure)

	// What was not sent is as sure as it was before.
	s.Unsure = s.Unsure&^unsent | f.Before&unsent
	if unsent.Has(FieldCode) {
		s.unsendAdded(f)
		if f.Do == Replace && done == 0 && o.Unsure == 0 && !f.Before.Has(FieldCode) {
			s.Clearing = false
		}
	}

	if o.Unsure.Has(FieldCode) && f.Before.Has(FieldCode) && f.Do != Remove && o.Report != nil && s.Job == nil {
		// The panel answers and the code is still in doubt: it refuses what may be its own.
		s.Cure = true
	}
	if done.Has(FieldCode) {
		s.codeDone(f, m)
	}
	s.unsendTags(f, unsent&^f.Before)
	for one := range (done &^ FieldCode).Each() {
		s.tagsDone(one, f, m)
		s.Agreed.copyField(one, f.State)
		s.settleField(one, f)
	}
	s.Unsure &^= done

	if refused.Has(FieldCode) {
		s.codeRefused(f, o)
	}
	for one := range (refused &^ FieldCode).Each() {
		if f.Before.Has(one) && (o.Report == nil || !o.Report.Known.Has(one)) {
			continue // it may have been written by an earlier edit: only a report tells
		}
		s.Unsure &^= one
		s.unsendTags(f, one&^f.Before)
		s.refuse(one, f, o.Refused[one])
	}
	s.restrict(f, done)
	return s
}

// codeDone takes in a confirmed write or removal of the code.
func (s *Slot) codeDone(f Flight, m Model) {
	old, oldDuress := s.Agreed.Code, s.Agreed.Duress
	if f.Do != Change {
		s.retireTags(f, m)
		s.Settled = f.Tenancy
		s.Agreed = State{} // the panel has reset the rest; the report tells to what
	}
	s.Cure, s.Clearing = false, false
	if f.Do == Remove {
		s.Agreed = State{Known: FieldCode}
		s.Gone = Disabled
		if s.Over {
			s.Gone = Withdrawn
		}
		s.Over = false
	} else {
		s.Agreed.Set, s.Agreed.Code, s.Agreed.Duress = true, f.State.Code, f.State.Duress
		s.Agreed.Known |= FieldCode
		s.Gone = NeverSet
	}
	if m.Sight >= Marked {
		// Only a later report shows that the old code is gone.
		if !old.Same(f.State.Code) {
			s.send(old)
		}
		if !oldDuress.Same(f.State.Duress) {
			s.send(oldDuress)
		}
		s.unsend(f.State.Code)
		s.unsend(f.State.Duress)
	} else {
		s.Sent = nil
	}
	s.settleField(FieldCode, f)
}

// settleField ends the wish for a field if it is still what the edit wrote.
func (s *Slot) settleField(one Field, f Flight) {
	if s.Pending.Has(one) && s.Tenancy == f.Tenancy && s.Wanted.equalField(one, &f.State) {
		s.drop(one)
	}
}

// codeRefused takes in a refusal of the code.
func (s *Slot) codeRefused(f Flight, o Outcome) {
	empty := o.Report != nil && !o.Report.Exists
	if f.Do == Remove {
		return // a removal stands; Unsure stays until a report says what is so
	}
	if f.Before.Has(FieldCode) && !empty {
		// The panel may hold this very code from an earlier edit and refuse its own
		// duplicate: clear the place first.
		s.Cure = true
		return
	}
	if f.Do == Replace && !empty {
		return // whether the place was cleared is not known: a report tells
	}
	if empty {
		f.Added, f.AddedDuress = true, true
	}
	s.unsendAdded(f)
	s.Unsure &^= FieldCode
	s.Cure = false
	if empty {
		s.emptied(f.Tenancy)
	}
	s.refuse(FieldCode, f, o.Refused[FieldCode])
}

// emptied notes that the panel has no user here, by our own doing.
func (s *Slot) emptied(tenancy uint64) {
	s.Agreed = State{Known: FieldCode}
	s.Sent, s.SentTags, s.Clearing, s.Cure = nil, nil, false, false
	s.Settled = tenancy
	s.Unsure &^= FieldCode
	if s.Gone == NeverSet {
		s.Gone = Disabled
	}
}

// refuse ends the wish for a field with a reason, unless it takes access away.
func (s *Slot) refuse(one Field, f Flight, why error) {
	if !s.Pending.Has(one) || s.Tenancy != f.Tenancy || !s.Wanted.equalField(one, &f.State) {
		return // another wish stands meanwhile
	}
	if s.Taking().Has(one) && one != FieldCode {
		return
	}
	text := ErrRefused.Error()
	if why != nil {
		text = why.Error()
	}
	before := s.Pending
	if one == FieldCode {
		s.dropGiving() // all that rides with the code, but for what takes access away
	} else {
		s.drop(one)
	}
	if s.Refused == nil {
		s.Refused = map[Field]string{}
	}
	for g := range (before &^ s.Pending).Each() {
		s.Refused[g] = text
	}
}

// restrict looks after a user whose code is set while what narrows it is not: it is
// repaired before anything else, and taken away again if that is refused for good.
func (s *Slot) restrict(f Flight, done Field) {
	created := f.Do == Create || f.Do == Replace
	if created && done.Has(FieldCode) && f.Set&narrowing&^done != 0 {
		s.Over = true
	}
	if !s.Over {
		return
	}
	for one := range narrowing.Each() {
		if _, no := s.Refused[one]; no {
			refused := s.Refused
			s.Wanted, s.Pending, s.Until = State{}, FieldCode, time.Time{}
			s.Tenancy++
			s.Refused = refused
			return
		}
	}
	if s.Pending&narrowing == 0 && s.Unsure&narrowing == 0 {
		s.Over = false
	}
}

// send notes that a code of ours may be live from now on, and reports whether that is news.
func (s *Slot) send(c CodeRef) bool {
	if !c.Ours() || slices.ContainsFunc(s.Sent, c.Same) {
		return false
	}
	s.Sent = append(s.Sent, c)
	return true
}

// unsendAdded takes out of Sent what joined it with an edit that never arrived.
func (s *Slot) unsendAdded(f Flight) {
	if f.Added {
		s.unsend(f.State.Code)
	}
	if f.AddedDuress {
		s.unsend(f.State.Duress)
	}
}

// unsend takes a code out of Sent.
func (s *Slot) unsend(c CodeRef) {
	s.Sent = slices.DeleteFunc(s.Sent, c.Same)
	if len(s.Sent) == 0 {
		s.Sent = nil
	}
}

// Again wishes once more for what was agreed in some fields, if the place has to be
// cleared to cure a code in doubt: clearing resets them, and the holder stays the same.
// Call it after [Slot.Settle], with the fields that the panel takes with a new code.
func (s Slot) Again(f Field) Slot {
	if !s.Cure {
		return s
	}
	s = s.clone()
	again := s.Agreed.Known & (FieldLabel | narrowing | s.KnownTags()) & f &^ s.Pending
	for one := range again.Each() {
		s.Wanted.copyField(one, s.Agreed)
	}
	s.Pending |= again
	return s
}
