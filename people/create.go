package people

import (
	"context"
	"slices"
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
	Phone       string // in international form, "" for none
	Roles       []string
	Sites       accounts.Sites     // at least one of the operator's own
	Window      credentials.Window // when it is valid; the zero value is always
}

// Create adds an account and mails its owner a code: until that is used the account is
// Not confirmed and gives no access. How the mail fares is in the [Delivery], which is
// zero for an account without an address; the account is there either way.
//
// Whoever gives roles needs the right to change roles, and no role gives more than the
// operator has. Errors: those of [accounts.Policy.Check], [ErrNoSites],
// [accounts.ErrEmailInUse], [accounts.ErrUsernameTaken], [accounts.ErrSiteMismatch],
// [accounts.ErrRoleNotFound], [accounts.ErrMailerNotConfigured].
func (op *Operator) Create(ctx context.Context, n NewAccount) (Account, Delivery, error) {
	return op.create(ctx, "Create", n, func(u *flow.Unit, a *accounts.Account) (string, []flow.Field, error) {
		if a.Email.IsZero() {
			return "", nil, nil
		}
		return op.mail(u, flow.Setup, *a, "")
	})
}

// CreateConfirmed adds an account that needs no code, because its owner was confirmed
// elsewhere: for imports, and for the first operator. It sends nothing. Errors: as Create.
func (op *Operator) CreateConfirmed(ctx context.Context, n NewAccount) (Account, error) {
	a, _, err := op.create(ctx, "CreateConfirmed", n, func(u *flow.Unit, a *accounts.Account) (string, []flow.Field, error) {
		var err error
		*a, err = a.Confirm(u.Now())
		return "", nil, err
	})
	return a, err
}

// create adds an account; begin is what makes the two ways differ.
func (op *Operator) create(ctx context.Context, name string, n NewAccount, begin func(*flow.Unit, *accounts.Account) (message string, fields []flow.Field, err error)) (Account, Delivery, error) {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return Account{}, Delivery{}, err
	}
	if err := op.mayCreate(ctx, g, n); err != nil {
		return Account{}, Delivery{}, op.refused(ctx, name, nil, err)
	}
	id := accounts.ID(flow.NewID())
	var a accounts.Account
	var message string
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		a = accounts.Account{Created: u.Now(), Email: n.Email, First: n.First, ID: id, Last: n.Last, Phone: n.Phone,
			Roles: slices.Clone(n.Roles), Sites: n.Sites, Username: n.Username, Window: n.Window}
		if err := op.people.o.Policy.Check(a); err != nil {
			return err
		}
		var fields []flow.Field
		var err error
		if message, fields, err = begin(u, &a); err != nil {
			return err
		}
		if err := op.people.claim(u, a); err != nil {
			return err
		}
		if err := flow.Put(u, rec.Accounts, string(id), &a); err != nil {
			return err
		}
		of := subject(id)
		return say(u, audit.AccountCreated, a, append(fields,
			flow.Field{Name: audit.FieldName, Value: strings.TrimSpace(a.First + " " + a.Last), Of: of},
			flow.Field{Name: audit.FieldPhone, Value: a.Phone, Of: of},
			flow.F(audit.FieldRole, strings.Join(a.Roles, ", ")), flow.F(audit.FieldSites, a.Sites.String()),
			flow.F(audit.FieldStatus, string(a.StatusPowerManage(u.Now()))))...)
	})
	if err != nil {
		return Account{}, Delivery{}, op.refused(ctx, name, nil, taken(err))
	}
	d, err := op.people.await(ctx, message)
	return op.people.view(a), d, err
}

// mayCreate judges what does not depend on what is stored.
func (op *Operator) mayCreate(ctx context.Context, g accounts.Grant, n NewAccount) error {
	switch {
	case n.Sites.None():
		return ErrNoSites
	case !within(g.Sites, n.Sites):
		return accounts.ErrSiteMismatch
	case len(n.Roles) == 0:
		return nil
	}
	if err := op.people.core.Allowed(ctx, op.actor, "people.SetRoles", ""); err != nil {
		return err
	}
	return mayGive(g, n.Roles)
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
