package panel

import (
	"bytes"
	"slices"
)

// Still reports whether taking in g would find nothing and change nothing: nothing is
// wished or in doubt, the panel says what it said before, and that is what was agreed.
// Most of a full read is so; whoever reconciles many slots asks this first and
// [Slot.Observe] only where it says no. It allocates nothing.
//
// It may say no where Observe would change nothing either, never the other way round. A
// user that nobody here set is a finding each time.
func (s *Slot) Still(g *Sighting) bool {
	if s.Pending|s.Unsure != 0 || s.Flight != nil || len(s.Sent)+len(s.SentTags) != 0 || s.Clearing || s.Cure || s.Over ||
		s.Settled != s.Tenancy || s.Agreed.Set != g.State.Set || g.Changed || !s.Reported.equal(&g.State) {
		return false
	}
	if !g.State.Set {
		return s.Agreed.equal(&State{Known: FieldCode})
	}
	seen := g.State.Known & visible
	return s.codeStill(g) && s.Agreed.Known.Has(seen) && (s.Agreed.equalVisible(&g.State) || s.Agreed.equalFields(seen, &g.State))
}

// codeStill reports whether the code is the agreed one, as far as the panel shows it.
func (s *Slot) codeStill(g *Sighting) bool {
	ours, seen := &s.Agreed.Code, &g.State.Code
	switch g.Sight {
	case Value:
		return ours.Same(*seen) || !ours.Ours() && ours.Mark == seen.Mark
	case Marked:
		return ours.Mark == seen.Mark
	}
	return true
}

// equalFields reports whether some fields are the same in both.
func (s *State) equalFields(fs Field, t *State) bool {
	for r := fs; r != 0; r &= r - 1 {
		if !s.equalField(r&-r, t) {
			return false
		}
	}
	return true
}

// equal reports whether both say the same in every respect.
func (s *State) equal(t *State) bool {
	return s.Set == t.Set && s.Known == t.Known && s.Code.equal(&t.Code) && s.equalVisible(t)
}

// equalVisible is equalFields of everything but the code, written out because it runs for
// every slot of a full read.
func (s *State) equalVisible(t *State) bool {
	return s.Label == t.Label && s.Role == t.Role && s.Partitions == t.Partitions && s.Tags == t.Tags &&
		slices.EqualFunc(s.TagRefs, t.TagRefs, TagRef.equal) &&
		slices.Equal(s.Keypads, t.Keypads) && slices.Equal(s.Locks, t.Locks) &&
		s.Window.From.Equal(t.Window.From) && s.Window.Until.Equal(t.Window.Until) && s.Window.Revoked == t.Window.Revoked
}

func (t TagRef) equal(u TagRef) bool { return t.Field == u.Field && t.CodeRef.equal(&u.CodeRef) }

// equal reports whether both are the same in every respect.
func (c *CodeRef) equal(d *CodeRef) bool {
	return c.ID == d.ID && c.Len == d.Len && c.Mark == d.Mark && slices.Equal(c.Names, d.Names) &&
		c.Sealed.KeyID == d.Sealed.KeyID && bytes.Equal(c.Sealed.Bytes, d.Sealed.Bytes)
}
