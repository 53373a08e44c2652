package roster

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// CodeMark is the mark in the Code column.
type CodeMark string

// The marks.
const (
	Check CodeMark = "check" // the code is set: the user exists on the panel
	Minus CodeMark = "minus" // it is not
)

// FieldState is how the wish for a field stands.
type FieldState string

// The states of a field.
const (
	FieldSettled FieldState = "settled"
	FieldPending FieldState = "pending"
	FieldRefused FieldState = "refused"
	FieldUnsure  FieldState = "unsure"  // bytes may have left, the result is unknown
	FieldDrifted FieldState = "drifted" // the panel shows something else than was agreed
)

// FieldView is one field: what the panel last said, and the wish beside it.
type FieldView struct {
	Field    string     `json:"field"`
	Reported string     `json:"reported"`
	Wanted   string     `json:"wanted,omitempty"`
	State    FieldState `json:"state"`
	Since    time.Time  `json:"since,omitzero"`
	Reason   string     `json:"reason,omitempty"`
	// OldOpens: of a code, whether one that is no longer wanted may still open the panel.
	OldOpens bool `json:"oldOpens,omitempty"`
}

// AccountView is the account of a panel user. The zero value is none.
type AccountView struct {
	ID       accounts.ID     `json:"id,omitempty"`
	Email    string          `json:"email,omitempty"`
	Created  time.Time       `json:"created,omitzero"` // of the account, not of the assignment
	Assigned time.Time       `json:"assigned,omitzero"`
	Status   accounts.Status `json:"status"`
	// Former: the account was linked to the user who had this place before.
	Former bool `json:"former,omitempty"`
}

// Row is one user in the grid. It is a projection: nothing in it changes the user.
type Row struct {
	ID         string           `json:"id"`
	Place      panel.Place      `json:"place"`
	Label      string           `json:"label"` // as the panel reports it, else the default
	Role       panel.Role       `json:"role,omitempty"`
	Code       CodeMark         `json:"code"`
	Partitions panel.Partitions `json:"partitions"`
	Account    AccountView      `json:"account"`
	Unmanaged  bool             `json:"unmanaged,omitempty"` // nobody here set this user
	Over       bool             `json:"overProvisioned,omitempty"`
	Fields     []FieldView      `json:"fields"`
	Actions    []Action         `json:"actions"` // the row menu
	Revision   uint64           `json:"revision"`
	details    []Action
	whyNot     map[Action]error
}

// Number is the № column.
func (r Row) Number() string {
	if r.Place.ID != "" {
		return r.Place.ID
	}
	return strconv.Itoa(r.Place.Slot)
}

// RoleText is the role, "-" where no code is set.
func (r Row) RoleText() string {
	if r.Code == Minus || r.Role == "" {
		return "-"
	}
	return string(r.Role)
}

// LabelAndRole is the combined column.
func (r Row) LabelAndRole() string { return r.Label + " · " + r.RoleText() }

// PartitionsText lists the partitions, "-" for none.
func (r Row) PartitionsText() string { return r.Partitions.String() }

// AccountText is the account's address, "-" for none.
func (r Row) AccountText() string {
	if r.Account.Email == "" || r.Account.Former {
		return "-"
	}
	return r.Account.Email
}

// CreatedText is when the account was made, in the given zone, "-" for none.
func (r Row) CreatedText(zone *time.Location) string {
	if r.Account.Created.IsZero() || r.Account.Former {
		return "-"
	}
	return accounts.FormatCreated(r.Account.Created.In(zone))
}

// StatusText is the account's status, Unknown for none.
func (r Row) StatusText() string {
	if r.Account.Former {
		return string(accounts.StatusUnknown)
	}
	return string(r.Account.Status)
}

// Pending reports whether a wish for any field is open or in doubt.
func (r Row) Pending() bool {
	return slices.ContainsFunc(r.Fields, func(v FieldView) bool { return v.State == FieldPending || v.State == FieldUnsure })
}

// MenuVisible reports whether the row has a menu.
func (r Row) MenuVisible() bool { return len(r.Actions) > 0 }

// Field returns the view of one field.
func (r Row) Field(f panel.Field) FieldView {
	for _, v := range r.Fields {
		if v.Field == f.String() {
			return v
		}
	}
	return FieldView{Field: f.String()}
}

// Details are the actions that the details offer.
func (r Row) Details() []Action { return r.details }

// WhyNot tells why an action is not offered in the details; nil: it is.
func (r Row) WhyNot(a Action) error { return r.whyNot[a] }

// Action is something that a view can offer for a user.
type Action string

// The actions, in the order in which views show them.
const (
	ActDisable    Action = "Disable panel user"
	ActAssign     Action = "Assign account"
	ActUnassign   Action = "Unassign account"
	ActReset      Action = "Reset password"
	ActRemove     Action = "Remove account"
	ActCode       Action = "Edit code"
	ActLabel      Action = "Edit label"
	ActRole       Action = "Edit role"
	ActPartitions Action = "Edit partitions"
	ActAdopt      Action = "Adopt user"
	ActCancel     Action = "Cancel change"
)

// row projects a user; without a grant no action is judged.
func (t *Tab) row(ctx context.Context, p rec.Panel, u rec.User, g *accounts.Grant) (Row, error) {
	st := u.Standing(p.Model)
	r := Row{ID: rec.UserID(t.id, u.Place), Place: u.Place, Label: u.Reported.Label, Role: st.Role, Code: Minus, Partitions: u.Reported.Partitions,
		Unmanaged: u.Unmanaged(), Over: u.Over, Revision: u.Revision, Account: AccountView{Status: accounts.StatusUnknown}}
	if u.Reported.Set {
		r.Code = Check
		r.Role = u.Reported.Role
		if r.Role == "" {
			r.Role = st.Role
		}
	}
	if r.Label == "" && u.Place.Slot > 0 {
		r.Label = fmt.Sprintf("User %d", u.Place.Slot)
		if p.Model.Label.Default != "" {
			r.Label = fmt.Sprintf(p.Model.Label.Default, u.Place.Slot)
		}
	}
	if st.Role == panel.Master && r.Code == Check {
		r.Partitions = p.Model.AllPartitions()
	}
	if u.Link != nil {
		person, gone, err := t.op.desk.linked(ctx, u)
		if err != nil {
			return r, err
		}
		if !gone {
			r.Account = AccountView{ID: person.ID, Email: person.Email.String(), Created: person.Created, Assigned: u.Link.At, Status: person.Status, Former: u.CurrentLink() == nil}
		}
	}
	r.Fields = fieldViews(p.Model, u, st.Role)
	if g != nil {
		t.judge(&r, p, u, st, *g)
	}
	return r, nil
}

// fieldViews shows every field that the panel has: the report, and the wish beside it.
func fieldViews(m panel.Model, u rec.User, role panel.Role) []FieldView {
	var out []FieldView
	drift := u.Drift()
	for f := range (m.Read | m.Writes()).Each() {
		v := FieldView{Field: f.String(), Reported: text(u.Reported, f), State: FieldSettled}
		switch {
		case u.Unsure.Has(f):
			v.State, v.Since = FieldUnsure, u.SentAt
		case u.Pending.Has(f):
			v.State, v.Since = FieldPending, u.WishedAt
		case u.Slot.Refused[f] != "":
			v.State, v.Reason = FieldRefused, u.Slot.Refused[f]
		case drift.Has(f):
			v.State = FieldDrifted
			v.Wanted = text(u.Agreed, f)
		}
		if u.Pending.Has(f) {
			v.Wanted = text(u.Wanted, f)
		}
		if all := m.AllPartitions(); f == panel.FieldPartitions && role == panel.Master && u.Reported.Set && u.Reported.Known.Has(f) && u.Reported.Partitions != all {
			v.State, v.Wanted = FieldDrifted, all.String() // a Master has them all, whatever the panel says
		}
		if f == panel.FieldCode {
			v.OldOpens = u.Superseded()
		}
		out = append(out, v)
	}
	return out
}

func text(s panel.State, f panel.Field) string {
	switch f {
	case panel.FieldCode:
		if s.Set {
			return "set"
		}
		return "not set"
	case panel.FieldLabel:
		return s.Label
	case panel.FieldRole:
		return string(s.Role)
	case panel.FieldPartitions:
		return s.Partitions.String()
	case panel.FieldLegacyTags, panel.FieldLockTags:
		return strconv.Itoa(s.TagCount(f))
	case panel.FieldKeypads:
		return list(s.Keypads)
	case panel.FieldLocks:
		return list(s.Locks)
	case panel.FieldFrom:
		return stamp(s.Window.From)
	case panel.FieldUntil:
		return stamp(s.Window.Until)
	}
	return ""
}

// judge fills in which actions are offered and why the others are not: the panel's
// answer, the link's state and the operator's rights, once for menus and details.
func (t *Tab) judge(r *Row, p rec.Panel, u rec.User, st panel.Standing, g accounts.Grant) {
	r.whyNot = map[Action]error{}
	allow := func(a Action, op string, why error) {
		if err := accounts.Authorise(g, accounts.PermissionFor(op).Right, p.Site); err != nil {
			why = err
		}
		if why != nil {
			r.whyNot[a] = why
			return
		}
		r.details = append(r.details, a)
	}
	account, none := accounts.ErrNoAccountAssigned, r.Account.ID == ""
	if !none {
		account = nil
	}
	allow(ActDisable, "roster.Disable", p.Model.Allow(st, panel.Disable))
	var assign error
	switch {
	case !none && !r.Account.Former:
		assign = accounts.ErrSlotHasAccount
	case !st.Exists:
		assign = panel.ErrCodeNotSet
	case st.Unknown:
		assign = panel.ErrUnmanaged
	}
	allow(ActAssign, "roster.Assign", assign)
	allow(ActUnassign, "roster.Unassign", orNil(account))
	allow(ActReset, "people.ResetPassword", orNil(account))
	allow(ActRemove, "people.Remove", orNil(account))
	allow(ActCode, "roster.SetCode", p.Model.Allow(st, panel.EditCode))
	allow(ActLabel, "roster.SetLabel", p.Model.Allow(st, panel.EditLabel))
	allow(ActRole, "roster.SetRole", p.Model.Allow(st, panel.EditRole))
	allow(ActPartitions, "roster.SetPartitions", p.Model.Allow(st, panel.EditPartitions))
	var adopt error
	if !st.Unknown {
		adopt = panel.ErrUserNotFound
	}
	allow(ActAdopt, "roster.Adopt", adopt)
	_, cancel := u.Cancel()
	allow(ActCancel, "roster.Cancel", cancel)
	// The row menu is there only for a user with a code, and holds two actions at most.
	if r.Code == Check {
		for _, a := range r.details {
			if a == ActDisable || a == ActUnassign {
				r.Actions = append(r.Actions, a)
			}
		}
	}
}

func orNil(err *fault.Error) error {
	if err == nil {
		return nil
	}
	return err
}
