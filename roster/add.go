package roster

import (
	"context"
	"errors"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Add sets a code at a place of its own: the first free slot, or a new id on panels whose
// users have ids. The receipt says which. It is refused like [Tab.SetCode], and with
// [panel.ErrNoFreeSlot] if every slot has a user or a wish for one.
func (t *Tab) Add(ctx context.Context, w CodeWish, opts ...WishOption) (Receipt, error) {
	p, err := t.peek(ctx, "Add")
	if err != nil {
		return Receipt{}, err
	}
	paid, err := t.reserve(ctx)
	if err != nil {
		return Receipt{}, t.op.refused(ctx, "Add", []string{t.id}, err)
	}
	o := options(opts).paid(paid)
	o.vacant = true
	if p.Model.Slots.Len() == 0 {
		r, err := t.setCode(ctx, "Add", panel.Place{ID: flow.NewID()}, w, o, nil)
		return r, t.undisclosed(ctx, err, paid)
	}
	// The list only proposes: whether a slot is free is decided, and checked, with the wish.
	used, err := t.used(ctx)
	for slot := p.Model.Slots.First; err == nil && slot <= p.Model.Slots.Last; slot++ {
		place := panel.Place{Slot: slot}
		if used[place] || slot == p.Model.MasterSlot || p.Model.CheckPlace(place) != nil {
			continue
		}
		r, err := t.setCode(ctx, "Add", place, w, o, nil)
		if !errors.Is(err, errNotVacant) {
			return r, t.undisclosed(ctx, err, paid)
		}
	}
	if err == nil {
		err = panel.ErrNoFreeSlot
	}
	return Receipt{}, t.undisclosed(ctx, t.op.refused(ctx, "Add", []string{t.id}, err), paid)
}

// errNotVacant: somebody took the slot meanwhile.
var errNotVacant = fault.New(fault.Conflict, "roster: the slot is not vacant")

// used lists the places that have a user, had one that may still open, or await one, also
// one who was on the hardware before.
func (t *Tab) used(ctx context.Context) (map[panel.Place]bool, error) {
	users, err := t.users(ctx)
	if err != nil {
		return nil, err
	}
	used := map[panel.Place]bool{}
	for _, u := range users {
		if !vacant(u) {
			used[u.Place] = true
		}
	}
	return used, nil
}

func vacant(u rec.User) bool {
	return !u.Exists() && u.Idle() && len(u.Sent)+len(u.SentTags) == 0 && u.CurrentLink() == nil && u.Carry == nil
}
