package people

import (
	"context"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// visitorDigits is how long a visitor's PIN is.
const visitorDigits = 6

// Stays are the lengths of a visit that a form offers, beside an end of one's own.
func Stays() []time.Duration {
	return []time.Duration{time.Hour, 4 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
}

// NewVisitor is the form by which a visitor is issued.
type NewVisitor struct {
	First, Last string         // the first name is required
	Email       accounts.Email // may be left out, unless MailPIN
	Phone       string
	Photo       []byte         // from a file or a camera, see [Operator.SetPhoto]; nil for none
	Host        accounts.ID    // the account of whoever answers for the visitor, see [Operator.Hosts]; "" for none
	Groups      []string       // ids of the access groups that say where the visitor may enter; at least one
	Sites       accounts.Sites // where; at least one of the operator's own
	From        time.Time      // when the visit begins; zero: now
	Stay        time.Duration  // how long it lasts, see [Stays]; 0: Until says
	Until       time.Time      // when it ends, where no Stay does
	MailPIN     bool           // the PIN goes to the visitor's address too
}

// IssuedVisitor is a visitor who was issued just now.
type IssuedVisitor struct {
	Account
	PIN      credentials.Code // it is shown here and nowhere else, ever
	Delivery Delivery         // of the message with the PIN; zero: none was asked for
}

// IssueVisitor adds a visitor in one commit: an account without roles that ends by itself,
// a member of access groups, with a PIN of 6 digits that is drawn here, is nobody else's,
// and is kept sealed only. If it is forgotten give another (roster's Person.GeneratePIN).
// Visitors are listed by [Operator.Visitors] and are assigned to no panel user.
//
// Errors: [accounts.ErrFirstNameRequired], [accounts.ErrGroupRequired],
// [accounts.ErrGroupNotFound], [accounts.ErrVisitor] without an end or with two,
// [accounts.ErrAccountNotFound] for the host, [ErrNoSites], [accounts.ErrSiteMismatch],
// [accounts.ErrNoEmail] and [accounts.ErrMailerNotConfigured] for MailPIN,
// [credentials.ErrExhausted], those of [accounts.Policy.Check] and those about the photo.
func (op *Operator) IssueVisitor(ctx context.Context, n NewVisitor) (IssuedVisitor, error) {
	const name = "IssueVisitor"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return IssuedVisitor{}, err
	}
	v := issue{NewVisitor: n, op: op, grant: g, id: accounts.ID(flow.NewID())}
	if err := v.judge(); err != nil {
		return IssuedVisitor{}, op.refused(ctx, name, nil, err)
	}
	if n.Photo != nil {
		p, err := op.people.picture(ctx, n.Photo, true)
		if err != nil {
			return IssuedVisitor{}, op.refused(ctx, name, nil, err)
		}
		v.photo = &p
	}
	pin, err := flow.Draw(visitorDigits, op.people.o.Codes, func(c credentials.Code) error {
		_, err := op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error { return v.put(u, c) })
		return taken(err)
	})
	if err != nil {
		return IssuedVisitor{}, op.refused(ctx, name, nil, err)
	}
	d, err := op.people.await(ctx, v.message)
	return IssuedVisitor{Account: op.people.view(v.made), PIN: pin, Delivery: d}, err
}

// issue is a visitor who is being issued.
type issue struct {
	NewVisitor
	op      *Operator
	grant   accounts.Grant
	id      accounts.ID
	photo   *picture // nil for none
	made    accounts.Account
	message string // id of the one with the PIN, "" for none
}

// judge says what is wrong with the form, whatever is stored.
func (v *issue) judge() error {
	switch {
	case len(v.Groups) == 0, len(v.Groups) > maxGroups:
		return accounts.ErrGroupRequired
	case v.Stay < 0, v.Stay > 0 && !v.Until.IsZero():
		return accounts.ErrVisitor
	case v.MailPIN && v.Email.IsZero():
		return accounts.ErrNoEmail
	case v.MailPIN && v.op.people.o.Mailer == nil:
		return accounts.ErrMailerNotConfigured
	case v.Sites.None():
		return ErrNoSites
	case !v.grant.Sites.Covers(v.Sites):
		return accounts.ErrSiteMismatch
	}
	return nil
}

// put puts the visitor with a PIN into a decision.
func (v *issue) put(u *flow.Unit, pin credentials.Code) error {
	if v.From.IsZero() {
		v.From = u.Now().Truncate(time.Second)
	}
	account := NewAccount{Email: v.Email, First: strings.TrimSpace(v.First), Last: v.Last, Phone: v.Phone, Sites: v.Sites}
	account.Window.From, account.Window.Until = v.From, v.Until
	if v.Stay > 0 {
		account.Window.Until = v.From.Add(v.Stay)
	}
	h, err := flow.HoldingOf(u, string(v.id))
	if err != nil {
		return err
	}
	h.Codes = v.op.people.o.Codes
	if err := h.SetCode(rec.PIN, pin); err != nil {
		return err
	}
	if v.made, v.message, err = v.op.add(u, v.grant, v.id, account, func(u *flow.Unit, _ accounts.Grant, a *accounts.Account) (string, []flow.Field, error) {
		return v.begin(u, a, flow.Posting{Secret: flow.Issued{Secret: flow.OneTimeCode(pin)}, PIN: h.PIN.Generation})
	}); err != nil {
		return err
	}
	for _, id := range once(v.Groups) {
		if err := v.join(u, id); err != nil {
			return err
		}
	}
	if v.photo != nil {
		if err := v.op.people.keep(u, v.made, *v.photo); err != nil {
			return err
		}
	}
	return h.Write("PIN", "")
}

// begin makes a visitor of a new account, and posts the message with the PIN where that was
// asked for.
func (v *issue) begin(u *flow.Unit, a *accounts.Account, p flow.Posting) (string, []flow.Field, error) {
	a.Kind, a.Host = accounts.VisitorKind, v.Host
	if v.Host != "" {
		host, err := load(u, v.grant.Sites, v.Host)
		if err != nil {
			return "", nil, err
		}
		if err := host.Access(u.Now()); err != nil {
			return "", nil, err
		}
	}
	var err error
	if *a, err = a.Confirm(u.Now()); err != nil || !v.MailPIN {
		return "", nil, err
	}
	p.Account, p.To, p.Name, p.Secret.Purpose, p.Secret.Expires = string(a.ID), a.Email, a.Name(), flow.Purpose(VisitorLetter), a.Window.Until
	id, err := u.Post(p)
	return id, []flow.Field{flow.F(audit.FieldMessage, id)}, err
}

// Visitors lists the visitors that share a site with the operator, as [Operator.Accounts]
// lists all others; those whose time is over among them.
func (op *Operator) Visitors(ctx context.Context, s Search) (Page, error) {
	return op.list(ctx, "Visitors", true, s)
}

// Host is somebody who can answer for a visitor. It is personal data.
type Host struct {
	ID   accounts.ID
	Name string // as it stands on the badge
}

// maxHosts is how many hosts a search answers with.
const maxHosts = 20

// Hosts finds the people of the operator's sites who can answer for a visitor, by a part
// of the name under which they are shown: at most 20, in the order of their addresses.
func (op *Operator) Hosts(ctx context.Context, name string) ([]Host, error) {
	g, err := op.allowed(ctx, "Hosts")
	if err != nil {
		return nil, err
	}
	now := op.people.core.Time()
	var out []Host
	err = op.people.walk(ctx, listing{sites: g.Sites}, func(a accounts.Account) bool {
		if a.Kind == accounts.PersonKind && a.Access(now) == nil && part(a.Name(), name) {
			out = append(out, Host{ID: a.ID, Name: a.Name()})
		}
		return len(out) < maxHosts
	})
	return out, err
}
