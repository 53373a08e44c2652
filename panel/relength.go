package panel

import "slices"

// Relength takes in that the panel has rewritten its codes to another length by itself:
// nobody's code was changed by anybody. recode gives for a code of ours the one that it has
// become, zero if its digits are not known any more or are not to be had. Marks mean
// nothing any more: the next report gives new ones. A wish for a code of another length
// falls.
func (s Slot) Relength(length int, recode func(CodeRef) CodeRef) Slot {
	s = s.clone()
	become := func(c CodeRef) CodeRef {
		if !c.Ours() {
			return CodeRef{}
		}
		if c.Len != length {
			c = recode(c)
		}
		c.Mark = ""
		return c
	}
	s.Reported.Code = CodeRef{}
	s.Agreed.Code = become(s.Agreed.Code)
	for _, c := range slices.Clone(s.Sent) {
		// Whether it landed before the panel rewrote its codes, or after, is not known.
		if d := become(c); d.Ours() && !slices.ContainsFunc(s.Sent, d.Same) {
			s.Sent = append(s.Sent, d)
		}
	}
	if j := s.Job; j != nil && j.Set.Has(FieldCode) && j.Do != Remove && j.State.Code.Ours() {
		// The panel is done with codes of the other length, so the job ran before or never will.
		job := *j
		job.State.Code = become(job.State.Code)
		s.Job = &job
	}
	if s.Pending.Has(FieldCode) && s.Unsure.Has(FieldCode) && slices.ContainsFunc(s.Sent, s.Wanted.Code.Same) {
		// It may have landed: what the panel has made of it cures the doubt, the old length
		// would be refused.
		if d := become(s.Wanted.Code); d.Ours() {
			s.Wanted.Code = d
		}
	}
	if s.Pending.Has(FieldCode) && s.Wanted.Set && s.Wanted.Code.Ours() && s.Wanted.Code.Len != length && !s.Unsure.Has(FieldCode) && s.Flight == nil {
		fallen := s.Pending
		s.dropGiving()
		s.Refused = map[Field]string{}
		for f := range (fallen &^ s.Pending).Each() {
			s.Refused[f] = ErrCodeLength.Error()
		}
	}
	return s
}
