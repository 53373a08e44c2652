package roster

import (
	"context"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// MaxTags bounds the tags of one kind that a user can be given.
const MaxTags = flow.MaxTags

// maxHeld bounds the tags of both kinds that are held for a user, those included that are
// on their way off: all their names, under the keys of two epochs, are let go of in one
// change.
const maxHeld = 12

// Errors of tags.
var (
	// ErrTooManyTags: the user has [MaxTags] of this kind, or too many of both.
	ErrTooManyTags = fault.New(fault.Precondition, "roster: the user has too many tags").
			Hinted("Remove a tag that is no longer used first.")
	// ErrTagUnknown: the user has no such tag.
	ErrTagUnknown = fault.New(fault.NotFound, "roster: no such tag").
			Hinted("Look at the user's tags again; somebody may have removed it.")
	// ErrTagsElsewhere: the user has tags that were enrolled at the panel. Panels take all
	// tags of a user at once, so writing ours would take those away unseen.
	ErrTagsElsewhere = fault.New(fault.Conflict, "roster: the user has tags that were enrolled at the panel").
				Hinted("Remove them at the panel first, or set a new code for the user and give all tags anew.")
)

// AddTag gives a user one more tag of a kind, [panel.FieldLegacyTags] or
// [panel.FieldLockTags]. A tag is nobody else's, under the same rules as a code: it is
// refused with [credentials.ErrNotAvailable] if it cannot be had, and paid from the same
// budget. Its number is sealed and kept for as long as the user has it, because panels
// take all tags of a user at once.
func (t *Tab) AddTag(ctx context.Context, place panel.Place, kind panel.Field, tag panel.Tag, opts ...WishOption) (Receipt, error) {
	if t.err != nil {
		return Receipt{}, t.err
	}
	paid, err := t.reserve(ctx)
	if err != nil {
		return Receipt{}, t.op.refused(ctx, "AddTag", []string{t.id}, err)
	}
	r, err := t.setTags(ctx, "AddTag", place, kind, options(opts).paid(paid), func(d *decision, have []panel.TagRef) ([]panel.TagRef, error) {
		if tag.IsZero() {
			return nil, credentials.ErrTagForm
		}
		ref, err := d.sealTag(kind, tag)
		switch {
		case err != nil:
			return nil, err
		case slices.ContainsFunc(have, func(h panel.TagRef) bool { return h.Same(ref.CodeRef) }):
			return have, nil // it has it already
		case len(have) >= MaxTags, held(d.user.Slot) >= maxHeld:
			return nil, ErrTooManyTags
		}
		return append(have, ref), nil
	})
	if isTaken(err) {
		err = credentials.ErrCodeTaken
	}
	return r, t.undisclosed(ctx, err, paid)
}

// held counts the tags of both kinds that are held for a user.
func held(s panel.Slot) int {
	var all []panel.TagRef
	for _, list := range [][]panel.TagRef{s.Agreed.TagRefs, s.SentTags, s.Wanted.TagsOf(s.Pending)} {
		for _, t := range list {
			if t.Ours() && !slices.ContainsFunc(all, func(u panel.TagRef) bool { return u.Field == t.Field && u.Same(t.CodeRef) }) {
				all = append(all, t)
			}
		}
	}
	return len(all)
}

// RemoveTag takes one of a user's tags away, by the id under which [Tab.Details] lists it.
// The wish stands until the panel has carried it out.
func (t *Tab) RemoveTag(ctx context.Context, place panel.Place, kind panel.Field, id uint64, opts ...WishOption) (Receipt, error) {
	return t.setTags(ctx, "RemoveTag", place, kind, options(opts), func(_ *decision, have []panel.TagRef) ([]panel.TagRef, error) {
		at := slices.IndexFunc(have, func(h panel.TagRef) bool { return h.ID == id })
		if at < 0 {
			return nil, ErrTagUnknown
		}
		return slices.Delete(have, at, at+1), nil
	})
}

// setTags is a wish about all tags of one kind, made from those that are wanted now.
func (t *Tab) setTags(ctx context.Context, name string, place panel.Place, kind panel.Field, o wishOptions, change func(*decision, []panel.TagRef) ([]panel.TagRef, error)) (Receipt, error) {
	act := panel.EditLegacyTags
	if kind == panel.FieldLockTags {
		act = panel.EditLockTags
	}
	return t.edit(ctx, name, place, act, audit.UserTagsChanged, o, func(d *decision, w *panel.Wish) ([]flow.Field, error) {
		if kind != act.Field() {
			return nil, panel.ErrTagsUnsupported
		}
		have := &d.user.Agreed
		if d.user.Pending.Has(kind) {
			have = &d.user.Wanted
		}
		tags := slices.Clone(have.TagsOf(kind))
		if have.Tags > len(tags) || slices.ContainsFunc(tags, func(h panel.TagRef) bool { return !h.Ours() }) {
			return nil, ErrTagsElsewhere
		}
		before := len(tags)
		tags, err := change(d, tags)
		if err != nil {
			return nil, err
		}
		w.Set, w.State.TagRefs = kind, tags
		return []flow.Field{flow.F(audit.FieldTagsCountBefore, number(before)), flow.F(audit.FieldTagsCount, number(len(tags)))}, nil
	})
}

// sealTag makes what the store keeps of a tag: names to claim and the sealed number.
func (d *decision) sealTag(kind panel.Field, tag panel.Tag) (panel.TagRef, error) {
	core := d.tab.core()
	d.user.Codes++
	ref := panel.TagRef{Field: kind, CodeRef: panel.CodeRef{ID: d.user.Codes, Len: tag.Bits()}}
	var err error
	if ref.Names, err = tagNames(core.Keys, d.tab.id, tag); err != nil {
		return ref, err
	}
	ref.Mark = ref.Names[0]
	ref.Sealed, err = credentials.SealTag(core.Keys, tagBinding(d.id, ref.ID), tag)
	return ref, err
}

func tagBinding(userID string, gen uint64) credentials.Binding {
	return rec.UserBinding(userID, rec.TagSealed, gen)
}

// tagNames are the names that a tag has on a panel: of each of its forms, under each key.
func tagNames(keys credentials.Sealer, panelID string, tag panel.Tag) ([]string, error) {
	var names []string
	for _, m := range credentials.TagMaterials(tag) {
		more, err := credentials.Names(keys, panelScope(panelID), m)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

// seenTags are the tags of a report, by their names alone, and not more of them than
// anybody needs.
func (d *Desk) seenTags(panelID string, r panel.Report) ([]panel.TagRef, error) {
	var out []panel.TagRef
	for _, list := range []struct {
		kind panel.Field
		tags []panel.Tag
	}{{panel.FieldLegacyTags, r.LegacyTags}, {panel.FieldLockTags, r.LockTags}} {
		for _, tag := range list.tags[:min(len(list.tags), 4*MaxTags)] {
			names, err := tagNames(d.core.Keys, panelID, tag)
			if err != nil {
				return nil, err
			}
			out = append(out, panel.TagRef{Field: list.kind, CodeRef: panel.CodeRef{Names: names, Mark: names[0]}})
		}
	}
	return out, nil
}

// openTags opens the numbers of tags that have to be written, each the one that was claimed.
func (d *Desk) openTags(panelID, userID string, refs []panel.TagRef) ([]panel.Tag, error) {
	var out []panel.Tag
	for _, ref := range refs {
		tag, err := credentials.OpenNamedTag(d.opener, d.core.Keys, tagBinding(userID, ref.ID), ref.Sealed, panelScope(panelID), ref.Names)
		if err != nil {
			return nil, err
		}
		out = append(out, tag)
	}
	return out, nil
}
