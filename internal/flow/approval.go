package flow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// approvalLife is how long an act waits for its approval, and an approval for its act.
const approvalLife = 24 * time.Hour

// Asking is an act that a second person has to approve.
type Asking struct {
	Op      string
	Account string   // that it is about
	Sites   []string // whoever may decide about all of these may approve
	Targets []string // by which its entry is found, beside the account
	Act     []string // what would be done, word for word
}

// AskedError is [accounts.ApprovalError] with what has to be recorded about it, see
// [Core.Refused].
type AskedError struct {
	accounts.ApprovalError
	rec.Approval
	targets []string
}

// Unwrap returns what callers are told.
func (a *AskedError) Unwrap() error { return &a.ApprovalError }

// SecondPerson returns who has approved an act, or [AskedError] by which that is asked for. The
// approval is spent by the commit of the act; it is for these very words, and for their
// author alone.
func SecondPerson(u *Unit, q Asking) (approver string, err error) {
	author := rec.Author{Kind: u.actor.Kind(), ID: string(u.actor.ID())}
	words := append([]string{q.Op, q.Account, author.Kind, author.ID}, q.Act...)
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	id := hex.EncodeToString(sum[:16])
	a, found, err := Load(u, rec.Approvals, id)
	if err != nil {
		return "", err
	}
	if found && !a.Approved.IsZero() && u.now.Before(a.Expires) {
		Drop(u, rec.Approvals, id)
		return a.Approver, nil
	}
	return "", &AskedError{accounts.ApprovalError{ID: id}, rec.Approval{Act: q.Act, Asked: u.now, Author: author,
		Expires: u.now.Add(approvalLife), Op: q.Op, Sites: q.Sites, Target: q.Account}, append(q.Targets, q.Account)}
}

// ask records that an act waits, once, and returns the error that says so. A factor that was
// proven for the act is there for it still.
func (c *Core) ask(ctx context.Context, actor accounts.Actor, a *AskedError) error {
	_, err := c.Act(ctx, actor, func(u *Unit) error {
		was, found, err := Load(u, rec.Approvals, a.ID)
		if err != nil || found && u.now.Before(was.Expires) {
			return err
		}
		u.Keep()
		if _, err := u.Say(audit.ApprovalAsked, audit.Success, a.targets, F(audit.FieldOperation, a.Op), F(audit.FieldAccount, a.Target),
			F(audit.FieldAct, strings.Join(a.Act, "; ")), F(audit.FieldDeadline, a.Expires.UTC().Format(time.RFC3339))); err != nil {
			return err
		}
		return Put(u, rec.Approvals, a.ID, &a.Approval)
	})
	if err != nil {
		return errors.Join(&a.ApprovalError, err)
	}
	return &a.ApprovalError
}
