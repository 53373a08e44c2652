package roster

import (
	"context"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// judgePerson says what the single operations would say. Whether somebody else has the
// code or tag is looked up only for those who may know, as in [Tab.Import].
func (op *Operator) judgePerson(ctx context.Context, r PersonRow, inFile given, knows bool) error {
	p := op.Person(r.Account)
	g, err := p.allowed(ctx, r)
	if err != nil {
		return err
	}
	_, err = p.core().Act(ctx, op.actor, func(u *flow.Unit) error {
		h, err := p.load(u, g)
		if err != nil {
			return err
		}
		h.Blind = !knows
		if _, err := h.give(r); err != nil {
			return err
		}
		if h.Refused {
			return credentials.ErrNotAvailable
		}
		return errJudged
	})
	if err := judged(err); err != nil {
		return err
	}
	pin, tag, err := op.claims(r)
	if err != nil {
		return err
	}
	if !inFile.free(giving{r.Account, false}, pin) || !inFile.free(giving{r.Account, true}, tag) {
		return credentials.ErrCodeTaken
	}
	inFile.add(giving{r.Account, false}, pin)
	inFile.add(giving{r.Account, true}, tag)
	if !knows {
		return nil
	}
	return op.free(ctx, r.Account, slices.Concat(pin.Hold, tag.Hold), pin.Reserve)
}

// free reports [credentials.ErrCodeTaken] if a person could not claim the names now.
func (op *Operator) free(ctx context.Context, account accounts.ID, hold, keep []string) error {
	var names []store.Name
	for _, n := range slices.Concat(hold, keep) {
		names = append(names, store.Name(n))
	}
	held, err := op.desk.core.Store.Holders(ctx, names...)
	if err != nil {
		return err
	}
	for i, h := range held {
		claim := store.Claim{Name: h.Name, Holder: string(account), Reserve: i >= len(hold)}
		if _, err := claim.On(h, op.desk.core.Time()); err != nil {
			return credentials.ErrCodeTaken
		}
	}
	return nil
}

// giving is what a row before gives: a PIN or a tag.
type giving struct {
	account accounts.ID
	tag     bool
}

// given is what the rows before give, by the names that it claims and keeps from others.
type given struct{ held, kept map[string][]giving }

// free reports whether a row can have its claim beside the rows before. A person's PIN may
// come again, with another tag.
func (g given) free(own giving, c credentials.Claim) bool {
	others := func(list []giving) bool {
		return slices.ContainsFunc(list, func(o giving) bool { return o != own || own.tag })
	}
	for _, n := range c.Hold {
		if others(g.held[n]) || others(g.kept[n]) {
			return false
		}
	}
	return !slices.ContainsFunc(c.Reserve, func(n string) bool { return others(g.held[n]) })
}

func (g given) add(own giving, c credentials.Claim) {
	for _, n := range c.Hold {
		g.held[n] = append(g.held[n], own)
	}
	for _, n := range c.Reserve {
		g.kept[n] = append(g.kept[n], own)
	}
}
