package roster

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// ErrCollisionBudget: too many codes were refused as not available; only generated ones
// are accepted for a while.
var ErrCollisionBudget = fault.New(fault.Busy, "roster: too many codes were not available").
	Hinted("Let a code be generated, or try again in an hour.")

// ErrByHand: the code of this panel is chosen at the keypad and by nobody else.
var ErrByHand = fault.New(fault.Invalid, "roster: the code is chosen at the keypad").
	Hinted("Ask for a user without a code; its holder chooses the code at the keypad, by the steps that are shown.")

// CodeWish is a code with what goes with it in the same edit. Only Code is required.
type CodeWish struct {
	Code       panel.Code
	Label      string           // "": unchanged
	Role       panel.Role       // "": the panel says, or Model.DefaultRole
	Partitions panel.Partitions // 0: the panel says
	Window     *panel.Window    // nil: unchanged
}

// SetCode sets or changes the code of a user. On an empty place it creates the user on
// the panel. It is refused with [credentials.ErrNotAvailable] if the code cannot be had.
func (t *Tab) SetCode(ctx context.Context, place panel.Place, w CodeWish, opts ...WishOption) (Receipt, error) {
	if t.err != nil {
		return Receipt{}, t.err
	}
	paid, err := t.reserve(ctx)
	if err != nil {
		return Receipt{}, t.op.refused(ctx, "SetCode", []string{t.id}, err)
	}
	r, err := t.setCode(ctx, "SetCode", place, w, options(opts).paid(paid), nil)
	return r, t.undisclosed(ctx, err, paid)
}

// GenerateCode draws a code that the panel takes, that is not easy to guess and that is
// free, and sets it. The code is returned once and is nowhere else to be had. For a code that
// only its holder shall see, see [Tab.HandOver].
func (t *Tab) GenerateCode(ctx context.Context, place panel.Place, w CodeWish, opts ...WishOption) (panel.Code, Receipt, error) {
	return t.drawCode(ctx, "GenerateCode", place, w, options(opts), nil)
}

// drawCode draws a code that is free, sets it and does what belongs to it, in one commit.
func (t *Tab) drawCode(ctx context.Context, name string, place panel.Place, w CodeWish, o wishOptions, also func(d *decision, c panel.Code) error) (panel.Code, Receipt, error) {
	p, err := t.peek(ctx, name)
	if err != nil {
		return panel.Code{}, Receipt{}, err
	}
	length := p.CodeLen
	if length == 0 {
		length = p.Model.Code.Lens[0]
	}
	for range 20 {
		c, err := credentials.Generate(rand.Reader, length, t.op.desk.codes(p), nil)
		if err != nil {
			return panel.Code{}, Receipt{}, err
		}
		w.Code = c
		r, err := t.setCode(ctx, name, place, w, o, also)
		if !errors.Is(err, credentials.ErrCodeTaken) {
			return c, r, err
		}
	}
	return panel.Code{}, Receipt{}, credentials.ErrExhausted
}

// codes is the policy for codes of a panel: the host's, at the panel's lengths.
func (d *Desk) codes(p rec.Panel) credentials.Policy {
	pol := d.o.Codes
	pol.Lens = p.Model.Code.Lens
	pol.Reserved = append(append([]string{}, pol.Reserved...), p.Model.Code.Never...)
	return pol
}

func (t *Tab) setCode(ctx context.Context, name string, place panel.Place, w CodeWish, o wishOptions, also func(d *decision, c panel.Code) error) (Receipt, error) {
	r, err := t.decide(ctx, name, place, func(d *decision) error {
		if err := d.setCode(w, o); err != nil || also == nil {
			return err
		}
		return also(d, w.Code)
	})
	if isTaken(err) {
		err = credentials.ErrCodeTaken
	}
	return r, err
}

// setCode is the decision: the panel's rules, the policy, the claim, the wish, the entry.
func (d *decision) setCode(w CodeWish, o wishOptions) error {
	if o.vacant && !vacant(d.user) {
		return errNotVacant
	}
	if err := d.allowed(panel.EditCode); err != nil {
		return err
	}
	if l := d.user.CurrentLink(); l != nil {
		if err := d.tab.op.consented(d.Unit, l.Account); err != nil {
			return err
		}
	}
	if d.panel.Model.Hands.Has(panel.FieldCode) {
		return d.setByHand(w, o)
	}
	if err := d.unavailable(o, d.panel.Model.CheckCode(w.Code, d.panel.CodeLen)); err != nil {
		return err
	}
	wish := panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true}, Until: o.until}
	if err := d.usual(&w); err != nil {
		return err
	}
	if err := d.fill(&wish, w); err != nil {
		return err
	}
	if err := d.unavailable(o, d.tab.op.desk.codes(d.panel).Check(w.Code, wish.State.Role == panel.DuressRole)); err != nil {
		return err
	}
	existed := d.user.Exists()
	var err error
	if wish.State.Code, err = d.seal(w.Code); err != nil {
		return err
	}
	if err := d.wish(wish, o); err != nil {
		return err
	}
	action := audit.UserCodeSet
	if existed {
		action = audit.UserCodeChanged
	}
	return d.say(action, append(d.given(wish), flow.F(audit.FieldReason, o.reason))...)
}

// setByHand is the wish for a code that only a person at the keypad can set. Its holder
// chooses it there: keyholder never knows it, shows none, and does not verify it. What is
// asked for beside it is set there as well, and nothing else is expected.
func (d *decision) setByHand(w CodeWish, o wishOptions) error {
	role := w.Role
	if role == "" {
		role = d.user.Standing(d.panel.Model).Role
	}
	switch {
	case !w.Code.IsZero():
		return ErrByHand
	case role.Protected():
		return panel.ErrUserProtected
	}
	if o.until.IsZero() {
		o.until = d.Now().Add(d.tab.op.desk.o.HandsFor)
	}
	wish := panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true}, Until: o.until}
	if err := d.fill(&wish, w); err != nil {
		return err
	}
	if err := d.wish(wish, o); err != nil {
		return err
	}
	return d.say(audit.UserCodeSet, append(d.given(wish), flow.F(audit.FieldUntil, stamp(o.until)), flow.F(audit.FieldReason, o.reason))...)
}

// given are the fields of an entry about a wish for a code.
func (d *decision) given(w panel.Wish) []flow.Field {
	fields := []flow.Field{flow.F(audit.FieldRevision, number(d.user.Revision)), flow.F(audit.FieldRole, string(w.State.Role)),
		{Name: audit.FieldLabel, Value: w.State.Label, Of: subject(d.user)}}
	if w.State.Partitions != 0 {
		fields = append(fields, flow.F(audit.FieldPartitions, w.State.Partitions.String()))
	}
	return fields
}

// usual adds to a code wish what a new user of this place has where nothing else is said.
func (d *decision) usual(w *CodeWish) error {
	m := d.panel.Model
	if carry := d.user.Carry; carry != nil && !d.user.Exists() {
		if w.Label == "" {
			w.Label = carry.Label
		}
		if w.Role == "" {
			w.Role = carry.Role
		}
		if w.Partitions == 0 {
			w.Partitions = carry.Partitions
		}
	}
	creates := !d.user.Exists()
	if creates && w.Role == "" {
		w.Role = m.DefaultRole
		if w.Role == "" && m.Create.Has(panel.FieldRole) && len(m.Roles) > 0 && !m.RoleFromPanel {
			return panel.ErrRoleRequired
		}
	}
	return nil
}

// fill adds to a code wish what goes with it, checked against the model.
func (d *decision) fill(wish *panel.Wish, w CodeWish) error {
	m := d.panel.Model
	if w.Role != "" {
		if err := m.CheckRole(d.user.Place, w.Role); err != nil {
			return err
		}
		if d.user.Standing(m).Role != w.Role && w.Role.Protected() {
			if err := d.protected(); err != nil {
				return err
			}
		}
		if m.Writes().Has(panel.FieldRole) || m.Hands.Has(panel.FieldCode|panel.FieldRole) {
			wish.Set |= panel.FieldRole
			wish.State.Role = w.Role
		}
	}
	if w.Label != "" {
		w.Label = panel.CleanLabel(w.Label)
		if err := m.CheckLabel(w.Label); err != nil {
			return err
		}
		wish.Set |= panel.FieldLabel
		wish.State.Label = w.Label
	}
	if w.Partitions != 0 {
		role := w.Role
		if role == "" {
			role = d.user.Standing(m).Role
		}
		if role == panel.Master {
			return panel.ErrMasterPartitions
		}
		if err := m.CheckPartitions(w.Partitions); err != nil {
			return err
		}
		wish.Set |= panel.FieldPartitions
		wish.State.Partitions = w.Partitions
	}
	if w.Window != nil {
		return d.window(wish, *w.Window)
	}
	return nil
}

// seal makes what the store keeps of a code: names to claim and sealed digits.
func (d *decision) seal(c panel.Code) (panel.CodeRef, error) {
	core := d.tab.core()
	d.user.Codes++
	ref := panel.CodeRef{ID: d.user.Codes, Len: c.Len()}
	var err error
	if ref.Names, err = codeNames(core.Keys, d.tab.id, c); err != nil {
		return ref, err
	}
	ref.Sealed, err = credentials.SealCode(core.Keys, codeBinding(d.id, ref.ID), c)
	return ref, err
}

func codeBinding(userID string, gen uint64) credentials.Binding {
	return rec.UserBinding(userID, rec.CodeSealed, gen)
}

// unsaid is what the log says of a refusal: never why a code is not available, because
// not everybody who reads the log may know.
func unsaid(err error) error {
	if isTaken(err) || errors.Is(err, panel.ErrCodeReserved) {
		return credentials.ErrNotAvailable
	}
	return credentials.Undisclosed(err)
}

// codeNames are the names that a code has on a panel.
func codeNames(keys credentials.Sealer, panelID string, c panel.Code) ([]string, error) {
	return credentials.Names(keys, panelScope(panelID), credentials.CodeMaterial(c))
}

func panelScope(id string) credentials.Scope {
	return credentials.Scope{Kind: credentials.PanelScope, ID: id}
}

// openCode opens a code that has to be written; it must be the one that was claimed.
func (d *Desk) openCode(panelID, userID string, ref panel.CodeRef) (panel.Code, error) {
	return credentials.OpenNamedCode(d.opener, d.core.Keys, codeBinding(userID, ref.ID), ref.Sealed, panelScope(panelID), ref.Names)
}
