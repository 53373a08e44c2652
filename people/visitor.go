package people

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// NewVisitor is what a visitor is issued with.
type NewVisitor struct {
	First, Last string // the first name is required
	Email       accounts.Email
	Phone       string
	Host        accounts.ID    // the account of whoever answers for the visitor
	Sites       accounts.Sites // where; at least one of the operator's own
	From, Until time.Time      // when; From may be zero, Until is required
}

// IssueVisitor adds a visitor: an account without roles that ends by itself. Visitors are
// listed by [Operator.Visitors] and are assigned to no panel user. Nothing is sent.
// Errors: [accounts.ErrVisitor], [accounts.ErrAccountNotFound] for the host, [ErrNoSites],
// [accounts.ErrSiteMismatch], and those of [accounts.Policy.Check] about what is given.
func (op *Operator) IssueVisitor(ctx context.Context, n NewVisitor) (Account, error) {
	account := NewAccount{Email: n.Email, First: n.First, Last: n.Last, Phone: n.Phone, Sites: n.Sites}
	account.Window.From, account.Window.Until = n.From, n.Until
	a, _, err := op.create(ctx, "IssueVisitor", account, func(u *flow.Unit, g accounts.Grant, a *accounts.Account) (string, []flow.Field, error) {
		a.Kind, a.Host = accounts.VisitorKind, n.Host
		if n.Host != "" {
			host, err := load(u, g.Sites, n.Host)
			if err != nil {
				return "", nil, err
			}
			if err := host.Access(u.Now()); err != nil {
				return "", nil, err
			}
		}
		var err error
		*a, err = a.Confirm(u.Now())
		return "", nil, err
	})
	return a, err
}

// Visitors lists the visitors that share a site with the operator, as [Operator.Accounts]
// lists all others; those whose time is over among them.
func (op *Operator) Visitors(ctx context.Context, s Search) (Page, error) {
	return op.list(ctx, "Visitors", true, s)
}
