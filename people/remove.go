package people

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Confirmation is what a person confirmed: the account that they had before their eyes.
// It names the account's address; its username or id where it has no address.
type Confirmation struct{ Account string }

// check reports whether the account that was confirmed is this one.
func (c Confirmation) check(a accounts.Account) error {
	named := strings.TrimSpace(c.Account)
	want := a.Email.String()
	switch {
	case named == "":
		return accounts.ErrConfirmationRequired
	case want == "" && a.Username != "":
		want = a.Username
	case want == "":
		want = string(a.ID)
	}
	if !strings.EqualFold(named, want) {
		return accounts.ErrConfirmationMismatch
	}
	return nil
}

// Remove ends an account for good: its owner cannot sign in any more, it is no panel
// user's account from that moment on, its address is free, its codes and messages are
// void, and its photo, attributes, password, factors, provider and devices are gone. Codes,
// labels and partitions of panel users stay as they are, and so does the log.
//
// It cannot be undone. To take an account off a panel user and keep it, unassign it
// (package roster); to take access away for a while, suspend it. After a mistake add the
// account again and assign it again.
//
// Errors: [accounts.ErrConfirmationRequired], [accounts.ErrConfirmationMismatch],
// [accounts.ErrDeleteForbidden], [accounts.ErrAccountNotFound], [accounts.ErrAccountRemoved].
func (op *Operator) Remove(ctx context.Context, id accounts.ID, confirm Confirmation) error {
	const name = "Remove"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return err
	}
	s := op.people
	var targets []string
	_, err = s.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		a, err := load(u, g.Sites, id)
		if err != nil {
			return err
		}
		targets = []string{string(id)}
		gone, err := a.Remove(u.Now(), s.o.Policy)
		if err != nil {
			return err
		}
		if err := confirm.check(a); err != nil {
			return err
		}
		if err := op.guard(u, name, g, a); err != nil {
			return err
		}
		if err := s.keepAdmin(u, a, gone); err != nil {
			return err
		}
		approver, err := op.approval(u, name, a, "remove")
		if err != nil {
			return err
		}
		return s.bury(u, a, gone, flow.F(audit.FieldApprover, approver))
	})
	if err != nil {
		return op.refused(ctx, name, targets, err)
	}
	s.unlink(ctx, op.actor, id)
	return nil
}

// Leave ends the actor's own account, as [Operator.Remove] ends another's: nothing of panel
// users, settings and history changes. It asks for a factor that was proven just now, and
// for no right and no second person. Package signin has it with the current password
// (signin.Owner.Leave). Errors: [accounts.ErrStepUpRequired], [accounts.ErrLastAdmin],
// [accounts.ErrDeleteForbidden], [accounts.ErrAccountNotFound].
func (s *Service) Leave(ctx context.Context, actor accounts.Actor) error {
	op, id := s.As(actor), actor.ID()
	if actor.Kind() != audit.AccountActor || !actor.Fresh(s.core.Time(), leaveFresh) {
		return op.refused(ctx, "Leave", nil, accounts.ErrStepUpRequired)
	}
	_, err := s.core.Act(ctx, actor, func(u *flow.Unit) error {
		a, err := load(u, accounts.AllSites(), id)
		if err != nil {
			return err
		}
		gone, err := a.Remove(u.Now(), s.o.Policy)
		if err != nil {
			return err
		}
		if err := s.keepAdmin(u, a, gone); err != nil {
			return err
		}
		return s.bury(u, a, gone)
	})
	if err != nil {
		return op.refused(ctx, "Leave", []string{string(id)}, err)
	}
	s.unlink(ctx, actor, id)
	return nil
}

// leaveFresh is how fresh a factor has to be for leaving.
const leaveFresh = 5 * time.Minute

// bury puts the end of an account into a decision.
func (s *Service) bury(u *flow.Unit, a, gone accounts.Account, fields ...flow.Field) error {
	id := a.ID
	flow.ReserveRoles(u, string(id), flow.RoleUse, a.Roles, nil)
	linked, err := s.core.Store.Tally(u.Context(), store.Query{Kind: rec.Users.Name, Term: rec.ByAccount, From: []byte(id), To: append([]byte(id), 0)})
	if err != nil {
		return err
	}
	if err := say(u, audit.AccountRemoved, a, append(fields, flow.F(audit.FieldStatusBefore, string(a.StatusPowerManage(u.Now()))),
		flow.F(audit.FieldUnlinkedUsers, strconv.FormatInt(linked, 10)))...); err != nil {
		return err
	}
	if err := s.release(u, a); err != nil {
		return err
	}
	if err := errors.Join(u.VoidSecrets(string(id)), u.VoidSecret(moved, string(id))); err != nil {
		return err
	}
	if err := s.strip(u, id); err != nil {
		return err
	}
	u.Do(store.Mark{Line: flow.UnlinkLine(string(id))})
	u.Project(string(id))
	if s.o.Policy.Deletion == accounts.Purge {
		flow.Drop(u, rec.Accounts, string(id))
		return nil
	}
	return flow.Put(u, rec.Accounts, string(id), &gone)
}

// unlink takes an account that has ended off its panel users. It is gone whatever becomes
// of this: links to it read as none, and the marked line takes off what is left.
func (s *Service) unlink(ctx context.Context, actor accounts.Actor, id accounts.ID) {
	if _, err := s.core.Unlink(ctx, actor, string(id)); err != nil {
		s.core.Logger().WarnContext(ctx, "unlink later", slog.String("account", string(id)), slog.Any("error", err))
	}
}

// strip takes away what is kept beside an account: its photo and face, its attributes, the
// consents of its owner, and how they signed in: with a password, at a provider, and with a
// PIN on their devices.
func (s *Service) strip(u *flow.Unit, id accounts.ID) error {
	login, _, err := flow.Load(u, rec.Logins, string(id)) // before the devices: one that is enrolled meanwhile writes it
	if err != nil {
		return err
	}
	if err := s.unenrol(u, id); err != nil {
		return err
	}
	if login.Subject != "" {
		err = lose(u, rec.Subjects, login.Subject)
	}
	return errors.Join(err, lose(u, rec.Photos, string(id)), lose(u, rec.Salts, faceKey(id)), lose(u, rec.AttributeLists, string(id)),
		lose(u, rec.ConsentLists, string(id)), lose(u, rec.Logins, string(id)))
}

// unenrol takes off the devices on which an account's PIN signs in.
func (s *Service) unenrol(u *flow.Unit, id accounts.ID) error {
	q := store.Query{Kind: rec.Enrolments.Name, Term: rec.ByAccount, From: []byte(id), To: append([]byte(id), 0)}
	rs, err := s.core.Store.List(u.Context(), q) // there are few: enrolling one takes off those that have ended
	for _, r := range rs {
		err = errors.Join(err, lose(u, rec.Enrolments, r.Key.ID))
	}
	return err
}

// lose drops a record, if there is one.
func lose[T any](u *flow.Unit, k rec.Kind[T], id string) error {
	_, found, err := flow.Load(u, k, id)
	if err == nil && found {
		flow.Drop(u, k, id)
	}
	return err
}
