package people_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// two is two operators who may do everything.
func two(o *people.Options) {
	o.Authority = accounts.StaticAuthority{"operator": everything, "second": everything,
		"north": {Enabled: true, Rights: accounts.AllRights(), Sites: sites}}
}

// erase asks for an erasure and has it approved.
func (b *bench) erase(id accounts.ID) time.Time {
	b.t.Helper()
	_, err := b.as("operator").Erase(b.t.Context(), id)
	var asked *accounts.ApprovalError
	require.ErrorAs(b.t, err, &asked)
	require.NoError(b.t, b.as("second").Approve(b.t.Context(), asked.ID))
	due, err := b.as("operator").Erase(b.t.Context(), id)
	require.NoError(b.t, err)
	return due
}

// Removing keeps what the log says; erasing destroys it when its time has come: the address
// leads nowhere, the username is gone, the key of the personal fields too, and the entries
// stay.
//
// Rules: R255
func TestErasingDestroysWhatRemovingKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, two)
		a, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "gone@example.com"), Username: "gone_1", Sites: sites})
		require.NoError(t, err)
		stays := b.account("gone.too@example.com", accounts.Active)
		_, err = b.as("operator").Erase(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrErasure, "an account is removed first")
		require.NoError(t, b.as("operator").Remove(t.Context(), a.ID, people.Confirmation{Account: "gone@example.com"}))
		_, err = b.as("operator").Erase(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrApprovalRequired)
		_, err = b.as("north").Erase(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrAccountNotFound)
		due := b.erase(a.ID)
		assert.Equal(t, accounts.DefaultEraseAfter, time.Until(due))

		time.Sleep(accounts.DefaultEraseAfter - time.Second)
		require.NoError(t, b.svc.WorkErasures(t.Context()))
		found, err := b.svc.Resolve(t.Context(), email(t, "gone@example.com"))
		require.NoError(t, err)
		assert.Equal(t, []accounts.ID{a.ID}, found, "not before its time")

		entries := len(b.allEntries())
		time.Sleep(time.Second)
		require.NoError(t, b.svc.WorkErasures(t.Context()))
		found, err = b.svc.Resolve(t.Context(), email(t, "gone@example.com"))
		require.NoError(t, err)
		assert.Empty(t, found)
		assert.NotContains(t, string(b.record(a.ID).Body), "gone_1")
		salts, err := b.store.Load(t.Context(), store.Key{Kind: "person", ID: "account/" + string(a.ID)})
		require.NoError(t, err)
		assert.Contains(t, string(salts[0].Body), `"salt":null`)
		assert.Len(t, b.allEntries(), entries+2, "what was there is there, and that it was erased")
		_, err = b.as("operator").Erase(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrErasure, "once")
		require.ErrorIs(t, b.as("operator").CancelErasure(t.Context(), a.ID), accounts.ErrErasure, "too late")
		_, err = b.as("operator").CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "new@example.com"), Username: "gone_1", Sites: sites})
		require.ErrorIs(t, err, accounts.ErrUsernameTaken, "a username names one account for ever")
		found, err = b.svc.Resolve(t.Context(), email(t, "gone.too@example.com"))
		require.NoError(t, err)
		assert.Equal(t, []accounts.ID{stays.ID}, found)
		require.NoError(t, b.svc.WorkErasures(t.Context()))
	})
}

func (b *bench) allEntries() []store.Entry {
	b.t.Helper()
	es, err := b.store.Entries(b.t.Context(), store.EntryQuery{Limit: 1000})
	require.NoError(b.t, err)
	return es
}

func TestAnErasureIsTakenBackInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, two)
		a := b.account("gone@example.com", accounts.Removed)
		require.ErrorIs(t, b.op.CancelErasure(t.Context(), a.ID), accounts.ErrErasure)
		b.erase(a.ID)
		require.NoError(t, b.op.CancelErasure(t.Context(), a.ID))
		time.Sleep(accounts.DefaultEraseAfter)
		require.NoError(t, b.svc.WorkErasures(t.Context()))
		found, err := b.svc.Resolve(t.Context(), email(t, "gone@example.com"))
		require.NoError(t, err)
		assert.Equal(t, []accounts.ID{a.ID}, found)
		assert.Equal(t, 1, b.entries()[audit.AccountErasureCancelled])
	})
}

// An erasure that is interrupted anywhere is finished by the next pass.
func TestAnErasureIsFinishedAfterAnyFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for n := range 2 {
			b := newBench(t, two)
			a := b.account("gone@example.com", accounts.Removed)
			b.erase(a.ID)
			time.Sleep(accounts.DefaultEraseAfter)
			commits := 0
			b.failing(func(c storetest.Call) storetest.Fault {
				if c.Verb == storetest.Commit {
					if commits++; commits > n {
						return storetest.Fail
					}
				}
				return storetest.Pass
			})
			require.Error(t, b.svc.WorkErasures(t.Context()))
			b.failing(nil)
			require.NoError(t, b.svc.WorkErasures(t.Context()))
			found, err := b.svc.Resolve(t.Context(), email(t, "gone@example.com"))
			require.NoError(t, err)
			assert.Empty(t, found)
			assert.Equal(t, 2, b.entries()[audit.AccountErased])
		}
	})
}

// Who asks and who approves are two people, both with the act's own right; what was
// approved is that very act, once, within a day.
//
// Rules: G215
func TestChosenActsNeedASecondPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *people.Options) {
			two(o)
			o.Policy = accounts.PowerManage()
			o.Policy.Approve = accounts.RightsOf(accounts.RolesManage, accounts.AccountsRemove)
			o.Authority.(accounts.StaticAuthority)["weaker"] = accounts.Grant{Enabled: true, Rights: accounts.RightsOf(accounts.ApprovalsGive, accounts.RolesManage), Sites: accounts.AllSites()}
			o.Authority.(accounts.StaticAuthority)["approver"] = accounts.Grant{Enabled: true, Rights: accounts.RightsOf(accounts.ApprovalsGive), Sites: accounts.AllSites()}
		})
		a := b.account("owner@example.com", accounts.Active)
		ask := func(roles ...string) *accounts.ApprovalError {
			_, err := b.as("operator").SetRoles(t.Context(), a.ID, roles...)
			var asked *accounts.ApprovalError
			require.ErrorAs(t, err, &asked)
			require.ErrorIs(t, err, accounts.ErrApprovalRequired)
			return asked
		}
		_, _, err := b.op.Create(t.Context(), people.NewAccount{Email: email(t, "new@example.com"), Sites: sites, Roles: []string{"viewer"}})
		require.ErrorIs(t, err, accounts.ErrApprovalRequired, "not by way of a new account")
		asked := ask("viewer")
		require.Equal(t, asked, ask("viewer"), "asking twice is asking once")
		require.Equal(t, 1, b.entries()[audit.ApprovalAsked])
		require.ErrorIs(t, b.op.Approve(t.Context(), asked.ID), accounts.ErrOwnApproval)
		require.ErrorIs(t, b.as("approver").Approve(t.Context(), asked.ID), accounts.ErrPermissionDenied)
		require.ErrorIs(t, b.as("second").Approve(t.Context(), "another"), accounts.ErrApprovalNotFound)
		list, err := b.as("second").Approvals(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, []string{"roles viewer"}, list[0].Act)
		require.NoError(t, b.as("second").Approve(t.Context(), asked.ID))
		require.NotEqual(t, asked.ID, ask("installer").ID, "approved was something else")
		_, err = b.as("second").SetRoles(t.Context(), a.ID, "viewer")
		require.ErrorIs(t, err, accounts.ErrApprovalRequired, "of somebody else")
		_, err = b.as("operator").SetRoles(t.Context(), a.ID, "viewer")
		require.NoError(t, err)
		again := ask("viewer")
		require.ErrorIs(t, b.as("weaker").Approve(t.Context(), again.ID), accounts.ErrOutranked, "the account may more than they")
		require.NoError(t, b.as("second").Approve(t.Context(), again.ID))
		time.Sleep(24 * time.Hour)
		require.Equal(t, again, ask("viewer"), "an approval is for a day")
		require.ErrorIs(t, b.as("operator").Remove(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}), accounts.ErrApprovalRequired)
		require.ErrorIs(t, b.as("operator").AddRole(t.Context(), helper()), accounts.ErrApprovalRequired)
		es := b.allEntries()
		approved := 0
		for _, e := range es {
			if e.Action == string(audit.AccountRoleChanged) && strings.Contains(string(e.Body), `second`) {
				approved++
			}
		}
		assert.Equal(t, 1, approved, "the entry names who approved")
	})
}

// An approval is for one act with all its words: whatever differs, also only in why, or in
// what a role denies or opens, is asked again.
//
// Rules: G215
func TestAnApprovalIsForItsVeryWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *people.Options) {
			two(o)
			o.Policy = accounts.PowerManage()
			o.Policy.Approve = accounts.RightsOf(accounts.RolesManage)
		})
		a := b.account("owner@example.com", accounts.Active)
		until := time.Now().Add(time.Hour)
		lend := func(l people.Loan) error {
			_, err := b.as("operator").Lend(t.Context(), a.ID, l)
			return err
		}
		loan := people.Loan{Rights: accounts.RightsOf(accounts.AccountsView), Until: until, Reason: "a test"}
		another, longer, more := loan, loan, loan
		another.Reason, longer.Until = "something else", until.Add(time.Second)
		more.Rights = accounts.RightsOf(accounts.AccountsView, accounts.AuditView)
		opens := []accounts.Rule{{Effect: accounts.Allow, Surface: accounts.Route, Target: "/help"}}
		add := func(r accounts.Role) error { return b.as("operator").AddRole(t.Context(), r) }
		role := helper(accounts.AccountsView, accounts.AuditView)
		denies, child, open, off, local := role, role, role, role, role
		denies.Deny, child.Parent, open.Rules, off.Disabled, local.LocalOnly = accounts.RightsOf(accounts.AuditView), "viewer", opens, true, true
		approved := func(err error) {
			var asked *accounts.ApprovalError
			require.ErrorAs(t, err, &asked)
			require.NoError(t, b.as("second").Approve(t.Context(), asked.ID))
		}
		approved(lend(loan))
		approved(add(role))
		list, err := b.as("north").Approvals(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 1, "a role is for all sites")
		all, err := b.as("second").Approvals(t.Context())
		require.NoError(t, err)
		for _, one := range all {
			if one.Target != a.ID {
				require.ErrorIs(t, b.as("north").Approve(t.Context(), one.ID), accounts.ErrApprovalNotFound)
			}
		}
		require.Equal(t, a.ID, list[0].Target)
		for name, err := range map[string]error{"why": lend(another), "until": lend(longer), "rights": lend(more), "denies": add(denies), "parent": add(child),
			"opens": add(open), "disabled": add(off), "local": add(local)} {
			require.ErrorIs(t, err, accounts.ErrApprovalRequired, name)
		}
		require.NoError(t, lend(loan))
		require.NoError(t, add(role))

		mine, theirs := accounts.Role{Name: "trainee", Allow: role.Allow}, accounts.Role{Name: "trainee"}
		approved(add(mine))
		err = b.as("second").AddRole(t.Context(), theirs)
		var asked *accounts.ApprovalError
		require.ErrorAs(t, err, &asked)
		require.NoError(t, b.as("operator").Approve(t.Context(), asked.ID))
		require.NoError(t, b.as("second").AddRole(t.Context(), theirs))
		require.ErrorIs(t, b.as("operator").ChangeRole(t.Context(), mine), accounts.ErrApprovalRequired, "adding was approved, not changing")
	})
}

// What is held is not erased: neither asked for, nor carried out when it was asked for before.
func TestWhatIsHeldIsNotErased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *people.Options) {
			two(o)
			o.Policy = accounts.PowerManage()
			o.Policy.Deletion, o.Policy.Approve, o.Policy.EraseAfter = accounts.Purge, accounts.Rights{}, time.Hour
		})
		a := b.account("gone@example.com", accounts.Removed)
		there := func() int {
			found, err := b.svc.Resolve(t.Context(), email(t, "gone@example.com"))
			require.NoError(t, err)
			return len(found)
		}
		require.ErrorIs(t, b.op.Hold(t.Context(), "nobody", ""), accounts.ErrAccountNotFound)
		_, err := b.op.Erase(t.Context(), "nobody")
		require.ErrorIs(t, err, accounts.ErrAccountNotFound)
		require.NoError(t, b.op.Hold(t.Context(), a.ID, "a court asked"))
		require.NoError(t, b.op.Hold(t.Context(), a.ID, "again"))
		_, err = b.op.Erase(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrHeld)
		require.NoError(t, b.op.Unhold(t.Context(), a.ID))
		_, err = b.op.Erase(t.Context(), a.ID)
		require.NoError(t, err)
		require.NoError(t, b.op.Hold(t.Context(), a.ID, "another court"))
		time.Sleep(time.Hour)
		require.NoError(t, b.svc.WorkErasures(t.Context()))
		assert.Equal(t, 1, there())
		require.NoError(t, b.as("operator").Unhold(t.Context(), a.ID))
		require.NoError(t, b.as("operator").Unhold(t.Context(), a.ID))
		time.Sleep(24 * time.Hour)
		require.NoError(t, b.svc.WorkErasures(t.Context()))
		assert.Zero(t, there(), "a purged account is erased too")
		assert.Equal(t, map[audit.Action]int{audit.AccountHeld: 2, audit.AccountUnheld: 2},
			map[audit.Action]int{audit.AccountHeld: b.entries()[audit.AccountHeld], audit.AccountUnheld: b.entries()[audit.AccountUnheld]})
	})
}
