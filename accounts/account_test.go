package accounts_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
)

var now = time.Date(2026, 5, 13, 16, 24, 55, 0, time.UTC)

// email is an address that is known to be well formed.
func email(s string) accounts.Email {
	e, err := accounts.ParseEmail(s)
	if err != nil {
		panic(err)
	}
	return e
}

func window(from, until time.Duration) credentials.Window {
	return credentials.Window{From: now.Add(from), Until: now.Add(until)}
}

// An account to which every fact applies is in the first state; taking away the fact
// that decided leads to the next one.
//
// Rules: R89, R92, R94, R96, G120, G122, G124
func TestStatesAndWhatTheProductsMakeOfThem(t *testing.T) {
	a := accounts.Account{
		ID: accounts.SystemID, Removed: now, LockedUntil: now.Add(time.Minute), Suspended: accounts.Suspension{At: now},
		Window: credentials.Window{From: now.Add(time.Hour), Until: now.Add(2 * time.Hour), Revoked: true},
	}
	for _, c := range []struct {
		state            accounts.State
		powerManage, gem accounts.Status
		access           error
		then             func(*accounts.Account)
	}{
		{accounts.Removed, accounts.StatusSuspended, accounts.StatusInactive, accounts.ErrAccountRemoved,
			func(a *accounts.Account) { a.Removed = time.Time{} }},
		{accounts.System, accounts.StatusActive, accounts.StatusActive, accounts.ErrSystemAccount,
			func(a *accounts.Account) { a.ID = "a1" }},
		{accounts.Locked, accounts.StatusSuspended, accounts.StatusLocked, accounts.ErrAccountLocked,
			func(a *accounts.Account) { a.LockedUntil = now }},
		{accounts.Revoked, accounts.StatusSuspended, accounts.StatusInactive, accounts.ErrAccountRevoked,
			func(a *accounts.Account) { a.Window.Revoked = false }},
		{accounts.Suspended, accounts.StatusSuspended, accounts.StatusInactive, accounts.ErrAccountSuspended,
			func(a *accounts.Account) { a.Suspended = accounts.Suspension{} }},
		{accounts.NotConfirmed, accounts.StatusNotConfirmed, accounts.StatusInactive, accounts.ErrAccountNotConfirmed,
			func(a *accounts.Account) { a.Confirmed = now }},
		{accounts.NotYetValid, accounts.StatusSuspended, accounts.StatusInactive, accounts.ErrAccountNotYetValid,
			func(a *accounts.Account) { a.Window = window(-2*time.Hour, 0) }},
		{accounts.Expired, accounts.StatusSuspended, accounts.StatusInactive, accounts.ErrAccountExpired,
			func(a *accounts.Account) { a.Window = window(0, time.Second) }},
		{accounts.Active, accounts.StatusActive, accounts.StatusActive, nil, func(*accounts.Account) {}},
	} {
		assert.Equal(t, c.state, a.State(now))
		assert.Equal(t, c.powerManage, a.StatusPowerManage(now), c.state)
		assert.Equal(t, c.gem, a.StatusGEM(now), c.state)
		assert.ErrorIs(t, a.Access(now), c.access, c.state)
		c.then(&a)
	}
}

// Rules: R89, R104
func TestAPanelUserWithoutAccountIsUnknown(t *testing.T) {
	assert.Equal(t, accounts.StatusUnknown, accounts.StatusOf(nil, now))
	assert.Equal(t, accounts.StatusUnknown, accounts.StatusOf(&accounts.Account{ID: "a1", Removed: now}, now))
	assert.Equal(t, accounts.StatusNotConfirmed, accounts.StatusOf(&accounts.Account{ID: "a1"}, now))
	assert.Equal(t, []accounts.Status{"Not confirmed", "Active", "Suspended", "Unknown", "Inactive", "Locked"}, []accounts.Status{
		accounts.StatusNotConfirmed, accounts.StatusActive, accounts.StatusSuspended, accounts.StatusUnknown, accounts.StatusInactive, accounts.StatusLocked,
	}, "in the products' own words")
}

// Rules: R103, R104
func TestCreatedIsWrittenAsTheProductsDo(t *testing.T) {
	zone := time.FixedZone("somewhere", 2*3600)
	assert.Equal(t, "4:24:55 PM Wed 13 May, 2026", accounts.FormatCreated(now))
	assert.Equal(t, "6:24:55 PM Wed 13 May, 2026", accounts.FormatCreated(now.In(zone)))
	assert.Equal(t, "12:05:00 AM Sat 1 Aug, 2026", accounts.FormatCreated(time.Date(2026, 8, 1, 0, 5, 0, 0, zone)))
	assert.Equal(t, "-", accounts.FormatCreated(time.Time{}))
}

func TestAccountsAreWrittenWithSortedKeys(t *testing.T) {
	a := accounts.Account{
		ID: "a1", Username: "homeowner_1", First: "Home", Last: "Owner", Email: email("Owner@Example.com"), Phone: "+1234567890",
		Roles: []string{"user"}, Sites: accounts.TheseSites("s1"), Created: now, Confirmed: now.Add(time.Hour), LockedUntil: now.Add(2 * time.Hour),
		Suspended: accounts.Suspension{At: now.Add(3 * time.Hour), Reason: "moved out"}, Window: credentials.Window{Until: now.Add(time.Hour)},
	}
	b, err := json.Marshal(a)
	require.NoError(t, err)
	assert.Equal(t, `{"confirmed":"2026-05-13T17:24:55Z","created":"2026-05-13T16:24:55Z","email":"Owner@Example.com","first":"Home","id":"a1","last":"Owner",`+
		`"lockedUntil":"2026-05-13T18:24:55Z","phone":"+1234567890","roles":["user"],"sites":{"these":["s1"]},`+
		`"suspended":{"at":"2026-05-13T19:24:55Z","reason":"moved out"},"username":"homeowner_1","window":{"until":"2026-05-13T17:24:55Z"}}`, string(b))
	var back accounts.Account
	require.NoError(t, json.Unmarshal(b, &back))
	assert.Equal(t, a, back)

	b, err = json.Marshal(accounts.Account{ID: "a1"})
	require.NoError(t, err)
	assert.Equal(t, `{"id":"a1","sites":{"these":[]}}`, string(b), "what is not said leads nowhere")
}

// Rules: G13
func TestNamesFallBack(t *testing.T) {
	a := accounts.Account{Email: email("owner@example.com")}
	assert.Equal(t, "owner@example.com", a.Name())
	a.Username = "homeowner_1"
	assert.Equal(t, "homeowner_1", a.Name())
	a.Last = "Owner"
	assert.Equal(t, "Owner", a.Name())
	a.First = "Home"
	assert.Equal(t, "Home Owner", a.Name())
}

var allEvents = []accounts.Event{
	accounts.Confirm, accounts.Suspend, accounts.Enable, accounts.Revoke, accounts.Unrevoke,
	accounts.Validate, accounts.Lock, accounts.Unlock, accounts.Reset, accounts.Remove,
}

// apply does e through the method that is made for it; a reset changes nothing.
func apply(a accounts.Account, e accounts.Event, p accounts.Policy) (accounts.Account, error) {
	switch e {
	case accounts.Confirm:
		return a.Confirm(now)
	case accounts.Suspend:
		return a.Suspend(now, "moved out", p)
	case accounts.Enable:
		return a.Enable()
	case accounts.Revoke:
		return a.Revoke(now)
	case accounts.Unrevoke:
		return a.Unrevoke()
	case accounts.Validate:
		return a.Validate(window(-time.Hour, time.Hour))
	case accounts.Lock:
		return a.Lock(now.Add(time.Hour))
	case accounts.Unlock:
		return a.Unlock()
	case accounts.Reset:
		return a, a.May(e, p)
	case accounts.Remove:
		return a.Remove(now, p)
	}
	panic(e)
}

// Every state meets every event. What is not in the table is refused with the state and
// the event, and changes nothing.
//
// Rules: R90, R91, R95, R97, R105, G150, G151
func TestEveryStateMeetsEveryEvent(t *testing.T) {
	id, mail := accounts.ID("a1"), email("owner@example.com")
	unconfirmed := accounts.Account{ID: id, Email: mail, Created: now.Add(-time.Hour)}
	active := unconfirmed
	active.Confirmed = now.Add(-time.Minute)
	with := func(a accounts.Account, change func(*accounts.Account)) accounts.Account { change(&a); return a }
	suspend := func(a *accounts.Account) { a.Suspended.At = now.Add(-time.Second) }
	lock := func(a *accounts.Account) { a.LockedUntil = now.Add(time.Minute) }
	revoke := func(a *accounts.Account) { a.Window.Revoked = true }
	expire := func(a *accounts.Account) { a.Window = window(-2*time.Hour, -time.Hour) }

	const never = accounts.State("")
	beside := map[accounts.Event]accounts.State{ // what leads from a state of its own to the same
		accounts.Lock: accounts.Locked, accounts.Revoke: accounts.Revoked, accounts.Remove: accounts.Removed,
	}
	for name, c := range map[string]struct {
		from accounts.Account
		to   map[accounts.Event]accounts.State
	}{
		"not confirmed": {unconfirmed, map[accounts.Event]accounts.State{
			accounts.Confirm: accounts.Active, accounts.Reset: accounts.NotConfirmed, accounts.Validate: accounts.NotConfirmed}},
		"active": {active, map[accounts.Event]accounts.State{
			accounts.Suspend: accounts.Suspended, accounts.Reset: accounts.Active, accounts.Validate: accounts.Active}},
		"suspended": {with(active, suspend), map[accounts.Event]accounts.State{
			accounts.Enable: accounts.Active, accounts.Reset: accounts.Suspended, accounts.Validate: accounts.Suspended}},
		"suspended before it was confirmed": {with(unconfirmed, suspend), map[accounts.Event]accounts.State{
			accounts.Enable: accounts.NotConfirmed, accounts.Reset: accounts.Suspended, accounts.Validate: accounts.Suspended}},
		"locked": {with(active, lock), map[accounts.Event]accounts.State{
			accounts.Unlock: accounts.Active, accounts.Suspend: accounts.Locked, accounts.Revoke: accounts.Locked,
			accounts.Reset: accounts.Locked, accounts.Validate: accounts.Locked}},
		"revoked": {with(active, revoke), map[accounts.Event]accounts.State{
			accounts.Unrevoke: accounts.Active, accounts.Suspend: accounts.Revoked, accounts.Revoke: never,
			accounts.Reset: accounts.Revoked, accounts.Validate: accounts.Revoked}},
		"expired": {with(active, expire), map[accounts.Event]accounts.State{
			accounts.Suspend: accounts.Suspended, accounts.Validate: accounts.Active, accounts.Reset: accounts.Expired}},
		"revoked and expired": {with(with(active, expire), revoke), map[accounts.Event]accounts.State{
			accounts.Unrevoke: accounts.Expired, accounts.Suspend: accounts.Revoked, accounts.Revoke: never,
			accounts.Reset: accounts.Revoked, accounts.Validate: accounts.Revoked}},
		"removed": {accounts.Account{ID: id, Removed: now}, map[accounts.Event]accounts.State{
			accounts.Lock: never, accounts.Revoke: never, accounts.Remove: never}},
		"the system's own": {accounts.Account{ID: accounts.SystemID, Confirmed: now}, map[accounts.Event]accounts.State{
			accounts.Lock: never, accounts.Revoke: never, accounts.Remove: never}},
	} {
		for _, e := range allEvents {
			want, own := c.to[e]
			if !own {
				want = beside[e]
			}
			got, err := apply(c.from, e, accounts.PowerManage())
			if want != never {
				require.NoError(t, err, "%s an account that is %s", e, name)
				assert.Equal(t, want, got.State(now), "%s an account that is %s", e, name)
				assert.NoError(t, c.from.May(e, accounts.PowerManage()), "the menu says the same")
				continue
			}
			var refused *accounts.TransitionError
			require.ErrorAs(t, err, &refused, "%s an account that is %s", e, name)
			assert.ErrorIs(t, err, accounts.ErrInvalidTransition)
			assert.Equal(t, e, refused.Event)
			assert.Equal(t, err, c.from.May(e, accounts.PowerManage()), "the menu says the same")
			assert.Equal(t, c.from, got, "nothing changes")
			assert.Equal(t, c.from.State(now) == accounts.Removed, isErr(err, accounts.ErrAccountRemoved))
			assert.Equal(t, c.from.ID == accounts.SystemID, isErr(err, accounts.ErrSystemAccount))
		}
	}
}

func TestWhatThePoliciesDecide(t *testing.T) {
	unconfirmed := accounts.Account{ID: "a1", Email: email("owner@example.com")}
	pm, gem := accounts.PowerManage(), accounts.GEM()

	assert.ErrorIs(t, unconfirmed.May(accounts.Suspend, pm), accounts.ErrInvalidTransition)
	assert.NoError(t, unconfirmed.May(accounts.Suspend, gem))
	assert.NoError(t, unconfirmed.May(accounts.Remove, pm))
	assert.ErrorIs(t, unconfirmed.May(accounts.Remove, gem), accounts.ErrDeleteForbidden)
	assert.NoError(t, unconfirmed.May(accounts.Reset, pm))
	assert.ErrorIs(t, unconfirmed.May(accounts.Reset, gem), accounts.ErrResetUnsupported)
	assert.ErrorIs(t, accounts.Account{ID: "a1"}.May(accounts.Reset, pm), accounts.ErrNoEmail)
	assert.ErrorIs(t, accounts.Account{ID: accounts.SystemID}.May(accounts.Remove, gem), accounts.ErrSystemAccount)
	assert.ErrorIs(t, unconfirmed.May("something else", pm), accounts.ErrInvalidTransition)
}

// Rules: R144
func TestRemovingLeavesOnlyWhatTheLogRefersTo(t *testing.T) {
	a := accounts.Account{
		ID: "a1", Username: "homeowner_1", First: "Home", Last: "Owner", Email: email("owner@example.com"), Phone: "+1234567890",
		Roles: []string{"user"}, Sites: accounts.AllSites(), Created: now.Add(-time.Hour), Confirmed: now, Window: window(-time.Hour, time.Hour),
	}
	gone, err := a.Remove(now, accounts.PowerManage())
	require.NoError(t, err)
	assert.Equal(t, accounts.Account{ID: "a1", Username: "homeowner_1", Created: now.Add(-time.Hour), Confirmed: now, Removed: now}, gone)
	assert.True(t, gone.Sites.None())
	assert.ErrorIs(t, gone.Access(now), accounts.ErrAccountRemoved)
}

// Rules: R97, G119, G121, G123
func TestSuspendingKeepsEverythingElse(t *testing.T) {
	a := accounts.Account{ID: "a1", Email: email("owner@example.com"), Roles: []string{"user"}, Sites: accounts.TheseSites("s1"), Confirmed: now}
	s, err := a.Suspend(now, "moved out", accounts.PowerManage())
	require.NoError(t, err)
	assert.Equal(t, accounts.Suspension{At: now, Reason: "moved out"}, s.Suspended)
	back, err := s.Enable()
	require.NoError(t, err)
	assert.Equal(t, a, back)
}

func TestValidityKeepsARevocation(t *testing.T) {
	a := accounts.Account{ID: "a1", Confirmed: now, Window: credentials.Window{Revoked: true}}
	a, err := a.Validate(window(-time.Hour, time.Hour))
	require.NoError(t, err)
	assert.Equal(t, accounts.Revoked, a.State(now))
	_, err = a.Validate(window(time.Hour, -time.Hour))
	assert.ErrorIs(t, err, credentials.ErrValidityOrder)
	a, err = a.Validate(window(time.Millisecond, time.Minute+time.Millisecond))
	require.NoError(t, err)
	want := window(0, time.Minute)
	want.Revoked = true
	assert.Equal(t, want, a.Window, "whole seconds")
	assert.Contains(t, fmt.Sprint(&accounts.TransitionError{From: accounts.Suspended, Event: accounts.Suspend}), "suspend an account that is suspended")
}

// Whatever is done to an account, its username stays, so that the log's entries name one
// account for ever.
//
// Rules: G31
func TestAUsernameNeverChanges(t *testing.T) {
	for _, e := range allEvents {
		a := accounts.Account{ID: "a1", Username: "homeowner_1", Email: email("owner@example.com"), LockedUntil: now.Add(time.Hour)}
		if e != accounts.Confirm {
			a.Confirmed = now
		}
		if e == accounts.Enable {
			a.Suspended.At = now
		}
		a.Window.Revoked = e == accounts.Unrevoke
		b, err := apply(a, e, accounts.PowerManage())
		require.NoError(t, err, e)
		assert.Equal(t, "homeowner_1", b.Username, e)
	}
}

// The system is an account of its own beside the people: it stands for what keyholder does
// by itself, and nobody enters as it.
//
// Rules: G149, G152
func TestTheSystemsAccountIsItsOwn(t *testing.T) {
	system := accounts.Account{ID: accounts.SystemID, Confirmed: now, Sites: accounts.AllSites()}
	assert.Equal(t, accounts.System, system.State(now))
	assert.Equal(t, accounts.SystemID, accounts.SystemActor("sweep").ID())
	assert.ErrorIs(t, system.MayEnter(accounts.DefaultRoles(), accounts.PowerManage(), accounts.Arrival{}, now), accounts.ErrSystemAccount)
}
