package roster

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

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
		w.Set |= drift & d.user.KnownTags()
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
