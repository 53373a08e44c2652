package people_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// furnished is a bench with one of everything, so that every operation can succeed.
func furnished(t *testing.T) (*bench, people.Account, people.Receipt) {
	t.Helper()
	b := newBench(t, func(o *people.Options) {
		two(o)
		o.Policy = accounts.PowerManage()
		o.Policy.Approve = accounts.RightsOf(accounts.AccountsErase)
	})
	b.groups()
	a := b.account("owner@example.com", accounts.Active)
	d, err := b.op.ResetPassword(t.Context(), a.ID)
	require.NoError(t, err)
	require.NoError(t, b.op.AddRole(t.Context(), accounts.Role{Name: "other"}))
	require.NoError(t, b.op.SetAttribute(t.Context(), a.ID, "floor", "2"))
	require.NoError(t, b.op.SetSecret(t.Context(), a.ID, "badge", panel.SecretOf("1")))
	require.NoError(t, b.op.SetPhoto(t.Context(), a.ID, portrait))
	return b, a, d.Receipt
}

// stored is every record that has its entry in the log, by its key and version.
func (b *bench) stored() map[store.Key]uint64 {
	b.t.Helper()
	all := map[store.Key]uint64{}
	for _, kind := range []store.Kind{"account", "address", "approval", "attributes", "consent", "credential", "erasure", "group", "hold", "login", "onetime", "person", "photo", "profile", "projection", "role", "site"} {
		for _, r := range b.kind(kind) {
			all[r.Key] = r.Version
		}
	}
	return all
}

// writes are operations that write, as they succeed on a furnished bench.
func writes(b *bench, a people.Account) map[string]func(op *people.Operator) error {
	ctx := b.t.Context()
	out := map[string]func(op *people.Operator) error{
		"RemoveRole": func(op *people.Operator) error { return op.RemoveRole(ctx, "other") },
		"ChangeRole": func(op *people.Operator) error {
			return op.ChangeRole(ctx, accounts.Role{Name: "other", Label: "Other"})
		},
		"Reveal":        func(op *people.Operator) error { _, err := op.Reveal(ctx, a.ID, "badge"); return err },
		"SetRoles":      func(op *people.Operator) error { _, err := op.SetRoles(ctx, a.ID, "other"); return err },
		"ResetPassword": func(op *people.Operator) error { _, err := op.ResetPassword(ctx, a.ID); return err },
		"Create": func(op *people.Operator) error {
			_, _, err := op.Create(ctx, people.NewAccount{Email: email(b.t, "new@example.com"), Roles: []string{"other"}, Sites: sites})
			return err
		},
		"SetContact": func(op *people.Operator) error {
			_, err := op.SetContact(ctx, a.ID, email(b.t, "new@example.com"), "")
			return err
		},
	}
	for _, name := range []string{"AddRole", "HandOver", "Hold", "IssueVisitor", "Lend", "Remove", "RemoveAttribute", "RemovePhoto", "Revoke", "SetAttribute", "SetDetails",
		"SetPhoto", "SetProfile", "SetSecret", "SetSite", "SetSites", "SetWindow", "Suspend"} {
		out[name] = func(op *people.Operator) error { return operations[name](ctx, turn{op: op, a: a}) }
	}
	return out
}

// said is in how many entries an operation is recorded, where it is not one.
var said = map[string]int{"IssueVisitor": 3}

// A store that fails leaves everything as it was, whatever is done; one that loses its
// answer does it once.
//
// Rules: R194, G9, G10
func TestAStoreThatFailsChangesNothing(t *testing.T) {
	probe, a, _ := furnished(t)
	for name := range writes(probe, a) {
		b, a, _ := furnished(t)
		before, entries := b.stored(), len(b.allEntries())
		b.failing(func(c storetest.Call) storetest.Fault {
			if c.Verb == storetest.Commit {
				return storetest.Fail
			}
			return storetest.Pass
		})
		require.Error(t, writes(b, a)[name](b.as("operator")), name)
		b.failing(nil)
		assert.Equal(t, before, b.stored(), name)
		assert.Len(t, b.allEntries(), entries, name)

		lost := false
		b.failing(func(c storetest.Call) storetest.Fault {
			if c.Verb == storetest.Commit && !lost {
				lost = true
				return storetest.Lose
			}
			return storetest.Pass
		})
		require.NoError(t, writes(b, a)[name](b.as("operator")), name)
		b.failing(nil)
		require.True(t, lost, name)
		assert.Len(t, b.allEntries(), entries+max(1, said[name]), name)
	}
}

// An account of another site is nowhere in what an operator reads: not by its id, its
// address, its name, its phone number or in a count.
//
// Rules: R240
func TestNothingOfAnotherSiteIsRead(t *testing.T) {
	b, _, _ := furnished(t)
	planted := []string{"planted.owner@example.com", "Planted", "+4912345678"}
	foreign, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, planted[0]), First: planted[1], Phone: planted[2],
		Sites: accounts.TheseSites("south")})
	require.NoError(t, err)
	_, err = b.op.IssueVisitor(t.Context(), people.NewVisitor{First: planted[1], Groups: []string{"anywhere"}, Host: foreign.ID, Sites: accounts.TheseSites("south"), Until: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	require.NoError(t, b.op.SetAttribute(t.Context(), foreign.ID, "floor", planted[1]))
	_, err = b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "installer."+planted[0]), First: planted[1], Kind: accounts.InstallerKind,
		Sites: accounts.TheseSites("south")})
	require.NoError(t, err)
	own, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "north@example.com"), Sites: sites})
	require.NoError(t, err)
	_, err = b.op.Erase(t.Context(), foreign.ID)
	require.ErrorIs(t, err, accounts.ErrErasure)

	text := read(t, b.as("north"), own.ID, foreign.ID)
	for _, secret := range append(planted, string(foreign.ID)) {
		assert.NotContains(t, text, secret)
	}
	assert.Contains(t, text, "north@example.com", "the walk reads")
	assert.Contains(t, read(t, b.op, own.ID, foreign.ID), planted[1], "and would find it")
	assert.Contains(t, read(t, b.op, own.ID, foreign.ID), `"Approval":"pending"`, "installers too")
}

// read calls every operation that answers with something, by reflection, with every id
// that there is, and returns all that was said.
func read(t *testing.T, op *people.Operator, ids ...accounts.ID) string {
	t.Helper()
	var said strings.Builder
	v := reflect.ValueOf(op)
	for i := range v.NumMethod() {
		m, name := v.Method(i), v.Type().Method(i).Name
		right := accounts.PermissionFor("people." + name).Right
		if right != accounts.AccountsView && right != accounts.VisitorsManage && right != accounts.ProfilesManage && right != accounts.ApprovalsGive && name != "Installers" {
			continue
		}
		for _, id := range ids {
			args := []reflect.Value{reflect.ValueOf(t.Context())}
			for j := 1; j < m.Type().NumIn(); j++ {
				arg := reflect.New(m.Type().In(j)).Elem()
				if arg.Type() == reflect.TypeFor[accounts.ID]() {
					arg.SetString(string(id))
				}
				if name == "Installers" {
					arg.SetString("south")
				}
				args = append(args, arg)
			}
			for _, out := range m.Call(args) {
				if err, failed := reflect.TypeAssert[error](out); failed {
					fmt.Fprintf(&said, "%s: %v\n", name, err)
					continue
				}
				b, err := json.Marshal(out.Interface())
				require.NoError(t, err)
				fmt.Fprintf(&said, "%s: %s\n", name, b)
			}
		}
	}
	return said.String()
}
