package people

import (
	"context"
	"errors"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Who names an account by its id or its address. Make it with [ByID] or [ByEmail].
type Who struct {
	id    accounts.ID
	email accounts.Email
}

// ByID names an account by its id.
func ByID(id accounts.ID) Who { return Who{id: id} }

// ByEmail names an account by its address.
func ByEmail(e accounts.Email) Who { return Who{email: e} }

// Confirm makes an account Active with the code from the mail that its owner got. Setting
// the owner's password in the same step belongs to the sign-in; this is for hosts that
// keep passwords elsewhere.
//
// It is safe behind a public page: [ErrCode] is the one answer to everything that does
// not work, also for an address that nobody has, at the same cost. A code works once, and
// five attempts are all there are.
func (op *Operator) Confirm(ctx context.Context, who Who, code credentials.Code) (Account, error) {
	const name = "Confirm"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return Account{}, err
	}
	s := op.people
	id, err := s.find(ctx, g.Sites, who)
	if err != nil {
		return Account{}, err
	}
	target, targets := string(id), []string{string(id)}
	if id == "" {
		if target, err = s.stranger(who); err != nil {
			return Account{}, err
		}
		targets = nil
	}
	var after accounts.Account
	err = s.core.Spend(ctx, op.actor, flow.Setup, target, flow.OneTimeCode(code), func(u *flow.Unit) error {
		a, err := load(u, g.Sites, id)
		if err != nil {
			return err
		}
		if after, err = a.Confirm(u.Now()); err != nil {
			return err
		}
		if err := say(u, audit.AccountConfirmed, after, changed(u, a, after)...); err != nil {
			return err
		}
		return flow.Put(u, rec.Accounts, string(id), &after)
	})
	if err != nil {
		return Account{}, outsider(op.refused(ctx, name, targets, err))
	}
	return s.view(after), nil
}

// find returns the id of an account that somebody restricted to sites may know of, "" if
// there is none or the address is not one account's alone.
func (s *Service) find(ctx context.Context, sites accounts.Sites, who Who) (accounts.ID, error) {
	if !who.email.IsZero() {
		list, err := s.byEmail(ctx, sites, who.email)
		if err != nil || len(list) != 1 {
			return "", err
		}
		return list[0].ID, nil
	}
	_, err := s.peek(ctx, sites, who.id)
	if errors.Is(err, accounts.ErrAccountNotFound) || errors.Is(err, accounts.ErrAccountRemoved) {
		return "", nil
	}
	return who.id, err
}

// stranger stands for an account that is not there: attempts at it are counted like all
// others, and what was typed is not kept.
func (s *Service) stranger(who Who) (string, error) {
	f, err := s.core.Keys.Print(s.core.Keys.Epoch().Prints[0], credentials.Scope{Kind: emailScope, ID: "nobody"},
		credentials.MarkMaterial([]byte(who.email.Canonical()+"\x00"+string(who.id))))
	return f.String(), err
}
