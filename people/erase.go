package people

import (
	"context"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// eraseLines is what the names of the lines of erasures begin with.
const eraseLines = "erase/"

// whileHeld is how often an erasure looks whether the hold on its account has ended.
const whileHeld = 24 * time.Hour

// Erase asks for the erasure of a removed account: removal ends an account and keeps what
// the log says of its owner, sealed; erasure destroys the key of that, so that nobody can
// read it any more, while every proof of the log stays valid. It is carried out by a loop
// when the policy's time has passed, and until then [Operator.CancelErasure] takes it back.
// Only operators of all sites erase; under the policies of both products a second person
// has to approve. It returns when it will be carried out.
//
// What other systems have received, and backups, are not reached from here. What the
// account's owner did as an operator stays in the log without their name. Errors:
// [accounts.ErrErasure], [accounts.ErrHeld], [accounts.ErrApprovalRequired], [accounts.ErrSiteMismatch].
func (op *Operator) Erase(ctx context.Context, id accounts.ID) (time.Time, error) {
	const name = "Erase"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	after := op.people.o.Policy.EraseAfter
	if after == 0 {
		after = accounts.DefaultEraseAfter
	}
	var due time.Time
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		if err := erasable(u, g, id); err != nil {
			return err
		}
		if _, _, err := flow.Load(u, rec.Erasures, string(id)); err != nil {
			return err
		}
		approver, err := op.approval(u, name, accounts.Account{ID: id, Sites: accounts.AllSites()}, "erase")
		if err != nil {
			return err
		}
		due = u.Now().Add(after)
		if _, err := u.Say(audit.AccountErasureAsked, audit.Success, []string{string(id)}, flow.F(audit.FieldAccount, string(id)),
			flow.F(audit.FieldApprover, approver), flow.F(audit.FieldDeadline, stamp(due))); err != nil {
			return err
		}
		u.Do(store.Mark{Line: eraseLines + string(id), Due: due})
		return flow.Put(u, rec.Erasures, string(id), &rec.Erasure{Asked: u.Now(), Approver: approver, Due: due})
	})
	return due, op.refused(ctx, name, nil, err)
}

// erasable reports why there is nothing to erase about an account.
func erasable(u *flow.Unit, g accounts.Grant, id accounts.ID) error {
	if !g.Sites.All() {
		return accounts.ErrAccountNotFound
	}
	a, found, err := flow.Load(u, rec.Accounts, string(id))
	if err != nil {
		return err
	}
	salt, known, err := flow.Load(u, rec.Salts, subject(id))
	if err != nil {
		return err
	}
	_, held, err := flow.Load(u, rec.Holds, string(id))
	switch {
	case err != nil:
		return err
	case held:
		return accounts.ErrHeld
	case !found && !known:
		return accounts.ErrAccountNotFound
	case found && a.Removed.IsZero(), len(salt.Salt) == 0:
		return accounts.ErrErasure
	}
	return nil
}

// CancelErasure takes back an erasure that was not carried out yet. Errors:
// [accounts.ErrErasure].
func (op *Operator) CancelErasure(ctx context.Context, id accounts.ID) error {
	const name = "CancelErasure"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	_, err = op.people.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		if !g.Sites.All() {
			return accounts.ErrAccountNotFound
		}
		_, found, err := flow.Load(u, rec.Erasures, string(id))
		if err != nil {
			return err
		}
		if !found {
			return accounts.ErrErasure
		}
		flow.Drop(u, rec.Erasures, string(id))
		_, err = u.Say(audit.AccountErasureCancelled, audit.Success, []string{string(id)}, flow.F(audit.FieldAccount, string(id)))
		return err
	})
	return op.refused(ctx, name, nil, err)
}

// WorkErasures carries out the erasures that are due, and returns. It can be interrupted
// and run again.
func (s *Service) WorkErasures(ctx context.Context) error {
	return s.core.EachDue(ctx, s.o.Node, eraseLines, 0, s.erase)
}

// erase carries out one erasure, unless it was taken back.
func (s *Service) erase(ctx context.Context, line store.Line) error {
	id := line.Name[len(eraseLines):]
	actor := accounts.SystemActor("erase")
	r, err := s.core.Store.Load(ctx, rec.Erasures.Key(id), rec.Holds.Key(id))
	if err != nil {
		return err
	}
	e, _, err := rec.Erasures.Decode(r[0])
	if err != nil {
		return err
	}
	asked, held := r[0].Version != 0, r[1].Version != 0
	fate := store.Fate{Done: line.Gen}
	switch now := s.core.Time(); {
	case asked && now.Before(e.Due):
		fate = store.Fate{Again: e.Due}
	case asked && held:
		fate = store.Fate{Again: now.Add(whileHeld)}
	case asked:
		if err := s.forget(ctx, actor, id); err != nil {
			return err
		}
	}
	_, err = s.core.Act(ctx, actor, func(u *flow.Unit) error {
		u.Do(store.Fence{Line: line.Name, Owner: line.Owner, Token: line.Token, Fate: fate})
		e, found, err := flow.Load(u, rec.Erasures, id)
		if err != nil || !found || u.Now().Before(e.Due) {
			return err
		}
		if _, held, err := flow.Load(u, rec.Holds, id); err != nil || held {
			return err
		}
		a, kept, err := flow.Load(u, rec.Accounts, id)
		if err != nil {
			return err
		}
		salt, _, err := flow.Load(u, rec.Salts, subject(accounts.ID(id)))
		if err != nil {
			return err
		}
		if a.Username = ""; kept {
			if err := flow.Put(u, rec.Accounts, id, &a); err != nil {
				return err
			}
		}
		if err := flow.Put(u, rec.Salts, subject(accounts.ID(id)), &rec.Salt{KeyID: salt.KeyID}); err != nil {
			return err
		}
		flow.Drop(u, rec.Erasures, id)
		_, err = u.Say(audit.AccountErased, audit.Success, []string{id}, flow.F(audit.FieldAccount, id), flow.F(audit.FieldApprover, e.Approver))
		return err
	})
	return err
}

// forget takes an account out of the lists by which the log finds it by an address, one
// list in each commit.
func (s *Service) forget(ctx context.Context, actor accounts.Actor, id string) error {
	q := store.Query{Kind: rec.Addresses.Name}
	for {
		rs, err := s.core.Store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range rs {
			q.After = &store.Position{ID: r.Key.ID}
			known, _, err := rec.Addresses.Decode(r)
			if err != nil {
				return err
			}
			if !slices.Contains(known.Accounts, id) {
				continue
			}
			if _, err := s.core.Act(ctx, actor, func(u *flow.Unit) error { return unlist(u, r.Key.ID, id) }); err != nil {
				return err
			}
		}
		if len(rs) < store.Page(q.Limit) {
			return nil
		}
	}
}

// unlist takes an account out of one list.
func unlist(u *flow.Unit, list, id string) error {
	known, found, err := flow.Load(u, rec.Addresses, list)
	if err != nil || !found {
		return err
	}
	known.Accounts = slices.DeleteFunc(known.Accounts, func(other string) bool { return other == id })
	if _, err := u.Say(audit.AccountErased, audit.Success, []string{id}, flow.F(audit.FieldAccount, id), flow.F(audit.FieldFields, "address")); err != nil {
		return err
	}
	if len(known.Accounts) == 0 {
		flow.Drop(u, rec.Addresses, list)
		return nil
	}
	return flow.Put(u, rec.Addresses, list, &known)
}
