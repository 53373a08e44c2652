package panel

import "slices"

// TagRef is a tag of one kind as the slot machine sees it. The rule for codes holds for
// tags: one that may open the panel because of us is never free.
type TagRef struct {
	Field Field `json:"field"` // [FieldLegacyTags] or [FieldLockTags]
	CodeRef
}

// tagFields are the kinds of tags.
const tagFields = FieldLegacyTags | FieldLockTags

// like reports whether both are one tag, as far as names and marks tell.
func (t TagRef) like(u TagRef) bool {
	return t.Field == u.Field && (t.Same(u.CodeRef) || t.Mark != "" && t.Mark == u.Mark)
}

func among(list []TagRef, t TagRef) bool { return slices.ContainsFunc(list, t.like) }

// claimed reports whether a list holds a claim to a tag, and does not only name it.
func claimed(list []TagRef, t TagRef) bool {
	return slices.ContainsFunc(list, func(u TagRef) bool { return u.Ours() && u.like(t) })
}

// TagsOf lists the tags of some kinds whose numbers are known.
func (s *State) TagsOf(f Field) []TagRef {
	if f&tagFields == 0 || len(s.TagRefs) == 0 {
		return nil
	}
	var out []TagRef
	for _, t := range s.TagRefs {
		if f.Has(t.Field) {
			out = append(out, t)
		}
	}
	return out
}

// TagCount is the number of tags of one kind. Where numbers are hidden, kinds cannot be
// told apart.
func (s *State) TagCount(f Field) int {
	if s.Tags > 0 {
		return s.Tags
	}
	return len(s.TagsOf(f))
}

// copyTags makes the tags of one kind those of t.
func (s *State) copyTags(f Field, t State) {
	kept := slices.DeleteFunc(slices.Clone(s.TagRefs), func(r TagRef) bool { return r.Field == f })
	s.TagRefs, s.Tags = append(kept, t.TagsOf(f)...), t.Tags
	if len(s.TagRefs) == 0 {
		s.TagRefs = nil
	}
}

// sameTags compares tags of one kind: by number where both sides know them, else by count.
func (s *State) sameTags(f Field, t *State) bool {
	if s.Tags > 0 || t.Tags > 0 {
		return s.TagCount(f) == t.TagCount(f)
	}
	mine, other := s.TagsOf(f), t.TagsOf(f)
	return len(mine) == len(other) && !slices.ContainsFunc(mine, func(r TagRef) bool { return !among(other, r) })
}

// tells reports whether a report shows what was written to a field, not only how much.
func (s *State) tells(f Field) bool { return f&tagFields == 0 || s.Tags == 0 }

// unclaimed is what was seen, without a claim to any of it.
func (s State) unclaimed() State {
	s.Code = CodeRef{Mark: s.Code.Mark}
	s.TagRefs = slices.Clone(s.TagRefs)
	for i, t := range s.TagRefs {
		s.TagRefs[i] = TagRef{Field: t.Field, CodeRef: CodeRef{Mark: t.Mark}}
	}
	return s
}

// adoptable is what a report shows, with a claim only to tags that were ours before.
func (s *Slot) adoptable(r State) State {
	r = r.unclaimed()
	for i, t := range r.TagRefs {
		for _, ours := range [][]TagRef{s.Agreed.TagRefs, s.SentTags} {
			if at := slices.IndexFunc(ours, t.like); at >= 0 {
				r.TagRefs[i] = ours[at]
			}
		}
	}
	return r
}

// KnownTags are the kinds of tags that can be written again: all their numbers are ours.
func (s *Slot) KnownTags() Field {
	known := tagFields
	if s.Agreed.Tags > 0 {
		return 0
	}
	for _, t := range s.Agreed.TagRefs {
		if !t.Ours() {
			known &^= t.Field
		}
	}
	return known
}

// sendTags notes tags that are about to leave; it returns those that may not have been
// live before, which is all of them where the place is cleared first.
func (s *Slot) sendTags(tags []TagRef, cleared bool) (added []TagRef) {
	for _, t := range tags {
		if t.Ours() && (cleared || !claimed(s.Agreed.TagRefs, t)) && !among(s.SentTags, t) {
			added = append(added, t)
		}
	}
	s.SentTags = append(s.SentTags, added...)
	return added
}

// unsendTags takes back what joined with an edit of which these fields never arrived.
func (s *Slot) unsendTags(f Flight, fields Field) {
	s.forget(func(t TagRef) bool { return fields.Has(t.Field) && among(f.AddedTags, t) })
}

func (s *Slot) forget(which func(TagRef) bool) {
	s.SentTags = slices.DeleteFunc(s.SentTags, which)
	if len(s.SentTags) == 0 {
		s.SentTags = nil
	}
}

// shown reports whether this panel shows the numbers of a kind of tags.
func (s *Slot) shown(f Field, m Model) bool { return m.Read.Has(f) && s.Reported.Tags == 0 }

// tagsDone takes in a confirmed write of one kind of tags. Where the panel shows numbers,
// only a later report frees those that went; elsewhere the confirmation does.
func (s *Slot) tagsDone(f Field, flight Flight, m Model) {
	if f&tagFields == 0 {
		return
	}
	now := flight.State.TagsOf(f)
	if !s.shown(f, m) {
		s.forget(func(t TagRef) bool { return t.Field == f })
		return
	}
	s.forget(func(t TagRef) bool { return among(now, t) })
	for _, t := range s.Agreed.TagsOf(f) {
		if t.Ours() && !among(now, t) && !among(s.SentTags, t) {
			s.SentTags = append(s.SentTags, t)
		}
	}
}

// retireTags takes in that an edit has cleared the place, and all tags of its holder with
// it. Those that the same edit has sent may be live since.
func (s *Slot) retireTags(flight Flight, m Model) {
	for f := range tagFields.Each() {
		if s.shown(f, m) {
			s.tagsDone(f, Flight{}, m)
			continue
		}
		sent := flight.State.TagsOf(flight.Set & f)
		s.forget(func(t TagRef) bool { return t.Field == f && !among(sent, t) })
	}
}

// tagsSeen frees tags that a report shows gone.
func (s *Slot) tagsSeen(f Field, r State) {
	if f&tagFields == 0 || r.Tags > 0 {
		return
	}
	s.forget(func(t TagRef) bool {
		return t.Field == f && (!among(r.TagRefs, t) || claimed(s.Agreed.TagRefs, t))
	})
}

// fewerTags adopts that tags of one kind were taken away at the panel. It reports whether
// any were, and whether others appeared.
func (s *Slot) fewerTags(f Field, r State) (less, others bool) {
	mine, seen := s.Agreed.TagsOf(f), r.TagsOf(f)
	if r.Tags > 0 || len(mine) == 0 {
		if r.TagCount(f) >= s.Agreed.TagCount(f) {
			return false, true
		}
		if r.Tags > 0 {
			s.Agreed.Tags = r.Tags // which of them went is not known: all stay claimed
		} else {
			s.Agreed.copyTags(f, s.adoptable(r))
		}
		return true, false
	}
	kept := slices.DeleteFunc(slices.Clone(mine), func(t TagRef) bool { return !among(seen, t) })
	if len(kept) == len(mine) {
		return false, true
	}
	s.Agreed.copyTags(f, State{TagRefs: kept})
	return true, len(seen) > len(kept)
}

// givesTags reports whether a pending wish brings a tag that was not agreed.
func (s *Slot) givesTags(f Field) bool {
	return slices.ContainsFunc(s.Wanted.TagsOf(f), func(t TagRef) bool { return !among(s.Agreed.TagRefs, t) })
}

// takesTags reports whether a pending wish takes a tag away.
func (s *Slot) takesTags(f Field) bool {
	agreed := s.Agreed.TagsOf(f)
	if len(agreed) == 0 {
		return s.Agreed.Tags > 0
	}
	return slices.ContainsFunc(agreed, func(t TagRef) bool { return !among(s.Wanted.TagRefs, t) })
}

// keepTaking leaves of a pending wish for tags only what it takes away, and reports
// whether that is anything.
func (s *Slot) keepTaking(f Field) bool {
	if !s.takesTags(f) {
		return false
	}
	rest := slices.DeleteFunc(s.Wanted.TagsOf(f), func(t TagRef) bool { return !among(s.Agreed.TagRefs, t) })
	s.Wanted.copyTags(f, State{TagRefs: rest})
	return true
}
