package people

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// NewAccount is what an account begins with.
type NewAccount struct {
	Email       accounts.Email // see [accounts.Policy] for where it may be left out
	Username    string         // "" for none; it never changes
	First, Last string
	Phone       string        // in international form, "" for none
	Kind        accounts.Kind // a person, a service or an installer; visitors are issued, see [Operator.IssueVisitor]
	Session     *int          // see [Details]
	Profile     string        // id of the notification profile, "" for none
	Roles       []string
	Sites       accounts.Sites     // at least one of the operator's own
	Window      credentials.Window // when it is valid; the zero value is always
}

// Create adds an account and mails its owner a code: until that is used the account is
// Not confirmed and gives no access. How the mail fares is in the [Delivery], which is
// zero for an account without an address; the account is there either way.
//
// Whoever gives roles needs the right to change roles, and no role gives more than the
// operator has; where that needs approval, roles are given afterwards. It needs a fresh
// factor then: one that is bound to an act is proven for "people.Create", without a target.
// Errors: those of [accounts.Policy.Check], [ErrNoSites],
// [accounts.ErrEmailInUse], [accounts.ErrUsernameTaken], [accounts.ErrSiteMismatch],
// [accounts.ErrSiteNotFound],
// [accounts.ErrRoleNotFound], [accounts.ErrMailerNotConfigured].
func (op *Operator) Create(ctx context.Context, n NewAccount) (Account, Delivery, error) {
	return op.create(ctx, "Create", n, func(u *flow.Unit, _ accounts.Grant, a *accounts.Account) (string, []flow.Field, error) {
		if a.Email.IsZero() {
			return "", nil, nil
		}
		return op.mail(u, flow.Setup, *a, "")
	})
}

// CreateConfirmed adds an account that needs no code, because its owner was confirmed
// elsewhere: for imports, and for the first operator. It sends nothing. Errors: as Create.
func (op *Operator) CreateConfirmed(ctx context.Context, n NewAccount) (Account, error) {
	a, _, err := op.create(ctx, "CreateConfirmed", n, func(u *flow.Unit, _ accounts.Grant, a *accounts.Account) (string, []flow.Field, error) {
		var err error
		*a, err = a.Confirm(u.Now())
		return "", nil, err
	})
	return a, err
}

// create adds an account; begin is what makes the two ways differ.
func (op *Operator) create(ctx context.Context, name string, n NewAccount, begin func(*flow.Unit, accounts.Grant, *accounts.Account) (message string, fields []flow.Field, err error)) (Account, Delivery, error) {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return Account{}, Delivery{}, err
	}
	if err := op.mayCreate(ctx, name, g, n); err != nil {
		return Account{}, Delivery{}, op.refused(ctx, name, nil, err)
	}
	id := accounts.ID(flow.NewID())
	var a accounts.Account
	var message string
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		var err error
		a, message, err = op.add(u, g, id, n, begin)
		return err
	})
	if err != nil {
		return Account{}, Delivery{}, op.refused(ctx, name, nil, taken(err))
	}
	d, err := op.people.await(ctx, message)
	return op.people.view(a), d, err
}

// add puts a new account into a decision.
func (op *Operator) add(u *flow.Unit, g accounts.Grant, id accounts.ID, n NewAccount, begin func(*flow.Unit, accounts.Grant, *accounts.Account) (message string, fields []flow.Field, err error)) (accounts.Account, string, error) {
	a := accounts.Account{Created: u.Now(), Creator: op.actor.ID(), Email: n.Email, First: n.First, ID: id, Kind: n.Kind, Last: n.Last, Phone: n.Phone,
		Profile: n.Profile, Roles: once(n.Roles), Session: n.Session, Sites: n.Sites, Username: n.Username, Window: n.Window.Whole()}
	if err := hasProfile(u, n.Profile); err != nil {
		return a, "", err
	}
	if err := op.people.hasSites(u, accounts.Sites{}, n.Sites); err != nil {
		return a, "", err
	}
	if err := mayGive(u, g, n.Roles); err != nil {
		return a, "", err
	}
	message, fields, err := begin(u, g, &a)
	if err != nil {
		return a, "", err
	}
	if err := op.people.policy(a).Check(a); err != nil {
		return a, "", err
	}
	if err := op.people.claim(u, a); err != nil {
		return a, "", err
	}
	flow.ReserveRoles(u, string(id), flow.RoleUse, nil, a.Roles)
	if err := flow.Put(u, rec.Accounts, string(id), &a); err != nil {
		return a, "", err
	}
	of := subject(id)
	return a, message, say(u, audit.AccountCreated, a, append(fields,
		flow.Field{Name: audit.FieldName, Value: strings.TrimSpace(a.First + " " + a.Last), Of: of},
		flow.Field{Name: audit.FieldPhone, Value: a.Phone, Of: of},
		flow.F(audit.FieldRole, a.RolesText()), flow.F(audit.FieldSites, a.Sites.String()),
		flow.F(audit.FieldStatus, string(a.StatusPowerManage(u.Now()))))...)
}

// policy is what an account has to fulfil: visitors need neither an address nor a username.
func (s *Service) policy(a accounts.Account) accounts.Policy {
	p := s.o.Policy
	if a.Kind == accounts.VisitorKind {
		p.EmailRequired, p.LoginBy = false, accounts.ByEither
	}
	return p
}

// mayCreate judges what does not depend on what is stored.
func (op *Operator) mayCreate(ctx context.Context, name string, g accounts.Grant, n NewAccount) error {
	switch {
	case n.Sites.None():
		return ErrNoSites
	case !g.Sites.Covers(n.Sites):
		return accounts.ErrSiteMismatch
	case len(n.Roles) == 0:
		return nil
	case name == "Create" && op.people.o.Policy.Approve.Has(accounts.RolesManage):
		return fmt.Errorf("%w: add the account without roles, then give them", accounts.ErrApprovalRequired)
	}
	return op.people.core.Allowed(ctx, op.actor, "people.SetRoles", "")
}

// mail issues a code for the account's owner and posts the message that carries it. It
// returns the message's id and the fields that tell of it.
func (op *Operator) mail(u *flow.Unit, purpose flow.Purpose, a accounts.Account, budget string) (string, []flow.Field, error) {
	if op.people.o.Mailer == nil {
		return "", nil, accounts.ErrMailerNotConfigured
	}
	secret, err := u.Issue(purpose, string(a.ID), flow.Digits, op.people.o.Policy.OTPLife)
	if err != nil {
		return "", nil, err
	}
	id, err := u.Post(flow.Posting{Account: string(a.ID), To: a.Email, Name: a.Name(), Secret: secret, Budget: budget})
	return id, []flow.Field{flow.F(audit.FieldMessage, id), flow.F(audit.FieldExpires, secret.Expires.Format(time.RFC3339))}, err
}
