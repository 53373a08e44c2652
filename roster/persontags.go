package roster

import (
	"context"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// ErrTagState: not a state that a tag can have.
var ErrTagState = fault.New(fault.Invalid, "roster: not a state of a tag").
	Hinted("A tag is active, lost, stolen, damaged or disabled.")

// TagState is what became of a tag. The zero value is a tag that works.
type TagState string

// The states of a tag.
const (
	TagActive   = TagState(rec.TagActive)
	TagLost     = TagState(rec.TagLost)
	TagStolen   = TagState(rec.TagStolen)
	TagDamaged  = TagState(rec.TagDamaged)
	TagDisabled = TagState(rec.TagDisabled)
)

// HeldTag is a tag that a person has, without its number.
type HeldTag struct {
	ID    uint64
	Label string // what is written on it
	State TagState
	Since time.Time // of the state
	// Limits are the tag's own.
	Limits Limits
}

// AddTag gives the person a tag: it is nobody else's, under the same rules and from the
// same budget as a PIN. It returns the id under which [Person.Holds] lists it.
func (p *Person) AddTag(ctx context.Context, tag panel.Tag, label string, opts ...WishOption) (uint64, error) {
	if tag.IsZero() {
		return 0, credentials.ErrTagForm
	}
	paid, err := p.reserve(ctx)
	if err != nil {
		return 0, p.op.refused(ctx, "Person.AddTag", []string{p.id}, err)
	}
	var id uint64
	err = p.change(ctx, "AddTag", options(opts).paid(paid), func(h *holding) error {
		id, err = h.addTag(tag, label)
		return err
	})
	return id, (&Tab{op: p.op}).undisclosed(ctx, err, paid)
}

func (h *holding) addTag(tag panel.Tag, label string) (uint64, error) {
	if !h.RoomForTag() {
		return 0, ErrTooManyTags
	}
	h.fields = "tags"
	return h.AddTag(tag, label, h.op.desk.o.CardFormats)
}

// SetTagState says what became of a tag. One that is not active opens nothing from the
// commit on and is taken off devices; its number goes to nobody else.
func (p *Person) SetTagState(ctx context.Context, id uint64, state TagState, opts ...WishOption) error {
	if !slices.Contains([]TagState{TagActive, TagLost, TagStolen, TagDamaged, TagDisabled}, state) {
		return ErrTagState
	}
	if state == TagActive { // that gives access
		if _, err := p.may(ctx, "AddTag"); err != nil {
			return err
		}
	}
	return p.changeTag(ctx, "SetTagState", id, opts, func(h *holding, t *flow.Held) error {
		t.State, t.StateSince = rec.TagState(state), h.Now()
		return nil
	})
}

// RemoveTag takes a tag away. Its number is free for others when no device has it any
// more; a tag that is lost is better left as [TagLost].
func (p *Person) RemoveTag(ctx context.Context, id uint64, opts ...WishOption) error {
	return p.changeTag(ctx, "RemoveTag", id, opts, func(_ *holding, t *flow.Held) error {
		t.Leave()
		return nil
	})
}

func (p *Person) changeTag(ctx context.Context, op string, id uint64, opts []WishOption, edit func(*holding, *flow.Held) error) error {
	return p.change(ctx, op, options(opts), func(h *holding) error {
		at := slices.Index(h.Owner.Tags, id)
		if at < 0 || !h.Tags[at].Given() {
			return ErrTagUnknown
		}
		h.fields = "tags"
		return edit(h, &h.Tags[at])
	})
}
