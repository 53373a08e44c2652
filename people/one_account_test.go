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
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// One kind of account is a person at a page, a person with an app and a program: each has
// roles, a credential and a notification profile, and its roles say which surface it opens.
//
// Rules: G1, G113
func TestOneKindOfAccountServesEverySurface(t *testing.T) {
	b := newBench(t, func(o *people.Options) { o.Policy = accounts.GEM() })
	for _, name := range []string{"office", "nights"} {
		require.NoError(t, b.op.SetProfile(t.Context(), accounts.Profile{Name: name, Enabled: true, Email: true}))
	}
	for name, c := range map[string]struct {
		kind   accounts.Kind
		role   string
		opens  map[accounts.Surface]string
		closed map[accounts.Surface]string
	}{
		"a person at a page":   {accounts.PersonKind, "user", map[accounts.Surface]string{accounts.Route: "/panels"}, map[accounts.Surface]string{accounts.API: "panels"}},
		"a person with an app": {accounts.PersonKind, "user", map[accounts.Surface]string{accounts.UI: "arm"}, map[accounts.Surface]string{accounts.API: "panels"}},
		"a program":            {accounts.ServiceKind, "api_only", map[accounts.Surface]string{accounts.API: "panels"}, map[accounts.Surface]string{accounts.Route: "/panels"}},
	} {
		a, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Username: strings.ReplaceAll(name, " ", "_"), Kind: c.kind, Roles: []string{c.role}, Profile: "office", Sites: sites})
		require.NoError(t, err, name)
		for want, targets := range map[bool]map[accounts.Surface]string{true: c.opens, false: c.closed} {
			for surface, target := range targets {
				open, err := b.svc.MayOpen(t.Context(), b.actor(a), surface, target)
				require.NoError(t, err)
				assert.Equal(t, want, open, "%s: %v %s", name, surface, target)
			}
		}
		_, err = b.svc.Collect(t.Context(), b.offer(a, people.HandOver{}).Word)
		require.NoError(t, err, "%s has a PIN", name)
		for _, profile := range []string{"nights", ""} { // another takes the place of the first, and none of it
			v, err := b.op.SetDetails(t.Context(), a.ID, people.Details{Profile: profile})
			require.NoError(t, err)
			assert.Equal(t, profile, v.Profile)
		}
		n, err := b.svc.Notify(t.Context(), a.ID, accounts.EmailChannel)
		require.NoError(t, err)
		assert.ErrorIs(t, n.Cause, accounts.ErrNoProfile)
	}
}

// The log names an account by its username and its name at the time; no record is kept
// under either, and a claim says neither.
//
// Rules: G12, G33
func TestTheLogNamesAnAccountAndNoKeyDoes(t *testing.T) {
	b := newBench(t)
	a, err := b.op.CreateConfirmed(t.Context(), people.NewAccount{Email: email(t, "owner@example.com"), Username: "homeowner_smith", First: "Tower", Last: "Mill", Sites: sites})
	require.NoError(t, err)
	_, err = b.op.SetDetails(t.Context(), a.ID, people.Details{First: "Porter", Last: "Mill"})
	require.NoError(t, err)
	_, err = b.op.Suspend(t.Context(), a.ID, "")
	require.NoError(t, err)
	core := &flow.Core{Store: b.store, Keys: b.keys}
	names := map[audit.Action][]string{}
	for _, e := range b.allEntries() {
		d, err := audit.Decode(e.Body)
		require.NoError(t, err)
		d, err = core.OpenEntry(t.Context(), d)
		require.NoError(t, err)
		assert.Equal(t, "homeowner_smith", d.Value(audit.FieldUsername), d.Action)
		names[d.Action] = []string{d.Value(audit.FieldNameBefore), d.Value(audit.FieldName)}
	}
	assert.Equal(t, []string{"", "Tower Mill"}, names[audit.AccountCreated])
	assert.Equal(t, []string{"Tower Mill", "Porter Mill"}, names[audit.AccountChanged])
	assert.Len(t, names, 3)
	for key := range b.stored() {
		assert.NotContains(t, key.ID, "smith")
	}
	for _, change := range b.wrote() {
		assert.NotContains(t, change, "smith")
	}
}

// A revoked account and a disabled one stay: their entries, groups and addresses lead to
// them as before.
//
// Rules: G148
func TestWhatRefersToAStoppedAccountResolves(t *testing.T) {
	for name, stop := range map[string]func(b *bench, id accounts.ID) error{
		"revoked":  func(b *bench, id accounts.ID) error { _, err := b.op.Revoke(t.Context(), id, "left"); return err },
		"disabled": func(b *bench, id accounts.ID) error { _, err := b.op.Suspend(t.Context(), id, "left"); return err },
	} {
		b := newBench(t)
		b.groups()
		n := guest()
		n.Email = email(t, "guest@example.com")
		v := b.visit(n)
		require.NoError(t, stop(b, v.ID), name)
		es, err := b.store.Entries(t.Context(), store.EntryQuery{Target: []byte(v.ID)})
		require.NoError(t, err)
		require.NotEmpty(t, es)
		for _, e := range es {
			d, err := audit.Decode(e.Body)
			require.NoError(t, err)
			if id := d.Value(audit.FieldAccount); id != "" {
				a, err := b.op.Account(t.Context(), accounts.ID(id))
				require.NoError(t, err, name)
				assert.Equal(t, "Tower", a.Name())
			}
		}
		rs, err := b.store.Load(t.Context(), rec.Groups.Key("guests"))
		require.NoError(t, err)
		g, _, err := rec.Groups.Decode(rs[0])
		require.NoError(t, err)
		require.Len(t, g.Members, 1)
		_, err = b.op.Account(t.Context(), accounts.ID(g.Members[0].ID))
		require.NoError(t, err, name)
		found, err := b.svc.Resolve(t.Context(), email(t, "guest@example.com"))
		require.NoError(t, err)
		assert.Equal(t, []accounts.ID{v.ID}, found, name)
	}
}

// Under the policy that says so, a changed role acts on everybody who has it from the next
// act on, both ways.
//
// Rules: S6
func TestAChangedRoleActsAtOnce(t *testing.T) {
	b := newBench(t)
	role := accounts.Role{Name: "desk", Allow: accounts.RightsOf(accounts.AccountsView)}
	require.NoError(t, b.op.AddRole(t.Context(), role))
	require.Equal(t, accounts.Immediate, accounts.PowerManage().RoleRefresh)
	inside := b.inside()
	var have []*people.Operator
	for _, address := range []string{"a@example.com", "b@example.com"} {
		have = append(have, inside(b.hired(address, sites, "desk")))
	}
	may := func(want error) {
		for _, op := range have {
			_, err := op.Visitors(t.Context(), people.Search{})
			require.ErrorIs(t, err, want)
		}
	}
	may(accounts.ErrPermissionDenied)
	role.Allow = role.Allow.With(accounts.RightsOf(accounts.VisitorsManage))
	require.NoError(t, b.op.ChangeRole(t.Context(), role))
	may(nil)
	role.Disabled = true
	require.NoError(t, b.op.ChangeRole(t.Context(), role))
	may(accounts.ErrPermissionDenied)
}

// What the service does by itself, it does as account 0.
//
// Rules: G153
func TestWorkThatNobodyAskedForIsTheSystems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, two, registering(people.RegisterAtOnce))
		a := b.account("owner@example.com", accounts.Active)
		require.NoError(t, b.as("operator").Remove(t.Context(), a.ID, people.Confirmation{Account: "owner@example.com"}))
		b.erase(a.ID)
		require.NoError(t, b.svc.Register(t.Context(), people.Registrant{Email: email(t, "new@example.com"), First: "New"}))
		time.Sleep(accounts.DefaultEraseAfter)
		require.NoError(t, b.svc.WorkErasures(t.Context()))
		require.NoError(t, b.svc.Work(t.Context()))
		actors := map[audit.Action]string{}
		for _, e := range b.allEntries() {
			d, err := audit.Decode(e.Body)
			require.NoError(t, err)
			actors[d.Action] = d.Actor().Kind + "/" + d.Actor().ID
		}
		assert.Equal(t, "system/0", actors[audit.AccountErased])
		assert.Equal(t, "system/0", actors[audit.AccountCreated], "by the registration")
		assert.Equal(t, "host/operator", actors[audit.AccountRemoved])
	})
}
