package people

import (
	"context"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
)

// Suspend takes an account's access away at once and keeps everything else: links, roles,
// history. The reason is recorded in clear; keep names out of it.
func (op *Operator) Suspend(ctx context.Context, id accounts.ID, reason string) (Account, error) {
	return op.change(ctx, "Suspend", id, func(u *flow.Unit, _ accounts.Grant, a accounts.Account) (accounts.Account, error) {
		b, err := a.Suspend(u.Now(), reason, op.people.o.Policy)
		if err != nil {
			return a, err
		}
		if err := u.EndSessions(string(id)); err != nil {
			return a, err
		}
		return b, say(u, audit.AccountSuspended, b, append(changed(u, a, b), flow.F(audit.FieldReason, reason))...)
	})
}

// Enable ends a suspension: the account is as it was before.
func (op *Operator) Enable(ctx context.Context, id accounts.ID) (Account, error) {
	return op.change(ctx, "Enable", id, func(u *flow.Unit, _ accounts.Grant, a accounts.Account) (accounts.Account, error) {
		b, err := a.Enable()
		if err != nil {
			return a, err
		}
		return b, say(u, audit.AccountEnabled, b, changed(u, a, b)...)
	})
}

// Revoke stops an account whatever its validity says, and keeps everything else. The
// reason is recorded in clear; keep names out of it.
func (op *Operator) Revoke(ctx context.Context, id accounts.ID, reason string) (Account, error) {
	return op.change(ctx, "Revoke", id, func(u *flow.Unit, _ accounts.Grant, a accounts.Account) (accounts.Account, error) {
		b, err := a.Revoke(u.Now())
		if err != nil {
			return a, err
		}
		if err := u.EndSessions(string(id)); err != nil {
			return a, err
		}
		return b, say(u, audit.AccountRevoked, b, append(changed(u, a, b), flow.F(audit.FieldReason, reason))...)
	})
}

// Unrevoke takes a revocation back. It does not enable a suspended account, and gives
// nothing outside the account's validity.
func (op *Operator) Unrevoke(ctx context.Context, id accounts.ID) (Account, error) {
	return op.change(ctx, "Unrevoke", id, func(u *flow.Unit, _ accounts.Grant, a accounts.Account) (accounts.Account, error) {
		b, err := a.Unrevoke()
		if err != nil {
			return a, err
		}
		return b, say(u, audit.AccountUnrevoked, b, changed(u, a, b)...)
	})
}

// SetWindow sets from when until when an account is valid: temporary access ends by
// itself, at its second. A revocation stays as it is. Errors: [credentials.ErrValidityOrder],
// [accounts.ErrVisitor] for a visitor without an end.
func (op *Operator) SetWindow(ctx context.Context, id accounts.ID, w credentials.Window) (Account, error) {
	return op.change(ctx, "SetWindow", id, func(u *flow.Unit, _ accounts.Grant, a accounts.Account) (accounts.Account, error) {
		b, err := a.Validate(w)
		if err != nil {
			return a, err
		}
		if err := op.people.policy(b).Check(b); err != nil {
			return a, err
		}
		return b, say(u, audit.AccountValidityChanged, b, append(changed(u, a, b),
			flow.F(audit.FieldFromBefore, stamp(a.Window.From)), flow.F(audit.FieldFrom, stamp(b.Window.From)),
			flow.F(audit.FieldUntilBefore, stamp(a.Window.Until)), flow.F(audit.FieldUntil, stamp(b.Window.Until)))...)
	})
}

// stamp writes a time for an entry, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Unlock ends early the lock that failed sign-ins have put on an account.
func (op *Operator) Unlock(ctx context.Context, id accounts.ID) (Account, error) {
	return op.change(ctx, "Unlock", id, func(u *flow.Unit, _ accounts.Grant, a accounts.Account) (accounts.Account, error) {
		b, err := a.Unlock()
		if err != nil {
			return a, err
		}
		return b, say(u, audit.AccountUnlocked, b, changed(u, a, b)...)
	})
}
