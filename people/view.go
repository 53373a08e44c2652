package people

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Account is an account as operators see it: its facts, and what follows from them now.
// It is personal data and belongs into no log line.
type Account struct {
	accounts.Account
	State  accounts.State
	Status accounts.Status // in PowerManage's words; StatusGEM has GEM's
	// SignedIn is when the owner signed in last; zero: never. The lists and
	// [Operator.Account] look for it.
	SignedIn time.Time
	// Delivery is the last message to the owner; only [Operator.Account] looks for it.
	Delivery *Delivery
}

func (s *Service) view(a accounts.Account) Account {
	now := s.core.Time()
	return Account{Account: a, State: a.State(now), Status: a.StatusPowerManage(now)}
}

// Account returns one account.
func (op *Operator) Account(ctx context.Context, id accounts.ID) (Account, error) {
	g, err := op.allowed(ctx, "Account")
	if err != nil {
		return Account{}, err
	}
	a, err := op.people.peek(ctx, g.Sites, id)
	if err != nil {
		return Account{}, op.refused(ctx, "Account", nil, err)
	}
	v := []Account{op.people.view(a)}
	if err := op.people.signedIn(ctx, v); err != nil {
		return Account{}, err
	}
	v[0].Delivery, err = op.people.newest(ctx, id)
	return v[0], err
}

// Standing is how an account stands, and why its owner cannot get in.
type Standing struct {
	State       accounts.State
	PowerManage accounts.Status
	GEM         accounts.Status
	// Access is nil if the owner can sign in, else the cause: [accounts.ErrAccountSuspended]
	// and the like. For an account that is not confirmed it is an
	// [*accounts.NotConfirmedError], which says whether a code is open. It is for operators
	// only; an outsider gets [accounts.PublicError] of it.
	Access error
}

// Status tells how an account stands, without a sign-in. A removed account is
// [accounts.ErrAccountRemoved] to those who may see all sites, to others
// [accounts.ErrAccountNotFound].
func (op *Operator) Status(ctx context.Context, id accounts.ID) (Standing, error) {
	g, err := op.allowed(ctx, "Status")
	if err != nil {
		return Standing{}, err
	}
	a, err := op.people.peek(ctx, g.Sites, id)
	if err != nil {
		return Standing{}, op.refused(ctx, "Status", nil, err)
	}
	now := op.people.core.Time()
	s := Standing{State: a.State(now), PowerManage: a.StatusPowerManage(now), GEM: a.StatusGEM(now), Access: a.Access(now)}
	if s.State == accounts.NotConfirmed {
		open, err := op.people.core.SecretOpen(ctx, flow.Setup, string(id))
		if err != nil {
			return Standing{}, err
		}
		s.Access = &accounts.NotConfirmedError{PendingOTP: open}
	}
	return s, nil
}

// Exists reports whether an account has this address. One that shares no site with the
// operator does not.
func (op *Operator) Exists(ctx context.Context, email accounts.Email) (bool, error) {
	g, err := op.allowed(ctx, "Exists")
	if err != nil {
		return false, err
	}
	list, err := op.people.byEmail(ctx, g.Sites, email)
	return len(list) > 0, err
}

// byEmail lists the accounts with an address that somebody restricted to sites may see.
func (s *Service) byEmail(ctx context.Context, sites accounts.Sites, email accounts.Email) ([]accounts.Account, error) {
	var found []accounts.Account
	key := rec.AccountName(&accounts.Account{Email: email})
	q := store.Query{Kind: rec.Accounts.Name, Term: rec.ByName, From: key, To: append(slices.Clone(key), 0)}
	err := s.each(ctx, q, func(a accounts.Account) bool {
		if a.Email.Canonical() == email.Canonical() && visible(sites, a) {
			found = append(found, a)
		}
		return true
	})
	return found, err
}

// each reads accounts in order until keep says that it is enough.
func (s *Service) each(ctx context.Context, q store.Query, keep func(accounts.Account) bool) error {
	for {
		rs, err := s.core.Store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range rs {
			a, _, err := rec.Accounts.Decode(r)
			if err != nil {
				return err
			}
			if !keep(a) {
				return nil
			}
			q.After = place(a)
		}
		if len(rs) < store.Page(q.Limit) {
			return nil
		}
	}
}

// place is where an account stands in the list.
func place(a accounts.Account) *store.Position {
	return &store.Position{Value: rec.AccountName(&a), ID: string(a.ID)}
}

// Cursor is where a list goes on. It holds the beginning of an address: it is personal.
type Cursor string

// Search selects accounts.
type Search struct {
	Prefix string // of the address, or of the username where there is no address
	After  Cursor // Page.Next of the page before; "" begins
	Limit  int    // at most 1000; 0: 15
	Filter        // of those, which
}

// Page is a part of a list of accounts, in the order of their addresses.
type Page struct {
	Accounts []Account
	Next     Cursor // "" if there are no more
	Total    int64  // of the whole list
}

// pageSize is how many accounts a page has if nobody says.
const pageSize = 15

// Accounts lists the accounts that share a site with the operator, visitors aside. For an
// operator of all sites a page costs the same wherever it lies in the list; for others
// only accounts of their sites are read, and counted by reading them. With a filter every
// account of the operator's sites under the prefix is read. Errors: [ErrCursor].
func (op *Operator) Accounts(ctx context.Context, s Search) (Page, error) {
	return op.list(ctx, "Accounts", false, s)
}

func (op *Operator) list(ctx context.Context, name string, visitors bool, s Search) (Page, error) {
	g, err := op.allowed(ctx, name)
	if err != nil {
		return Page{}, err
	}
	limit := store.Page(s.Limit)
	if s.Limit == 0 {
		limit = pageSize
	}
	after, err := s.After.position()
	if err != nil {
		return Page{}, err
	}
	of := listing{sites: g.Sites, visitors: visitors, prefix: []byte(strings.ToLower(strings.TrimSpace(s.Prefix)))}
	var page Page
	if page.Total, err = op.people.count(ctx, of, s.Filter); err != nil {
		return Page{}, err
	}
	of.after, of.limit = after, limit+1
	more := false
	err = op.people.sift(ctx, of, s.Filter, func(a accounts.Account) bool {
		if more = len(page.Accounts) == limit; more {
			return false
		}
		page.Accounts = append(page.Accounts, op.people.view(a))
		return true
	})
	if err != nil {
		return Page{}, err
	}
	if more {
		page.Next = cursor(place(page.Accounts[limit-1].Account))
	}
	return page, op.people.signedIn(ctx, page.Accounts)
}

// count counts the accounts of a list.
func (s *Service) count(ctx context.Context, of listing, f Filter) (int64, error) {
	if of.sites.All() && f == (Filter{}) {
		return s.core.Store.Tally(ctx, of.whole())
	}
	var n int64
	err := s.sift(ctx, of, f, func(accounts.Account) bool { n++; return true })
	return n, err
}

func cursor(p *store.Position) Cursor {
	return Cursor(base64.RawURLEncoding.EncodeToString([]byte(p.ID + "\x00" + string(p.Value))))
}

func (c Cursor) position() (*store.Position, error) {
	if c == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	id, value, ok := strings.Cut(string(b), "\x00")
	if err != nil || !ok {
		return nil, ErrCursor
	}
	return &store.Position{ID: id, Value: []byte(value)}, nil
}
