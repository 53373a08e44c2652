package roster

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ErrNoPIN: the person has no PIN.
var ErrNoPIN = fault.New(fault.Precondition, "roster: the person has no PIN").
	Hinted("Set a PIN first.")

// Person is what somebody is let in with, kept with the account and carried to every
// device on which rules give them rights. It is cheap and safe for concurrent use.
type Person struct {
	op *Operator
	id string
}

// Person opens the credentials of an account.
func (op *Operator) Person(id accounts.ID) *Person { return &Person{op: op, id: string(id)} }

func (p *Person) core() *flow.Core { return p.op.desk.core }

// SetPIN sets or changes the PIN. It is nobody else's, neither as a PIN nor as a duress PIN
// nor as a tag's number: else it is refused with [credentials.ErrNotAvailable], and paid
// from the same budget as the codes of panels. The old PIN stays claimed until no device
// has it.
func (p *Person) SetPIN(ctx context.Context, c panel.Code, opts ...WishOption) error {
	return p.setCode(ctx, "SetPIN", rec.PIN, c, options(opts))
}

// SetDuressPIN sets or changes the code that says that its holder is forced. It has as
// many digits as the PIN and lies apart from it. Doors that are decided here always take
// it; devices get it where they tell who opens them and somebody listens, never as an
// ordinary code: [Person.DuressPoints] says where it does not work. Nothing tells whether
// there is one: it is refused like a PIN, and the log says of both the same.
func (p *Person) SetDuressPIN(ctx context.Context, c panel.Code, opts ...WishOption) error {
	return p.setCode(ctx, "SetDuressPIN", rec.DuressPIN, c, options(opts))
}

// GeneratePIN draws a PIN of so many digits that is free and not easy to guess, and sets
// it. The code is returned once and is nowhere else to be had.
func (p *Person) GeneratePIN(ctx context.Context, digits int, opts ...WishOption) (panel.Code, error) {
	return flow.Draw(digits, p.op.desk.o.Codes, func(c panel.Code) error {
		return p.change(ctx, "GeneratePIN", options(opts), func(h *holding) error { return h.setCode(rec.PIN, c) })
	})
}

// RemovePIN takes the PIN and the duress PIN away. Devices are told at once.
func (p *Person) RemovePIN(ctx context.Context, opts ...WishOption) error {
	return p.change(ctx, "RemovePIN", options(opts), func(h *holding) error {
		h.PIN.Leave()
		h.Duress.Leave()
		return nil
	})
}

// SetWindow says when the PIN is good, in whole seconds, within the window of the account.
func (p *Person) SetWindow(ctx context.Context, w credentials.Window, opts ...WishOption) error {
	return p.change(ctx, "SetWindow", options(opts), func(h *holding) error { return h.setWindow(w) })
}

func (h *holding) setWindow(w credentials.Window) error {
	if !h.PIN.Given() {
		return ErrNoPIN
	}
	h.PIN.Window = w.Whole()
	return h.PIN.Window.Validate()
}

func (p *Person) setCode(ctx context.Context, name string, kind rec.CredentialKind, c panel.Code, o wishOptions) error {
	paid, err := p.reserve(ctx)
	if err != nil {
		return p.op.refused(ctx, "Person."+name, []string{p.id}, err)
	}
	err = p.change(ctx, name, o.paid(paid), func(h *holding) error { return h.setCode(kind, c) })
	return (&Tab{op: p.op}).undisclosed(ctx, err, paid)
}

// reserve takes an answer about a chosen code from the budget, see [Tab.reserve].
func (p *Person) reserve(ctx context.Context) ([]store.Count, error) {
	may := func(op string) bool { return p.core().Allowed(ctx, p.op.actor, op, "") == nil }
	if may("roster.Collisions") || !may("roster.Person.SetPIN") {
		return nil, nil
	}
	counts := (&Tab{op: p.op}).budget()
	_, err := p.core().Act(ctx, p.op.actor, func(u *flow.Unit) error {
		for _, c := range counts {
			u.Do(c)
		}
		return nil
	})
	if errors.Is(err, store.ErrLimit) {
		return nil, ErrCollisionBudget
	}
	for i := range counts {
		counts[i].By = -1
	}
	return counts, err
}

// change loads what a person has, edits it and stores it with its claims, all in one
// commit; then it lets devices follow.
func (p *Person) change(ctx context.Context, name string, o wishOptions, edit func(h *holding) error) error {
	g, err := p.may(ctx, name)
	if err != nil {
		return err
	}
	refused := false
	_, err = p.core().Act(ctx, p.op.actor, func(u *flow.Unit) error {
		h, err := p.load(u, g)
		if err != nil {
			return err
		}
		h.Blind, h.fields = o.blind, "PIN"
		if err := edit(h); err != nil {
			return err
		}
		refused = h.Refused
		return h.write(o)
	})
	switch {
	case err == nil:
		p.op.desk.follow(ctx, p.id)
		return nil
	case refused:
		err = credentials.ErrNotAvailable
	case isTaken(err):
		err = credentials.ErrCodeTaken
	}
	return p.op.refusedAs(ctx, "Person."+name, []string{p.id}, err, unsaid(err))
}

// Holds is what a person has, without what nobody is told.
type Holds struct {
	PIN     bool // is set
	Changed time.Time
	Window  credentials.Window
	Limits  Limits // of the PIN
	Tags    []HeldTag
	Ended   time.Time // taken off every device since then, zero: not
}

// Holds shows what the person has.
func (p *Person) Holds(ctx context.Context) (Holds, error) {
	var out Holds
	g, err := p.may(ctx, "Holds")
	if err != nil {
		return out, err
	}
	_, err = p.core().Act(ctx, p.op.actor, func(u *flow.Unit) error {
		h, err := p.load(u, g)
		if err != nil {
			return err
		}
		out = Holds{PIN: h.PIN.Given(), Changed: h.PIN.Changed, Window: h.PIN.Window, Limits: limitsOf(h.PIN.Credential)}
		for _, t := range h.Tags {
			if t.Given() { // else it is on its way off
				out.Tags = append(out.Tags, HeldTag{ID: t.Generation, Label: t.Label, State: TagState(t.State), Since: t.StateSince, Limits: limitsOf(t.Credential)})
			}
		}
		if h.Owner.Ended != nil {
			out.Ended = h.Owner.Ended.At
		}
		return nil
	})
	return out, err
}

// may asks a right about a person, at any of the operator's sites.
func (p *Person) may(ctx context.Context, name string) (accounts.Grant, error) {
	g, err := p.core().Authority.Grant(ctx, p.op.actor)
	if err != nil {
		return g, err
	}
	if err := p.core().Allowed(ctx, p.op.actor, "roster.Person."+name, ""); err != nil {
		return g, p.op.refused(ctx, "Person."+name, []string{p.id}, err)
	}
	return g, nil
}

// holding is a decision about what a person has, with what is said of it.
type holding struct {
	*flow.Holding
	op     *Operator
	fields string // what changed, in words that do not tell a duress PIN
}

// load reads the person and what they have. Of nobody at the operator's sites it answers
// not found.
func (p *Person) load(u *flow.Unit, g accounts.Grant) (*holding, error) {
	who, err := p.op.desk.someone(u, p.id)
	if err != nil {
		return nil, err
	}
	if !g.Sites.All() && !g.Sites.Overlaps(who.Sites) {
		return nil, accounts.ErrAccountNotFound
	}
	h, err := flow.HoldingOf(u, p.id)
	if err != nil {
		return nil, err
	}
	h.Codes = p.op.desk.o.Codes
	return &holding{Holding: h, op: p.op}, nil
}

// someone finds a person for a decision; keyholder's own accounts are checked again by
// the commit.
func (d *Desk) someone(u *flow.Unit, id string) (accounts.Person, error) {
	if own, ok := d.people.(*flow.Accounts); ok {
		return own.Bind(u, accounts.ID(id))
	}
	return d.people.Person(u.Context(), accounts.ID(id))
}

// setCode gives a new value to the PIN or the duress PIN.
func (h *holding) setCode(kind rec.CredentialKind, c panel.Code) error {
	if kind == rec.DuressPIN && !h.PIN.Given() {
		return ErrNoPIN
	}
	if err := h.op.consented(h.Unit, h.Account); err != nil {
		return err
	}
	return h.SetCode(kind, c)
}

// write stores what the person has and says so, and settles what was reserved for it.
func (h *holding) write(o wishOptions) error {
	for _, c := range o.back {
		if h.Refused {
			c.By, c.Max = 1, 0 // no store lets this pass
		}
		h.Do(c)
	}
	return h.Write(h.fields, o.reason)
}
