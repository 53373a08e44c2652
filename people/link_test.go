package people_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// offline is a driver whose panels are never reached: links need no panel.
type offline struct{ panel.Dials }

func (offline) Model() panel.Model {
	fields := panel.FieldCode | panel.FieldLabel | panel.FieldPartitions
	return panel.Model{Kind: panel.DSC, Vendor: "Example", Name: "Example 8", Create: fields, Change: fields, Read: fields,
		Sight: panel.Value, Slots: panel.Slots{First: 1, Last: 8}, MasterSlot: 1, Roles: []panel.Role{panel.Master, panel.User},
		DefaultRole: panel.User, Partitions: 8, Code: panel.CodeRule{Lens: []int{4}}, Label: panel.LabelRule{Max: 14}}
}

func (offline) Open(context.Context, panel.Target) (panel.Session, error) {
	return nil, panel.ErrUnreachable
}

// desk is the roster beside the bench's people, with one panel at the site "north".
type desk struct {
	op  *roster.Operator
	tab *roster.Tab
}

// policy lets accounts be assigned to users without a code, which only a panel can give.
func policy() accounts.Policy {
	p := accounts.PowerManage()
	p.AssignRequiresCode = false
	return p
}

func (b *bench) desk() desk {
	b.t.Helper()
	d, err := roster.New(roster.Options{Store: b.store, Keys: b.keys, Drivers: map[string]panel.Driver{"example": offline{}},
		Authority: accounts.StaticAuthority{"operator": everything}, Policy: policy()})
	require.NoError(b.t, err)
	op := d.As(accounts.HostActor("operator", "", "test").Vouched(time.Now()))
	p, err := op.Register(b.t.Context(), roster.Registration{Site: "north", Driver: "example", Ident: "000000000000001"})
	require.NoError(b.t, err)
	return desk{op, op.Panel(p.ID)}
}

// assign finds the account of owner@example.com, as a person would, and assigns it to the
// user at slot 4.
func (d desk) assign(t *testing.T) error {
	t.Helper()
	found, err := d.op.Suggest(t.Context(), "owner@")
	require.NoError(t, err)
	require.Len(t, found, 1)
	_, err = d.tab.Assign(t.Context(), panel.Place{Slot: 4}, found[0])
	return err
}

func (d desk) row(t *testing.T, slot int) roster.Row {
	t.Helper()
	v, err := d.tab.Details(t.Context(), panel.Place{Slot: slot})
	require.NoError(t, err)
	return v.Row
}

// Suspending and enabling an assigned account shows at once and keeps the link; resetting
// changes nothing that is shown; unassigning keeps the account.
//
// Rules: R99, R117, R124, R125, R141, R152, R228, G148
func TestTheGridFollowsTheAccount(t *testing.T) {
	b := newBench(t)
	d := b.desk()
	a := b.account("owner@example.com", accounts.NotConfirmed)
	require.NoError(t, d.assign(t))
	assert.Equal(t, []string{"owner@example.com", "Not confirmed"}, []string{d.row(t, 4).AccountText(), d.row(t, 4).StatusText()})
	require.NoError(t, b.svc.Work(t.Context()))
	_, err := b.op.Confirm(t.Context(), people.ByID(a.ID), b.code())
	require.NoError(t, err)
	assert.Equal(t, "Active", d.row(t, 4).StatusText())
	_, err = b.op.Suspend(t.Context(), a.ID, "away")
	require.NoError(t, err)
	assert.Equal(t, []string{"owner@example.com", "Suspended"}, []string{d.row(t, 4).AccountText(), d.row(t, 4).StatusText()})
	_, err = b.op.Enable(t.Context(), a.ID)
	require.NoError(t, err)
	_, err = b.op.ResetPassword(t.Context(), d.row(t, 4).Account.ID)
	require.NoError(t, err)
	assert.Equal(t, "Active", d.row(t, 4).StatusText())
	_, err = d.tab.Unassign(t.Context(), panel.Place{Slot: 4})
	require.NoError(t, err)
	assert.Equal(t, []string{"-", "Unknown"}, []string{d.row(t, 4).AccountText(), d.row(t, 4).StatusText()})
	there, err := b.op.Exists(t.Context(), a.Email)
	require.NoError(t, err)
	assert.True(t, there)
	_, err = b.op.ResetPassword(t.Context(), d.row(t, 5).Account.ID)
	require.ErrorIs(t, err, accounts.ErrAccountNotFound, "a user without an account has nothing to reset")
}

// Rules: R12, R15, R98, R111, R198, R201
func TestOnlyAnAccountThatIsThereAndNotSuspendedIsAssigned(t *testing.T) {
	b := newBench(t)
	d := b.desk()
	for _, state := range []accounts.State{accounts.Active, accounts.NotConfirmed, accounts.Suspended, accounts.Removed} {
		b.account(fmt.Sprintf("who.%s@example.com", string(state[0])), state)
	}
	found, err := d.op.Suggest(t.Context(), "who")
	require.NoError(t, err)
	assert.Len(t, found, 2, "neither a suspended nor a removed account is suggested")
	_, err = b.op.Suspend(t.Context(), found[0].Person().ID, "")
	require.NoError(t, err)
	_, err = d.tab.Assign(t.Context(), panel.Place{Slot: 2}, found[0])
	require.ErrorIs(t, err, accounts.ErrAccountSuspended, "a suggestion is judged again")
	require.NoError(t, b.op.Remove(t.Context(), found[1].Person().ID, people.Confirmation{Account: found[1].Person().Email.String()}))
	_, err = d.tab.Assign(t.Context(), panel.Place{Slot: 2}, found[1])
	require.ErrorIs(t, err, accounts.ErrAccountNotFound)
}

// Removing an assigned account: none is shown from that moment on, the place is free, what
// the panel user is stays, and each link that went is an entry of its own.
//
// Rules: R143, R145, R148, R150, R152
func TestRemovingTakesTheAccountOffEveryPanelUser(t *testing.T) {
	for _, deletion := range []accounts.Deletion{accounts.Tombstone, accounts.Purge} {
		b := newBench(t, func(o *people.Options) { o.Policy = policy(); o.Policy.Deletion = deletion })
		d := b.desk()
		a := b.account("owner@example.com", accounts.Active)
		code, err := panel.ParseCode("4729")
		require.NoError(t, err)
		_, err = d.tab.SetCode(t.Context(), panel.Place{Slot: 4}, roster.CodeWish{Code: code, Label: "Owner", Partitions: panel.PartitionsOf(1, 3)})
		require.NoError(t, err)
		require.NoError(t, d.assign(t))
		before := d.row(t, 4)
		require.Equal(t, "owner@example.com", before.AccountText())
		require.NoError(t, b.op.Remove(t.Context(), before.Account.ID, people.Confirmation{Account: "owner@example.com"}))
		after := d.row(t, 4)
		assert.Equal(t, []string{"-", "-", "Unknown"}, []string{after.AccountText(), after.CreatedText(time.UTC), after.StatusText()})
		assert.Equal(t, before.Fields, after.Fields, "code, label and partitions and their wishes")
		assert.Equal(t, 1, b.entries()[audit.AccountRemoved])
		assert.Equal(t, 1, b.entries()[audit.AccountUnassigned])
		assert.Empty(t, b.linked(a.ID))

		b.account("owner@example.com", accounts.Active)
		require.NoError(t, d.assign(t))
		assert.Equal(t, "owner@example.com", d.row(t, 4).AccountText())
	}
}

// linked returns the panel users whose record names an account.
func (b *bench) linked(id accounts.ID) []store.Record {
	b.t.Helper()
	rs, err := b.store.List(b.t.Context(), store.Query{Kind: "user", Term: "account", From: []byte(id), To: append([]byte(id), 0)})
	require.NoError(b.t, err)
	return rs
}

// Where the links cannot be cleaned at once they read as none all the same, and the line
// that was marked takes them off.
//
// Rules: R145
func TestALinkToARemovedAccountReadsAsNone(t *testing.T) {
	b := newBench(t)
	d := b.desk()
	a := b.account("owner@example.com", accounts.Active)
	require.NoError(t, d.assign(t))
	gone := b.brokenAfterRemoval()
	require.NoError(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}), "the removal stands")
	require.True(t, *gone)
	require.Len(t, b.linked(a.ID), 1, "the link is still stored")
	assert.Equal(t, []string{"-", "Unknown"}, []string{d.row(t, 4).AccountText(), d.row(t, 4).StatusText()})
	core := &flow.Core{Store: b.store, Keys: b.keys}
	require.NoError(t, core.WorkUnlink(t.Context(), "node"))
	assert.Empty(t, b.linked(a.ID))
}

// Assigning and removing at once, many times: whoever comes first, no link to the removed
// account is shown, and none is left.
//
// Rules: R121, R145
func TestRemovingAgainstAssigning(t *testing.T) {
	for _, deletion := range []accounts.Deletion{accounts.Tombstone, accounts.Purge} {
		b := newBench(t, func(o *people.Options) { o.Policy = policy(); o.Policy.Deletion = deletion })
		d := b.desk()
		assigned := 0
		for range rounds(250, 50) {
			a := b.account("owner@example.com", accounts.Active)
			found, err := d.op.Suggest(t.Context(), "owner@")
			if err != nil { // look-ups are limited in a minute: a fresh desk in a fresh store
				b = newBench(t, func(o *people.Options) { o.Policy = policy(); o.Policy.Deletion = deletion })
				d = b.desk()
				a = b.account("owner@example.com", accounts.Active)
				found, err = d.op.Suggest(t.Context(), "owner@")
			}
			require.NoError(t, err)
			var all sync.WaitGroup
			all.Go(func() {
				assert.NoError(t, b.op.Remove(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}))
			})
			all.Go(func() {
				_, err := d.tab.Assign(t.Context(), panel.Place{Slot: 4}, found[0])
				if err == nil {
					assigned++
				} else {
					assert.ErrorIs(t, err, accounts.ErrAccountNotFound)
				}
			})
			all.Wait()
			require.Equal(t, "-", d.row(t, 4).AccountText())
			_, err = (&flow.Core{Store: b.store, Keys: b.keys}).Unlink(t.Context(), accounts.SystemActor("test"), string(a.ID))
			require.NoError(t, err)
			require.Empty(t, b.linked(a.ID))
		}
		t.Logf("%v: the assignment came first in %d rounds", deletion, assigned)
	}
}
