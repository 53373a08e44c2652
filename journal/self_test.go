package journal_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/journal"
)

func selfService(o *journal.Options) { o.Policy.SelfService = true }

// person is somebody who is signed in.
func person(id accounts.ID) accounts.Actor {
	return accounts.Recorded(mint.Token{}, audit.AccountActor, id, "Name of "+string(id), "http", time.Time{})
}

// member adds an account, with an entry that holds its address, and returns the entry's id.
func (w *world) member(id accounts.ID, edits ...func(*accounts.Account)) (entry string) {
	w.t.Helper()
	a := accounts.Account{ID: id, Created: began, Confirmed: began, Sites: accounts.TheseSites("north")}
	for _, e := range edits {
		e(&a)
	}
	w.act(operator, func(u *flow.Unit) error {
		if _, _, err := flow.Load(u, rec.Accounts, string(id)); err != nil {
			return err
		}
		var err error
		entry, err = u.Say(audit.AccountCreated, audit.Success, []string{string(id), flow.Site("north")}, flow.F(audit.FieldAccount, string(id)),
			flow.Field{Name: audit.FieldEmail, Value: string(id) + "@example.com", Of: audit.AccountActor + "/" + string(id)})
		return errors.Join(err, flow.Put(u, rec.Accounts, string(id), &a))
	})
	return entry
}

// Owners see what the log says about them and what they did, and prove it to others; of
// everybody else's entries they learn nothing, and of others who are named in their own no
// more than an id.
//
// Rules: G214
func TestOwnersSeeAndProveTheirOwnEntries(t *testing.T) {
	w := newWorld(t, false, selfService)
	created, others := w.member("tower"), w.member("mill")
	w.act(person("mill"), func(u *flow.Unit) error { return nil })
	shared := w.say(person("mill"), audit.AccountChanged, audit.Success, []string{"tower"},
		flow.Field{Name: audit.FieldEmail, Value: "mill@example.com", Of: audit.AccountActor + "/mill"},
		flow.Field{Name: audit.FieldPhone, Value: "+1555010", Of: audit.AccountActor + "/tower"})
	own := w.say(person("tower"), audit.SignInStepUp, audit.Success, nil)
	w.fill(10)
	self := w.journal.Self(person("tower"))

	page, err := self.Query(t.Context(), journal.Query{Size: 50})
	require.NoError(t, err)
	read := page.Entries[0]
	assert.Equal(t, audit.LogRead, read.Action, "that they looked is theirs too")
	assert.Equal(t, []string{own, shared, created}, ids(page.Entries[1:]))
	assert.Equal(t, "Name of tower", page.Entries[1].Who)
	assert.Equal(t, "account/mill", page.Entries[2].Who, "another's name is personal")
	values := map[string]string{}
	for _, d := range page.Entries[2].Details {
		values[d.Name] = d.Value
	}
	assert.Equal(t, "person:account/mill", values[audit.FieldEmail])
	assert.Equal(t, "+1555010", values[audit.FieldPhone])
	for _, e := range page.Entries {
		assert.NotContains(t, e.Description, "mill@example.com")
		assert.NotContains(t, e.Description, "The operator")
	}

	for name, f := range map[string]journal.Filter{
		"about another":     {About: []string{"mill"}},
		"another's":         {Actor: "mill", About: []string{"panel-north"}},
		"of a site":         {Site: "south"},
		"of a panel's user": {About: []string{"user-1"}},
	} {
		page, err := self.Query(t.Context(), journal.Query{Filter: f, Size: 50})
		require.NoError(t, err)
		for _, e := range page.Entries {
			assert.Contains(t, e.Targets, "tower", name)
		}
	}
	mill, err := accounts.ParseEmail("mill@example.com")
	require.NoError(t, err)
	_, err = self.Query(t.Context(), journal.Query{Filter: journal.Filter{Email: mill}})
	require.ErrorIs(t, err, journal.ErrNoEmails)

	for _, id := range []string{created, shared, own} {
		text, err := self.Prove(t.Context(), id, audit.FieldActorID)
		require.NoError(t, err)
		proof, err := audit.ParseProof(text)
		require.NoError(t, err)
		_, err = audit.CheckProof(proof, origin, w.key.Public())
		require.NoError(t, err)
		assert.Equal(t, id, proof.Entry.ID)
	}
	_, err = self.Prove(t.Context(), created, audit.FieldLabel)
	require.ErrorIs(t, err, journal.ErrNoField)
	for _, id := range []string{others, "", "none"} {
		_, err = self.Prove(t.Context(), id)
		require.ErrorIs(t, err, journal.ErrEntryNotFound, id)
	}
}

// Nobody is an owner without the policy's leave, and nobody who is no person or may not sign
// in; that they tried is an entry.
//
// Rules: G214
func TestWhoHasNoEntriesOfTheirOwn(t *testing.T) {
	w := newWorld(t, false, selfService)
	entry := w.member("tower")
	service := w.member("integration", func(a *accounts.Account) { a.Kind = accounts.ServiceKind })
	w.member("away", func(a *accounts.Account) { a.Suspended.At = began })
	w.member("over", func(a *accounts.Account) { a.Window.Until = began })
	w.member("gone", func(a *accounts.Account) { a.Removed = began })
	w.member("waits", func(a *accounts.Account) { a.Kind, a.Sites = accounts.InstallerKind, accounts.TheseSites("north") })
	visitor := w.member("guest", func(a *accounts.Account) { a.Kind, a.Window.Until = accounts.VisitorKind, began.Add(time.Hour) })
	strict := w.open(w.store, nil)
	for name, c := range map[string]struct {
		journal *journal.Journal
		actor   accounts.Actor
		want    error
	}{
		"not by policy":         {strict, person("tower"), accounts.ErrSelfService},
		"another's of a dealer": {w.journal, north, accounts.ErrSelfService},
		"a host's person":       {w.journal, accounts.HostActor("tower", "", "http"), accounts.ErrSelfService},
		"keyholder itself":      {w.journal, accounts.SystemActor("loop"), accounts.ErrSelfService},
		"nobody":                {w.journal, accounts.Actor{}, accounts.ErrSelfService},
		"a service":             {w.journal, person("integration"), accounts.ErrSelfService},
		"no such account":       {w.journal, person("none"), accounts.ErrAccountNotFound},
		"suspended":             {w.journal, person("away"), accounts.ErrAccountSuspended},
		"over":                  {w.journal, person("over"), accounts.ErrAccountExpired},
		"removed":               {w.journal, person("gone"), accounts.ErrAccountRemoved},
	} {
		_, err := c.journal.Self(c.actor).Query(t.Context(), journal.Query{})
		require.ErrorIs(t, err, c.want, name)
		_, err = c.journal.Self(c.actor).Prove(t.Context(), entry)
		require.ErrorIs(t, err, c.want, name)
	}
	denied := walk(t, w.journal.As(operator), journal.Filter{Actions: []audit.Action{audit.AccessDenied}, Actor: "integration"}, 50)
	require.NotEmpty(t, denied)
	for _, id := range []accounts.ID{"waits", "guest"} { // who has no rights yet, or never, has their own entries
		page, err := w.journal.Self(person(id)).Query(t.Context(), journal.Query{})
		require.NoError(t, err, id)
		require.NotEmpty(t, page.Entries)
		for _, other := range []string{entry, service} {
			_, err = w.journal.Self(person(id)).Prove(t.Context(), other)
			require.ErrorIs(t, err, journal.ErrEntryNotFound)
		}
	}
	_, err := w.journal.Self(person("guest")).Prove(t.Context(), visitor)
	require.NoError(t, err)
}

// A host's people see their entries as its directory knows them.
//
// Rules: G214
func TestAHostsPeopleSeeTheirOwnEntries(t *testing.T) {
	w := newWorld(t, false, func(o *journal.Options) {
		selfService(o)
		o.Directory = accounts.StaticDirectory{{ID: "resident", Status: accounts.StatusActive}, {ID: "left", Status: accounts.StatusSuspended}}
	})
	host := func(id accounts.ID) *journal.Self { return w.journal.Self(accounts.HostActor(id, "Somebody", "http")) }
	mine := w.say(operator, audit.AccountAssigned, audit.Success, []string{"resident"},
		flow.Field{Name: audit.FieldEmail, Value: "resident@example.com", Of: audit.AccountActor + "/resident"})
	page, err := host("resident").Query(t.Context(), journal.Query{Filter: journal.Filter{Actions: []audit.Action{audit.AccountAssigned}}})
	require.NoError(t, err)
	require.Equal(t, []string{mine}, ids(page.Entries))
	assert.Contains(t, page.Entries[0].Description, "resident@example.com")
	_, err = host("resident").Prove(t.Context(), mine)
	require.NoError(t, err)
	_, err = host("left").Query(t.Context(), journal.Query{})
	require.ErrorIs(t, err, accounts.ErrNotEnabled)
	_, err = host("operator").Query(t.Context(), journal.Query{})
	require.ErrorIs(t, err, accounts.ErrAccountNotFound)
	_, err = w.journal.Self(accounts.SystemActor("resident")).Query(t.Context(), journal.Query{})
	require.ErrorIs(t, err, accounts.ErrSelfService)
}
