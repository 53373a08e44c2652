package people_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// bound gives an account a binding at a provider and two devices on which its PIN signs in.
func (b *bench) bound(id accounts.ID, subject string) {
	b.t.Helper()
	core := &flow.Core{Store: b.store, Keys: b.keys}
	_, err := core.Act(b.t.Context(), accounts.SystemActor("test"), func(u *flow.Unit) error {
		login, _, err := flow.Load(u, rec.Logins, string(id))
		login.Subject = subject
		_, said := u.Say(audit.ProviderBound, audit.Success, []string{string(id)}, flow.F(audit.FieldAccount, string(id)))
		err = errors.Join(err, said, flow.Put(u, rec.Logins, string(id), &login), flow.Put(u, rec.Subjects, subject, &rec.Subject{Account: string(id)}))
		for _, device := range []string{"phone", "tablet"} {
			err = errors.Join(err, flow.Put(u, rec.Enrolments, device+"-"+string(id), &rec.Enrolment{Account: string(id)}))
		}
		return err
	})
	require.NoError(b.t, err)
}

// With an account go the ways in which its owner signed in, and nobody else's.
//
// Rules: G184, G212
func TestARemovedAccountLeavesNoWayIn(t *testing.T) {
	for _, deletion := range []accounts.Deletion{accounts.Tombstone, accounts.Purge} {
		b := newBench(t, func(o *people.Options) {
			o.Policy = accounts.PowerManage()
			o.Policy.Deletion = deletion
		})
		a, other := b.account("owner@example.com", accounts.Active), b.account("other@example.com", accounts.Active)
		b.bound(a.ID, "subject-1")
		b.bound(other.ID, "subject-2")
		require.NoError(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}))
		for kind, left := range map[store.Kind]int{"enrolment": 2, "subject": 1, "login": 1} {
			rs := b.kind(kind)
			require.Len(t, rs, left, kind)
			for _, r := range rs {
				assert.NotContains(t, r.Key.ID+string(r.Body), string(a.ID), kind)
			}
		}
	}
}

// A code that could set nothing is not mailed: the owner signs in elsewhere.
//
// Rules: G212
func TestNoCodeIsMailedToWhoSignsInElsewhere(t *testing.T) {
	b := newBench(t)
	a := b.account("owner@example.com", accounts.Active)
	b.bound(a.ID, "subject-1")
	_, err := b.op.ResetPassword(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrAtProvider)
	require.NoError(t, b.svc.Work(t.Context()))
	assert.Zero(t, b.mail.Tries())
	assert.Empty(t, b.kind("onetime"))
	assert.Equal(t, 1, b.entries()[audit.OperationRefused])
}
