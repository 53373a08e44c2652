package roster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
	if err := t.inBudget(ctx); err != nil {
		return Receipt{}, t.op.refused(ctx, "SetCode", []string{t.id}, err)
	}
	r, err := t.setCode(ctx, "SetCode", place, w, options(opts))
	return r, t.undisclosed(ctx, err)
}

// GenerateCode draws a code that the panel takes, that is not easy to guess and that is
// free, and sets it. The code is returned once and is nowhere else to be had.
func (t *Tab) GenerateCode(ctx context.Context, place panel.Place, w CodeWish, opts ...WishOption) (panel.Code, Receipt, error) {
	p, err := t.peek(ctx, "GenerateCode")
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
		r, err := t.setCode(ctx, "GenerateCode", place, w, options(opts))
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

func (t *Tab) setCode(ctx context.Context, name string, place panel.Place, w CodeWish, o wishOptions) (Receipt, error) {
	r, err := t.decide(ctx, name, place, func(d *decision) error { return d.setCode(w, o) })
	if isTaken(err) {
		err = credentials.ErrCodeTaken
	}
	return r, err
}

// setCode is the decision: the panel's rules, the policy, the claim, the wish, the entry.
func (d *decision) setCode(w CodeWish, o wishOptions) error {
	if err := d.allowed(panel.EditCode); err != nil {
		return err
	}
	if d.panel.Model.Hands.Has(panel.FieldCode) {
		return d.setByHand(w, o)
	}
	if err := d.panel.Model.CheckCode(w.Code, d.panel.CodeLen); err != nil {
		return err
	}
	wish := panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true}, Until: o.until}
	if err := d.fill(&wish, w); err != nil {
		return err
	}
	if err := d.tab.op.desk.codes(d.panel).Check(w.Code, wish.State.Role == panel.DuressRole); err != nil {
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
	fields := []flow.Field{flow.F(audit.FieldRevision, number(d.user.Revision)), flow.F(audit.FieldRole, string(wish.State.Role)),
		{Name: audit.FieldLabel, Value: wish.State.Label, Of: subject(d.user)}, flow.F(audit.FieldReason, o.reason)}
	if wish.State.Partitions != 0 {
		fields = append(fields, flow.F(audit.FieldPartitions, wish.State.Partitions.String()))
	}
	return d.say(action, fields...)
}

// setByHand is the wish for a code that only a person at the keypad can set. Its holder
// chooses it there: keyholder never knows it, shows none, and does not verify it.
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
	if err := d.wish(panel.Wish{Set: panel.FieldCode, State: panel.State{Set: true}, Until: o.until}, o); err != nil {
		return err
	}
	return d.say(audit.UserCodeSet, flow.F(audit.FieldRevision, number(d.user.Revision)), flow.F(audit.FieldUntil, stamp(o.until)), flow.F(audit.FieldReason, o.reason))
}

// allowed asks the panel, and the right that protected users ask for.
func (d *decision) allowed(a panel.Action) error {
	st := d.user.Standing(d.panel.Model)
	if err := d.panel.Model.Allow(st, a); err != nil {
		return err
	}
	if st.Role.Protected() && a != panel.EditLabel {
		return d.protected()
	}
	return nil
}

func (d *decision) protected() error {
	return d.tab.core().Allowed(d.Context(), d.Actor(), "roster.Protected", d.panel.Site)
}

// fill adds to a code wish what goes with it, checked against the model.
func (d *decision) fill(wish *panel.Wish, w CodeWish) error {
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
	if w.Role != "" {
		if err := m.CheckRole(d.user.Place, w.Role); err != nil {
			return err
		}
		if d.user.Standing(m).Role != w.Role && w.Role.Protected() {
			if err := d.protected(); err != nil {
				return err
			}
		}
		if m.Writes().Has(panel.FieldRole) {
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

func (d *decision) window(wish *panel.Wish, w panel.Window) error {
	if err := w.Validate(); err != nil {
		return err
	}
	if !d.panel.Model.Writes().Has(panel.FieldFrom | panel.FieldUntil) {
		return panel.ErrWindowUnsupported
	}
	wish.Set |= panel.FieldFrom | panel.FieldUntil
	wish.State.Window = w
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
	return credentials.Binding{Owner: "user/" + userID, Kind: "code", Generation: gen}
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

// undisclosed turns every reason why a code is not available into one answer for those
// who may not know more, and charges it to their budget.
func (t *Tab) undisclosed(ctx context.Context, err error) error {
	if !errors.Is(unsaid(err), credentials.ErrNotAvailable) {
		return err
	}
	p, perr := t.panelSite(ctx)
	if perr != nil {
		return perr
	}
	if t.core().Allowed(ctx, t.op.actor, "roster.Collisions", p) == nil {
		return err
	}
	if berr := t.charge(ctx); berr != nil {
		return berr
	}
	return credentials.ErrNotAvailable
}

func (t *Tab) panelSite(ctx context.Context) (string, error) {
	r, err := t.core().Store.Load(ctx, rec.Panels.Key(t.id))
	if err != nil {
		return "", err
	}
	p, _, err := rec.Panels.Decode(r[0])
	return p.Site, err
}

// budget is what the counters of an actor's answers are, and how far each may go.
func (t *Tab) budget() []store.Count {
	b, now := t.op.desk.o.Collisions, t.core().Time()
	hour, day := now.Truncate(time.Hour), now.Truncate(24*time.Hour)
	who := t.op.actor.Kind() + "/" + string(t.op.actor.ID())
	return []store.Count{
		{Counter: fmt.Sprintf("taken/h/%d/%s", hour.Unix(), who), By: 1, Max: b.Hour, Until: hour.Add(2 * time.Hour)},
		{Counter: fmt.Sprintf("taken/d/%d/%s", day.Unix(), who), By: 1, Max: b.Day, Until: day.Add(48 * time.Hour)},
		{Counter: fmt.Sprintf("taken/t/%d", day.Unix()), By: 1, Max: b.TenantDay, Until: day.Add(48 * time.Hour)},
	}
}

// inBudget refuses chosen codes from somebody who has used the budget up, whatever the
// answer would be. Whoever may know about collisions has no budget.
func (t *Tab) inBudget(ctx context.Context) error {
	site, err := t.panelSite(ctx)
	if err != nil {
		return err
	}
	if t.core().Allowed(ctx, t.op.actor, "roster.Collisions", site) == nil {
		return nil
	}
	counts := t.budget()
	names := make([]string, len(counts))
	for i, c := range counts {
		names[i] = c.Counter
	}
	used, err := t.core().Store.Counters(ctx, names...)
	if err != nil {
		return err
	}
	for i, n := range used {
		if n >= counts[i].Max {
			return ErrCollisionBudget
		}
	}
	return nil
}

// charge takes one answer from the budgets of the actor and of everybody.
func (t *Tab) charge(ctx context.Context) error {
	_, err := t.core().Act(ctx, t.op.actor, func(u *flow.Unit) error {
		for _, c := range t.budget() {
			u.Do(c)
		}
		return nil
	})
	if errors.Is(err, store.ErrLimit) {
		return ErrCollisionBudget
	}
	return err
}

// edit is a wish about fields other than the code.
func (t *Tab) edit(ctx context.Context, name string, place panel.Place, a panel.Action, action audit.Action, o wishOptions, fill func(d *decision, w *panel.Wish) ([]flow.Field, error)) (Receipt, error) {
	return t.decide(ctx, name, place, func(d *decision) error {
		if err := d.allowed(a); err != nil {
			return err
		}
		w := panel.Wish{Until: o.until}
		fields, err := fill(d, &w)
		if err != nil {
			return err
		}
		if err := d.wish(w, o); err != nil {
			return err
		}
		return d.say(action, append(fields, flow.F(audit.FieldRevision, number(d.user.Revision)), flow.F(audit.FieldReason, o.reason))...)
	})
}

// SetLabel changes the label that the panel shows. It needs a code that is set or on
// its way.
func (t *Tab) SetLabel(ctx context.Context, place panel.Place, label string, opts ...WishOption) (Receipt, error) {
	label = panel.CleanLabel(label)
	return t.edit(ctx, "SetLabel", place, panel.EditLabel, audit.UserLabelChanged, options(opts), func(d *decision, w *panel.Wish) ([]flow.Field, error) {
		w.Set, w.State.Label = panel.FieldLabel, label
		of := subject(d.user)
		return []flow.Field{{Name: audit.FieldLabelBefore, Value: d.user.Reported.Label, Of: of}, {Name: audit.FieldLabel, Value: label, Of: of}},
			d.panel.Model.CheckLabel(label)
	})
}

// SetPartitions changes the partitions that the user may operate. A Master always has
// all of them.
func (t *Tab) SetPartitions(ctx context.Context, place panel.Place, p panel.Partitions, opts ...WishOption) (Receipt, error) {
	return t.edit(ctx, "SetPartitions", place, panel.EditPartitions, audit.UserPartitionsChanged, options(opts), func(d *decision, w *panel.Wish) ([]flow.Field, error) {
		w.Set, w.State.Partitions = panel.FieldPartitions, p
		return []flow.Field{flow.F(audit.FieldPartitionsBefore, d.user.Reported.Partitions.String()), flow.F(audit.FieldPartitions, p.String())},
			d.panel.Model.CheckPartitions(p)
	})
}

// SetRole changes the user's rank, where the panel lets it be changed. Granting a
// protected role needs a right of its own.
func (t *Tab) SetRole(ctx context.Context, place panel.Place, r panel.Role, opts ...WishOption) (Receipt, error) {
	return t.edit(ctx, "SetRole", place, panel.EditRole, audit.UserRoleChanged, options(opts), func(d *decision, w *panel.Wish) ([]flow.Field, error) {
		w.Set, w.State.Role = panel.FieldRole, r
		if r == "" {
			return nil, panel.ErrRoleRequired
		}
		if err := d.panel.Model.CheckRole(place, r); err != nil {
			return nil, err
		}
		if !d.panel.Model.Change.Has(panel.FieldRole) {
			return nil, panel.ErrRoleUnsupported
		}
		fields := []flow.Field{flow.F(audit.FieldRoleBefore, string(d.user.Reported.Role)), flow.F(audit.FieldRole, string(r))}
		if r.Protected() {
			return fields, d.protected()
		}
		return fields, nil
	})
}

// SetWindow changes when the panel lets the user in, where the panel knows such times.
func (t *Tab) SetWindow(ctx context.Context, place panel.Place, w panel.Window, opts ...WishOption) (Receipt, error) {
	return t.edit(ctx, "SetWindow", place, panel.EditWindow, audit.UserWindowChanged, options(opts), func(d *decision, wish *panel.Wish) ([]flow.Field, error) {
		return []flow.Field{flow.F(audit.FieldFrom, stamp(w.From)), flow.F(audit.FieldUntil, stamp(w.Until))}, d.window(wish, w)
	})
}

// SetLocks changes the door locks to which the panel copies the user's code.
func (t *Tab) SetLocks(ctx context.Context, place panel.Place, locks []string, opts ...WishOption) (Receipt, error) {
	return t.edit(ctx, "SetLocks", place, panel.EditLocks, audit.UserLocksChanged, options(opts), func(_ *decision, w *panel.Wish) ([]flow.Field, error) {
		w.Set, w.State.Locks = panel.FieldLocks, locks
		return []flow.Field{flow.F(audit.FieldLocks, list(locks))}, nil
	})
}

// SetKeypads changes the keypads that the user is assigned to.
func (t *Tab) SetKeypads(ctx context.Context, place panel.Place, keypads []string, opts ...WishOption) (Receipt, error) {
	return t.edit(ctx, "SetKeypads", place, panel.EditKeypads, audit.UserKeypadsChanged, options(opts), func(_ *decision, w *panel.Wish) ([]flow.Field, error) {
		w.Set, w.State.Keypads = panel.FieldKeypads, keypads
		return []flow.Field{flow.F(audit.FieldKeypads, list(keypads))}, nil
	})
}

// Disable takes the user off the panel: its code is removed, and with it the label, the
// tag and everything else of this holder. A Master cannot be disabled. The wish stands
// until the panel has carried it out. A linked account stays linked and shows as former,
// unless the policy unassigns it.
func (t *Tab) Disable(ctx context.Context, place panel.Place, opts ...WishOption) (Receipt, error) {
	o := options(opts)
	return t.decide(ctx, "Disable", place, func(d *decision) error {
		st := d.user.Standing(d.panel.Model)
		if err := d.panel.Model.Allow(st, panel.Disable); err != nil {
			return err
		}
		if st.Role.Protected() {
			if err := d.protected(); err != nil {
				return err
			}
		}
		if t.op.desk.o.Policy.RequireConfirm && o.confirm == "" {
			return accounts.ErrConfirmationRequired
		}
		action := audit.UserDisabled
		if st.Unknown {
			action = audit.UserCleared
		}
		// The entry speaks of the tenancy that ends, so it comes before the wish.
		if err := d.say(action, flow.F(audit.FieldReason, o.reason), flow.F(audit.FieldRevision, number(d.user.Revision+1))); err != nil {
			return err
		}
		if t.op.desk.o.Policy.UnassignOnDisable && d.user.Link != nil {
			d.unlink()
		}
		return d.wish(panel.Wish{Remove: true}, o)
	})
}

// Cancel takes back what a pending wish gives, as long as none of it has been sent.
// What takes access away stands: [panel.ErrRemovalStands].
func (t *Tab) Cancel(ctx context.Context, place panel.Place) (Receipt, error) {
	return t.decide(ctx, "Cancel", place, func(d *decision) error {
		fields, revision := d.user.Giving(), d.user.Revision
		s, err := d.user.Cancel()
		if err != nil {
			return err
		}
		d.user.Slot = s
		d.user.Ended = &rec.Ended{Revision: revision, How: string(Cancelled), At: d.Now()}
		d.user.Held = false
		return d.say(audit.UserWishCancelled, flow.F(audit.FieldFields, fields.String()))
	})
}

// Confirm lets a held wish go on: its author has lost the right since, and another
// person takes it over in their own name.
func (t *Tab) Confirm(ctx context.Context, place panel.Place) (Receipt, error) {
	return t.decide(ctx, "Confirm", place, func(d *decision) error {
		if !d.user.Held {
			return panel.ErrNothingPending
		}
		d.user.Held = false
		d.user.Author = rec.Author{Kind: d.Actor().Kind(), ID: string(d.Actor().ID())}
		return d.say(audit.UserWishConfirmed)
	})
}

// Adopt takes over a user that was set at the panel, as it is. Its code stays unknown to
// keyholder and has to be changed within Options.AdoptFor. It needs a reason; link a
// person with [Tab.Assign] afterwards.
func (t *Tab) Adopt(ctx context.Context, place panel.Place, reason string) (Receipt, error) {
	if reason == "" {
		return Receipt{}, t.op.refused(ctx, "Adopt", []string{t.id}, ErrReasonRequired)
	}
	return t.decide(ctx, "Adopt", place, func(d *decision) error {
		s, err := d.user.Adopt(d.Now())
		if err != nil {
			return err
		}
		if d.user.Standing(d.panel.Model).Role.Protected() {
			if err := d.protected(); err != nil {
				return err
			}
		}
		d.user.Slot = s
		d.user.Adopted = &rec.Adopted{Reason: reason, At: d.Now(), By: rec.Author{Kind: d.Actor().Kind(), ID: string(d.Actor().ID())}, Until: d.Now().Add(t.op.desk.o.AdoptFor)}
		return d.say(audit.UserAdopted, flow.F(audit.FieldReason, reason), flow.F(audit.FieldUntil, stamp(d.user.Adopted.Until)))
	})
}

// Restore puts a drifted user back to what was agreed, as far as that gives no access:
// the label, and whatever appeared.
func (t *Tab) Restore(ctx context.Context, place panel.Place) (Receipt, error) {
	return t.decide(ctx, "Restore", place, func(d *decision) error {
		w := panel.Wish{State: d.user.Agreed}
		drift := d.user.Drift()
		w.Set = drift & (panel.FieldLabel | panel.FieldLocks | panel.FieldKeypads | panel.FieldFrom | panel.FieldUntil)
		if drift.Has(panel.FieldPartitions) && d.user.Agreed.Partitions.Within(d.user.Reported.Partitions) {
			w.Set |= panel.FieldPartitions
		}
		if drift.Has(panel.FieldRole) && !d.user.Agreed.Role.Protected() {
			w.Set |= panel.FieldRole
		}
		w.Set &= d.panel.Model.Change
		if w.Set == 0 {
			return panel.ErrNothingPending
		}
		fields := w.Set
		if err := d.wish(w, wishOptions{}); err != nil {
			return err
		}
		return d.say(audit.UserDriftAdopted, flow.F(audit.FieldFields, fields.String()), flow.F(audit.FieldReason, "restored"))
	})
}

// ErrReasonRequired: the act needs a reason in a person's words.
var ErrReasonRequired = fault.New(fault.Invalid, "roster: give a reason").
	Hinted("Say in a few words why; it is recorded.")

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func list(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	text := fmt.Sprint(s)
	return text[1 : len(text)-1]
}
