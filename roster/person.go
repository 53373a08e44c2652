package roster

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
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
// many digits as the PIN and lies apart from it. It is kept for doors that are decided
// here and is not written to devices. Nothing tells whether there is one: it is refused
// like a PIN, and the log says of both the same.
func (p *Person) SetDuressPIN(ctx context.Context, c panel.Code, opts ...WishOption) error {
	return p.setCode(ctx, "SetDuressPIN", rec.DuressPIN, c, options(opts))
}

// GeneratePIN draws a PIN of so many digits that is free and not easy to guess, and sets
// it. The code is returned once and is nowhere else to be had.
func (p *Person) GeneratePIN(ctx context.Context, digits int, opts ...WishOption) (panel.Code, error) {
	for range 50 {
		c, err := credentials.Generate(nil, digits, p.op.desk.o.Codes, nil)
		if err != nil {
			return panel.Code{}, err
		}
		err = p.change(ctx, "GeneratePIN", options(opts), func(h *holding) error { return h.setCode(rec.PIN, c) })
		switch {
		case err == nil:
			return c, nil
		case !errors.Is(credentials.Undisclosed(err), credentials.ErrNotAvailable):
			return panel.Code{}, err
		}
	}
	return panel.Code{}, credentials.ErrExhausted
}

// RemovePIN takes the PIN and the duress PIN away. Devices are told at once.
func (p *Person) RemovePIN(ctx context.Context, opts ...WishOption) error {
	return p.change(ctx, "RemovePIN", options(opts), func(h *holding) error {
		h.pin.leave()
		h.duress.leave()
		return nil
	})
}

// SetWindow says when the PIN is good, within the window of the account.
func (p *Person) SetWindow(ctx context.Context, w credentials.Window, opts ...WishOption) error {
	return p.change(ctx, "SetWindow", options(opts), func(h *holding) error {
		if !h.pin.given() {
			return ErrNoPIN
		}
		h.pin.Window = w
		return w.Validate()
	})
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
		h := &holding{Unit: u, person: p, options: o, fields: "PIN"}
		if err := h.load(g); err != nil {
			return err
		}
		if err := edit(h); err != nil {
			return err
		}
		refused = h.refused
		return h.write()
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
		h := &holding{Unit: u, person: p}
		if err := h.load(g); err != nil {
			return err
		}
		out = Holds{PIN: h.pin.given(), Changed: h.pin.Changed, Window: h.pin.Window}
		for _, t := range h.tags {
			if t.given() { // else it is on its way off
				out.Tags = append(out.Tags, HeldTag{ID: t.Generation, Label: t.Label, State: TagState(t.State), Since: t.StateSince})
			}
		}
		if h.owner.Ended != nil {
			out.Ended = h.owner.Ended.At
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

// holding is a decision about what a person has.
type holding struct {
	*flow.Unit
	person  *Person
	options wishOptions
	owner   rec.Projection
	pin     credential
	duress  credential
	tags    []credential
	fields  string // what changed, in words that do not tell a duress PIN
	refused bool   // the code is not available, and whoever asks may not know why
}

// credential is one of them, with what it claimed before.
type credential struct {
	rec.Credential
	id     string
	before map[string]bool
}

func (c *credential) given() bool { return !c.Sealed.IsZero() }

// leave takes the value away; its names stay claimed until no device has it.
func (c *credential) leave() {
	c.Leaving = append(slices.Clone(c.Leaving), c.Names...)
	c.Names, c.Reserves, c.Sealed, c.Len = nil, nil, credentials.Sealed{}, 0
}

// load reads the person and what they have. Of nobody at the operator's sites it answers
// not found.
func (h *holding) load(g accounts.Grant) error {
	who, err := h.person.op.desk.someone(h.Unit, h.person.id)
	if err != nil {
		return err
	}
	if !g.Sites.All() && !g.Sites.Overlaps(who.Sites) {
		return accounts.ErrAccountNotFound
	}
	return h.read()
}

// read reads what the person has.
func (h *holding) read() error {
	var err error
	if h.owner, _, err = flow.Load(h.Unit, rec.Projections, h.person.id); err != nil {
		return err
	}
	if h.pin, err = h.credential(rec.PIN, 0); err != nil {
		return err
	}
	if h.duress, err = h.credential(rec.DuressPIN, 0); err != nil {
		return err
	}
	for _, n := range h.owner.Tags {
		t, err := h.credential(rec.TagNumber, n)
		if err != nil {
			return err
		}
		h.tags = append(h.tags, t)
	}
	return nil
}

func (h *holding) credential(kind rec.CredentialKind, n uint64) (credential, error) {
	c := credential{id: rec.CredentialID(h.person.id, kind, n)}
	var found bool
	var err error
	c.Credential, found, err = flow.Load(h.Unit, rec.Credentials, c.id)
	if !found {
		c.Credential = rec.Credential{Account: h.person.id, Kind: kind, Created: h.Now()}
	}
	c.before = c.Claims()
	return c, err
}

// someone finds a person for a decision; keyholder's own accounts are checked again by
// the commit.
func (d *Desk) someone(u *flow.Unit, id string) (accounts.Person, error) {
	if own, ok := d.people.(*flow.Accounts); ok {
		return own.Bind(u, accounts.ID(id))
	}
	return d.people.Person(u.Context(), accounts.ID(id))
}

// tenant is the scope in which what persons have is claimed.
func tenant() credentials.Scope { return credentials.Scope{Kind: credentials.TenantScope} }

// setCode gives a new value to the PIN or the duress PIN.
func (h *holding) setCode(kind rec.CredentialKind, c panel.Code) error {
	own, other := &h.pin, &h.duress
	if kind == rec.DuressPIN {
		own, other = other, own
		if !other.given() {
			return ErrNoPIN
		}
		if c.Len() != other.Len {
			return credentials.ErrCodeLength
		}
	}
	policy, keys := h.person.op.desk.o.Codes, h.person.core().Keys
	if err := h.unavailable(policy.Check(c, kind == rec.DuressPIN)); err != nil {
		return err
	}
	claim, err := policy.Claim(keys, tenant(), c, kind == rec.DuressPIN)
	if err != nil {
		return err
	}
	if other.given() && (c.Len() != other.Len || claim.Meets(credentials.Claim{Hold: other.Names, Reserve: other.Reserves})) {
		if err := h.unavailable(credentials.ErrNear); err != nil {
			return err
		}
	}
	if h.hasTag(claim) {
		if err := h.unavailable(credentials.ErrCodeTaken); err != nil {
			return err
		}
	}
	own.leave()
	h.owner.Codes++
	own.Names, own.Reserves, own.Len, own.Generation = claim.Hold, claim.Reserve, c.Len(), h.owner.Codes
	own.Sealed, err = credentials.SealCode(keys, rec.CredentialBinding(h.person.id, kind, own.Generation), c)
	return err
}

// hasTag reports whether one of the person's own tags has a number that is claimed.
func (h *holding) hasTag(claim credentials.Claim) bool {
	return slices.ContainsFunc(h.tags, func(t credential) bool { return claim.Meets(credentials.Claim{Hold: t.Names}) })
}

// unavailable keeps a refusal back that whoever asks may not know the reason of: the
// decision goes on until its commit fails.
func (h *holding) unavailable(err error) error {
	if !h.options.blind || !errors.Is(unsaid(err), credentials.ErrNotAvailable) {
		return err
	}
	h.refused = true
	return nil
}

// write stores what the person has and says so.
func (h *holding) write() error {
	for _, c := range h.options.back {
		if h.refused {
			c.By, c.Max = 1, 0 // no store lets this pass
		}
		h.Do(c)
	}
	if h.owner.Since.IsZero() {
		h.owner.Since = h.Now()
	}
	if err := h.store(); err != nil {
		return err
	}
	h.Project(h.person.id)
	h.Do(store.Mark{Line: flow.SweepLine, Due: h.Now().Add(sweepEvery)})
	return h.say()
}

func (h *holding) say() error {
	_, err := h.Say(audit.CredentialChanged, audit.Success, []string{h.person.id},
		flow.F(audit.FieldAccount, h.person.id), flow.F(audit.FieldFields, h.fields), flow.F(audit.FieldReason, h.options.reason))
	return err
}

// store writes the records and follows their claims. The PIN and the duress PIN are always
// written together: what the log commits to does not tell which of them changed.
func (h *holding) store() error {
	all := []*credential{&h.pin, &h.duress}
	for i := range h.tags {
		all = append(all, &h.tags[i])
	}
	touched := map[string]bool{}
	for _, c := range all {
		h.claim(c, touched)
		c.Changed = h.Now()
		if err := flow.Put(h.Unit, rec.Credentials, c.id, &c.Credential); err != nil {
			return err
		}
	}
	return flow.Put(h.Unit, rec.Projections, h.person.id, &h.owner)
}

// claim claims what is new and releases what is gone. A name that two credentials of one
// person share is touched once.
func (h *holding) claim(c *credential, touched map[string]bool) {
	after := c.Claims()
	for _, n := range slices.Sorted(maps.Keys(after)) {
		was, had := c.before[n]
		if had && was == after[n] || touched[n] {
			continue
		}
		touched[n] = true
		h.Do(store.Claim{Name: store.Name(n), Holder: h.person.id, Use: c.id, Reserve: !after[n]})
	}
	for _, n := range slices.Sorted(maps.Keys(c.before)) {
		if _, stays := after[n]; stays || touched[n] {
			continue
		}
		touched[n] = true
		h.Do(store.Release{Name: store.Name(n), Holder: h.person.id, Use: c.id, Reserve: !c.before[n]})
	}
}
