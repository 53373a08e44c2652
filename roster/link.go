package roster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Errors of suggestions.
var (
	// ErrPrefix: suggestions need a longer beginning of an address.
	ErrPrefix = fault.New(fault.Invalid, "roster: type at least 3 characters").
			Hinted("Type at least three characters of the address.")
	// ErrSuggestLimit: too many suggestions were asked for.
	ErrSuggestLimit = fault.New(fault.Busy, "roster: too many look-ups").
			Hinted("Wait a minute before you look further.")
)

// Limits of suggestions.
const (
	suggestMax    = 10  // people in one answer
	suggestMinute = 120 // answers for one actor in a minute
)

// Suggestion is an account that was found for a typed address. Only a suggestion can be
// assigned, never a typed text; it is judged again when it is assigned.
type Suggestion struct {
	person accounts.Person
}

// Person is who was found.
func (s Suggestion) Person() accounts.Person { return s.person }

// Suggest finds accounts of the operator's sites whose address begins with prefix.
func (op *Operator) Suggest(ctx context.Context, prefix string) ([]Suggestion, error) {
	g, err := op.desk.core.Authority.Grant(ctx, op.actor)
	if err != nil {
		return nil, err
	}
	if err := op.desk.core.Allowed(ctx, op.actor, "roster.Suggest", ""); err != nil {
		return nil, op.refused(ctx, "Suggest", nil, err)
	}
	prefix = strings.TrimSpace(prefix)
	switch {
	case prefix == "":
		return nil, accounts.ErrEmailRequired
	case len(prefix) < 3:
		return nil, ErrPrefix
	}
	minute := op.desk.core.Time().Truncate(time.Minute)
	_, err = op.desk.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		u.Do(store.Count{Counter: fmt.Sprintf("suggest/%d/%s", minute.Unix(), op.actor.ID()), By: 1, Max: suggestMinute, Until: minute.Add(2 * time.Minute)})
		return nil
	})
	if errors.Is(err, store.ErrLimit) {
		return nil, ErrSuggestLimit
	}
	if err != nil {
		return nil, err
	}
	people, err := op.desk.people.Suggest(ctx, g.Sites, prefix, suggestMax)
	if err != nil {
		return nil, err
	}
	out := make([]Suggestion, len(people))
	for i, p := range people {
		out[i] = Suggestion{person: p}
	}
	return out, nil
}

// Choose makes a suggestion of an account that was suggested before, by its id: for hosts
// whose pages come and go between the search and the choice. It is judged again when it
// is assigned. An account of none of the operator's sites is not found.
func (op *Operator) Choose(ctx context.Context, id accounts.ID) (Suggestion, error) {
	g, err := op.desk.core.Authority.Grant(ctx, op.actor)
	if err != nil {
		return Suggestion{}, err
	}
	if err := op.desk.core.Allowed(ctx, op.actor, "roster.Choose", ""); err != nil {
		return Suggestion{}, op.refused(ctx, "Choose", nil, err)
	}
	p, err := op.desk.people.Person(ctx, id)
	if err == nil && !g.Sites.All() && !g.Sites.Overlaps(p.Sites) {
		err = accounts.ErrAccountNotFound
	}
	if err != nil {
		return Suggestion{}, err
	}
	return Suggestion{person: p}, nil
}

// Assignment links one account to one user of one panel. Both inputs start empty;
// nothing is stored before [Assignment.Save].
type Assignment struct {
	tab   *Tab
	info  Panel
	who   Suggestion
	place panel.Place
}

// NewAssignment starts an assignment on the panel.
func (t *Tab) NewAssignment(ctx context.Context) (*Assignment, error) {
	info, err := t.Info(ctx)
	return &Assignment{tab: t, info: info}, err
}

// Title names the panel, so that the target can be reviewed before saving.
func (a *Assignment) Title() string { return "Assign account to panel " + a.info.Ident }

// Choose takes a suggestion.
func (a *Assignment) Choose(s Suggestion) { a.who = s }

// Place takes the panel user.
func (a *Assignment) Place(p panel.Place) { a.place = p }

// Save assigns.
func (a *Assignment) Save(ctx context.Context) (Receipt, error) {
	return a.tab.Assign(ctx, a.place, a.who)
}

// AssignableUsers lists the places that can receive an account: those with a code and
// without an account; none if the account has a user on this panel already, which is
// [accounts.ErrAccountOnPanel].
func (t *Tab) AssignableUsers(ctx context.Context, s Suggestion) ([]Row, error) {
	p, err := t.peek(ctx, "AssignableUsers")
	if err != nil {
		return nil, err
	}
	users, err := t.users(ctx)
	if err != nil {
		return nil, err
	}
	var out []Row
	for _, u := range users {
		if l := u.CurrentLink(); l != nil {
			if l.Account == string(s.person.ID) {
				return nil, &accounts.AccountOnPanelError{Slot: u.Slot.Slot}
			}
			if _, gone, err := t.op.desk.linked(ctx, u); err != nil || !gone {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		if t.op.desk.o.Policy.AssignRequiresCode && !u.Exists() || u.Unmanaged() {
			continue
		}
		row, err := t.row(ctx, p, u, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

// Assign links an account, chosen from suggestions, to a user of this panel. A
// suspended account cannot be assigned, an occupied user is never replaced, an account has
// one user for each panel, and over all panels as many as the policy allows
// ([accounts.ErrLinkLimit]).
func (t *Tab) Assign(ctx context.Context, place panel.Place, s Suggestion) (Receipt, error) {
	name := "Assign"
	if t.err == nil {
		switch {
		case s.person.ID == "":
			return Receipt{}, t.op.refused(ctx, name, []string{t.id}, accounts.ErrAccountNotSelected)
		case place == (panel.Place{}):
			return Receipt{}, t.op.refused(ctx, name, []string{t.id}, accounts.ErrPanelUserRequired)
		}
	}
	r, err := t.decide(ctx, name, place, func(d *decision) error {
		p, err := d.person(s.person.ID)
		switch {
		case err != nil:
			return err
		case p.Status == accounts.StatusSuspended:
			return accounts.ErrAccountSuspended
		}
		if t.op.desk.o.Policy.AssignRequiresCode && !d.user.Exists() {
			return panel.ErrCodeNotSet
		}
		if d.user.Unmanaged() {
			return panel.ErrUnmanaged
		}
		if l := d.user.CurrentLink(); l != nil {
			_, gone, err := t.op.desk.linked(ctx, d.user)
			if err != nil {
				return err
			}
			if !gone {
				return accounts.ErrSlotHasAccount
			}
		}
		back := d.user.Link != nil && d.user.Link.Account == string(p.ID) // who had the place before has it again
		if d.user.Link != nil && !back {
			d.unlink()
		}
		if err := d.room(string(p.ID)); err != nil {
			return err
		}
		d.user.Link = &rec.Link{Account: string(p.ID), Tenancy: d.user.Tenancy, At: d.Now()}
		if !back {
			d.Do(store.Claim{Name: flow.LinkName(t.id, string(p.ID)), Holder: d.id, Use: "link"})
		}
		return d.say(audit.AccountAssigned, flow.Field{Name: audit.FieldEmail, Value: p.Email.String(), Of: subject(d.user)})
	})
	if isTaken(err) {
		err = t.whereElse(ctx, s.person.ID)
	}
	return r, err
}

// person finds somebody for a decision; keyholder's own accounts are checked again by
// the commit.
func (d *decision) person(id accounts.ID) (accounts.Person, error) {
	if own, ok := d.tab.op.desk.people.(*flow.Accounts); ok {
		return own.Bind(d.Unit, id)
	}
	return d.tab.op.desk.people.Person(d.Context(), id)
}

// whereElse names the user that the account has on this panel.
func (t *Tab) whereElse(ctx context.Context, id accounts.ID) error {
	users, err := t.users(ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		if l := u.CurrentLink(); l != nil && l.Account == string(id) {
			return &accounts.AccountOnPanelError{Slot: u.Slot.Slot}
		}
	}
	return accounts.ErrAccountOnPanel
}

// unlink takes the link off. The codes stay claimed as they are until the next code.
func (d *decision) unlink() {
	d.Do(store.Release{Name: flow.LinkName(d.tab.id, d.user.Link.Account), Holder: d.id, Use: "link"})
	d.user.Link = nil
}

// Unassign takes the account off the user. The account itself stays: it can still sign
// in and be assigned again. To delete an account, see package people.
func (t *Tab) Unassign(ctx context.Context, place panel.Place, opts ...WishOption) (Receipt, error) {
	o := options(opts)
	return t.decide(ctx, "Unassign", place, func(d *decision) error {
		if d.user.Link == nil {
			return accounts.ErrNoAccountAssigned
		}
		if t.op.desk.o.Policy.RequireConfirm && o.confirm == "" {
			return accounts.ErrConfirmationRequired
		}
		p, _, err := t.op.desk.linked(ctx, d.user)
		if err != nil {
			return err
		}
		of := audit.AccountActor + "/" + d.user.Link.Account
		if err := d.say(audit.AccountUnassigned, flow.F(audit.FieldReason, o.reason), flow.Field{Name: audit.FieldEmail, Value: p.Email.String(), Of: of}); err != nil {
			return err
		}
		d.unlink()
		return nil
	})
}

// linked returns the person behind a user's link; gone: there is no link, or the account
// was removed, which reads as none from the commit on that removed it.
func (d *Desk) linked(ctx context.Context, u rec.User) (p accounts.Person, gone bool, err error) {
	if u.Link == nil {
		return p, true, nil
	}
	p, err = d.people.Person(ctx, accounts.ID(u.Link.Account))
	if errors.Is(err, accounts.ErrAccountNotFound) {
		return accounts.Person{}, true, nil
	}
	return p, false, err
}
