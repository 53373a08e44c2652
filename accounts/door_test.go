package accounts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// What ends an account's access ends it at doors, at its second; what concerns signing in
// does not.
//
// Rules: G163
func TestAnAccountsFactsCountAtDoors(t *testing.T) {
	who := credentials.Subject{Kind: "account", ID: "a1"}
	secret := credentials.Fingerprint{1}
	record := credentials.Record{Holder: "a1", As: []credentials.Subject{who}, Secrets: []credentials.Secret{{Kind: credentials.PIN, Print: secret}}}
	rules := []credentials.Rule{{ID: "r", Who: []credentials.Subject{who}, Points: []string{"front"}}}
	opens := func(a accounts.Account, own credentials.Window, at time.Time) bool {
		r := record
		r.Window = own
		d := credentials.Decide(a.Door(r, "north"), rules, credentials.Presented{Point: "front", Medium: credentials.Keypad, Prints: []credentials.Fingerprint{secret}},
			credentials.Now{T: at, Quality: credentials.ClockTrusted})
		return d.Reason == credentials.Granted
	}
	always := credentials.Window{}
	for name, c := range map[string]struct {
		account accounts.Account
		own     credentials.Window
		at      time.Time
		want    bool
	}{
		"active":                {accounts.Account{Confirmed: now}, always, now, true},
		"locked":                {accounts.Account{Confirmed: now, LockedUntil: now.Add(time.Hour)}, always, now, true},
		"not confirmed":         {accounts.Account{}, always, now, true},
		"suspended":             {accounts.Account{Suspended: accounts.Suspension{At: now}}, always, now, false},
		"removed":               {accounts.Account{Removed: now}, always, now, false},
		"revoked":               {accounts.Account{Window: credentials.Window{Revoked: true}}, always, now, false},
		"not yet":               {accounts.Account{Window: window(time.Second, time.Hour)}, always, now, false},
		"its first second":      {accounts.Account{Window: window(0, time.Hour)}, always, now, true},
		"its last second":       {accounts.Account{Window: window(-time.Hour, time.Second)}, always, now, true},
		"over":                  {accounts.Account{Window: window(-time.Hour, 0)}, always, now, false},
		"the record is revoked": {accounts.Account{}, credentials.Window{Revoked: true}, now, false},
		"the record is over":    {accounts.Account{Window: window(-time.Hour, time.Hour)}, window(-time.Hour, 0), now, false},
		"the record is to come": {accounts.Account{Window: window(-time.Hour, time.Hour)}, window(time.Second, time.Hour), now, false},
		"they do not meet":      {accounts.Account{Window: window(time.Hour, 2*time.Hour)}, window(0, time.Hour), now.Add(time.Hour), false},
	} {
		assert.Equal(t, c.want, opens(c.account, c.own, c.at), name)
	}
	disabled := record
	disabled.Disabled = true
	assert.True(t, (&accounts.Account{}).Door(disabled, "north").Disabled)

	installer := accounts.Account{Kind: accounts.InstallerKind, Sites: accounts.TheseSites("north", "south")}
	require.True(t, opens(accounts.Account{Sites: accounts.TheseSites("south")}, always, now), "where people work is not asked at doors")
	assert.False(t, opens(installer, always, now), "an installer who waits")
	for how, want := range map[accounts.Approval]bool{accounts.Accepted: true, accounts.Rejected: false} {
		decided, err := installer.Decide(accounts.Decision{Approval: how, At: now, By: "owner", Site: "north"})
		require.NoError(t, err)
		assert.Equal(t, want, opens(decided, always, now), how)
		elsewhere, err := installer.Decide(accounts.Decision{Approval: how, At: now, By: "owner", Site: "south"})
		require.NoError(t, err)
		assert.False(t, opens(elsewhere, always, now), "decided about at another site: %s", how)
	}
}
