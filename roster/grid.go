package roster

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Errors of paging.
var (
	// ErrPageSize: not one of the page sizes.
	ErrPageSize = fault.New(fault.Invalid, "roster: page size is 10, 15, 50, 100 or 200").
			Hinted("Choose 10, 15, 50, 100 or 200 users for a page.")
	// ErrNoMorePages: there is no such page.
	ErrNoMorePages = fault.New(fault.NotFound, "roster: no more pages")
)

// PageSizes are the sizes that a page can have; the first that is meant by zero is
// DefaultPageSize.
func PageSizes() []int { return []int{10, 15, 50, 100, 200} }

// DefaultPageSize is the size of a page if none is named.
const DefaultPageSize = 15

// Columns are the grid's columns, in order.
func Columns() []string {
	return []string{"№", "Label & role", "Code", "Partitions", "Account", "Created", "Status", ""}
}

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

// Page is a page of the grid.
type Page struct {
	Rows  []Row
	First int // of the page, counted from 1; 0 on an empty page
	Last  int
	Total int
	Size  int
}

// Range is the text between the arrows: "1-15 of 1000".
func (p Page) Range() string { return fmt.Sprintf("%d-%d of %d", p.First, p.Last, p.Total) }

// HasNext reports whether there is a page behind this one.
func (p Page) HasNext() bool { return p.Last < p.Total }

// HasPrev reports whether there is a page before this one.
func (p Page) HasPrev() bool { return p.First > 1 }

// Users returns a page of the panel's users in order of place: every slot of the panel,
// with or without a code. Pages count from 1; size is one of [PageSizes], 0 the default.
// An empty page follows the last one only on an empty panel; else [ErrNoMorePages].
func (t *Tab) Users(ctx context.Context, page, size int) (Page, error) {
	if size == 0 {
		size = DefaultPageSize
	}
	if !slices.Contains(PageSizes(), size) {
		return Page{}, ErrPageSize
	}
	p, err := t.peek(ctx, "Users")
	if err != nil {
		return Page{}, err
	}
	g, err := t.core().Authority.Grant(ctx, t.op.actor)
	if err != nil {
		return Page{}, err
	}
	out := Page{Size: size}
	page = max(page, 1)
	var users []rec.User
	if n := p.Model.Slots.Len(); n > 0 {
		out.Total = n
		if (page-1)*size < n {
			users, err = t.slots(ctx, p, p.Model.Slots.First+(page-1)*size, min(size, n-(page-1)*size))
		}
	} else {
		var all []rec.User
		all, err = t.users(ctx)
		out.Total = len(all)
		if from := (page - 1) * size; from < len(all) {
			users = all[from:min(from+size, len(all))]
		}
	}
	switch {
	case err != nil:
		return Page{}, err
	case page > 1 && (page-1)*size >= out.Total:
		return Page{}, ErrNoMorePages
	}
	for _, u := range users {
		r, err := t.row(ctx, p, u, &g)
		if err != nil {
			return Page{}, err
		}
		out.Rows = append(out.Rows, r)
	}
	if len(out.Rows) > 0 {
		out.First = (page-1)*size + 1
		out.Last = out.First + len(out.Rows) - 1
	}
	return out, nil
}

// slots loads n users from a slot on; those without a record are empty slots.
func (t *Tab) slots(ctx context.Context, p rec.Panel, first, n int) ([]rec.User, error) {
	keys := make([]panel.Place, n)
	load := make([]string, n)
	for i := range n {
		keys[i] = panel.Place{Slot: first + i}
		load[i] = rec.UserID(t.id, keys[i])
	}
	out := make([]rec.User, 0, n)
	for chunk := range slices.Chunk(load, 100) {
		rs, err := t.core().Store.Load(ctx, userKeys(chunk)...)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			u, _, err := rec.Users.Decode(r)
			if err != nil {
				return nil, err
			}
			if r.Version == 0 {
				u = rec.User{Panel: t.id, Site: p.Site, Slot: panel.Slot{Place: keys[len(out)]}}
			}
			out = append(out, u)
		}
	}
	return out, nil
}

// Count is the number of users of the panel, without walking pages.
func (t *Tab) Count(ctx context.Context) (int, error) {
	p, err := t.peek(ctx, "Count")
	if err != nil {
		return 0, err
	}
	if n := p.Model.Slots.Len(); n > 0 {
		return n, nil
	}
	users, err := t.users(ctx)
	return len(users), err
}

// CountText is the header's text: "15 users".
func CountText(n int) string {
	if n == 1 {
		return "1 user"
	}
	return strconv.Itoa(n) + " users"
}

// Details is everything about one user. It is a snapshot: it does not change by itself.
type Details struct {
	Row
	Title    string // the label, or "# 4" without a code
	CodeText string // "Set" or "No code"
	Account  *AccountView
	Sections []Section
	Explain  Reason // why there is no user on the panel
	Entry    string // the log entry behind Explain
	// Guides are the keypad steps for what is pending and no route can write. They hold no
	// code.
	Guides []panel.Guide
	Line   LineState
}

// Section is a part of the details that only some panels have: absent, not empty, where
// the panel does not know it.
type Section struct {
	Name  string
	Text  string // "No door locks", "2 door locks"
	Items []string
}

// The names of sections.
const (
	DoorLocks       = "Door locks"
	LegacyTags      = "Proximity tags"
	DoorlockTags    = "Doorlock proximity tags"
	KeypadsAssigned = "Keypad assignment"
)

// Reason is why a user does not exist on the panel.
type Reason string

// The reasons.
const (
	ReasonNone                  Reason = ""
	ReasonCodeNeverSet          Reason = "no code was ever set"
	ReasonDisabled              Reason = "the user was disabled"
	ReasonCodeRemovedExternally Reason = "the code was removed at the panel"
	ReasonWithdrawn             Reason = "a restriction was refused, so the code was taken away again"
	ReasonReplaced              Reason = "the panel was replaced: set the code again"
)

// Details returns everything about one user of the panel.
func (t *Tab) Details(ctx context.Context, place panel.Place) (Details, error) {
	p, err := t.peek(ctx, "Details")
	if err != nil {
		return Details{}, err
	}
	if err := p.Model.CheckPlace(place); err != nil {
		return Details{}, err
	}
	g, err := t.core().Authority.Grant(ctx, t.op.actor)
	if err != nil {
		return Details{}, err
	}
	id := rec.UserID(t.id, place)
	r, err := t.core().Store.Load(ctx, rec.Users.Key(id))
	if err != nil {
		return Details{}, err
	}
	u, _, err := rec.Users.Decode(r[0])
	if err != nil {
		return Details{}, err
	}
	if r[0].Version == 0 {
		if place.ID != "" {
			return Details{}, panel.ErrUserNotFound
		}
		u = rec.User{Panel: t.id, Site: p.Site, Slot: panel.Slot{Place: place}}
	}
	row, err := t.row(ctx, p, u, &g)
	if err != nil {
		return Details{}, err
	}
	info, err := t.op.desk.viewPanel(ctx, t.id, p)
	if err != nil {
		return Details{}, err
	}
	d := Details{Row: row, Title: row.Label, CodeText: "Set", Line: info.Line, Sections: sections(p.Model, u)}
	for _, g := range p.Model.Guides {
		if u.Pending&p.Model.Hands&g.Set != 0 {
			d.Guides = append(d.Guides, g)
		}
	}
	if row.Code == Minus {
		d.Title, d.CodeText = place.String(), "No code"
		d.Explain, d.Entry = explain(u), u.LastEntry
	}
	if row.Account.ID != "" {
		d.Account = &row.Account
	}
	return d, nil
}

func explain(u rec.User) Reason {
	switch {
	case u.Carry != nil:
		return ReasonReplaced
	case u.Gone == panel.Disabled:
		return ReasonDisabled
	case u.Gone == panel.AtPanel:
		return ReasonCodeRemovedExternally
	case u.Gone == panel.Withdrawn:
		return ReasonWithdrawn
	}
	return ReasonCodeNeverSet
}

func sections(m panel.Model, u rec.User) []Section {
	var out []Section
	add := func(f panel.Field, name, none string, items []string, n int) {
		if (m.Read|m.Writes())&f == 0 {
			return
		}
		text := none
		if n > 0 {
			text = fmt.Sprintf("%d %s", n, strings.ToLower(name))
		}
		if items == nil {
			items = []string{}
		}
		out = append(out, Section{Name: name, Text: text, Items: items})
	}
	add(panel.FieldLocks, DoorLocks, "No door locks", u.Reported.Locks, len(u.Reported.Locks))
	add(panel.FieldLegacyTags, LegacyTags, "No proximity tags", nil, u.Reported.Tags)
	add(panel.FieldLockTags, DoorlockTags, "No doorlock proximity tags", nil, u.Reported.Tags)
	add(panel.FieldKeypads, KeypadsAssigned, "No keypads", u.Reported.Keypads, len(u.Reported.Keypads))
	return out
}

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
		return strconv.Itoa(s.Tags)
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
