package people_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// doors is a gate, which the group "guests" may enter, and a lab, which it may not. What it
// returns asks at one of them with a PIN.
func (b *bench) doors() func(point string, pin credentials.Code) credentials.Reason {
	b.t.Helper()
	ctx := b.t.Context()
	desk := b.desk().op
	for _, id := range []string{"gate", "lab"} {
		require.NoError(b.t, desk.SetPoint(ctx, roster.AccessPoint{Point: credentials.Point{ID: id, Site: "north"}}))
	}
	require.NoError(b.t, desk.SetGroup(ctx, "north", credentials.Group{ID: "guests"}))
	require.NoError(b.t, desk.SetRule(ctx, roster.AccessRule{ID: "visits", Site: "north", Who: []credentials.Subject{{Kind: "group", ID: "guests"}}, Points: []string{"gate"}}))
	s, err := door.New(door.Options{Store: b.store, Restricted: memstore.Open(), Keys: b.keys, Authority: accounts.StaticAuthority{"operator": everything}})
	require.NoError(b.t, err)
	key, err := s.As(accounts.HostActor("operator", "", "test").Vouched(time.Now())).AddReader(ctx,
		door.NewReader{Site: "north", Points: map[string]door.Outage{"gate": door.OutageDeny, "lab": door.OutageDeny}})
	require.NoError(b.t, err)
	return func(point string, pin credentials.Code) credentials.Reason {
		a, err := s.Decide(ctx, door.ByKey(key), door.Entry{Point: point, Shown: door.Shown{Medium: credentials.Keypad, Code: pin}})
		require.NoError(b.t, err)
		require.Equal(b.t, a.Granted, a.Reason == credentials.Granted)
		return a.Reason
	}
}

// A visitor's PIN opens what the access group may enter, during the visit and not before or
// after it, and nothing else.
//
// Rules: G209, S26, G154
func TestAVisitorsPINOpensWhatTheGroupMayEnter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		ask := b.doors()
		n := guest()
		n.From, n.Stay = time.Now().Add(time.Hour), 4*time.Hour
		v, stopped := b.visit(n), b.visit(n)
		assert.Equal(t, credentials.NotYet, ask("gate", v.PIN))
		time.Sleep(time.Hour)
		assert.Equal(t, credentials.Granted, ask("gate", v.PIN))
		assert.Equal(t, credentials.Granted, ask("gate", stopped.PIN))
		assert.Equal(t, credentials.NoRule, ask("lab", v.PIN), "no group of theirs enters there")
		_, err := b.as("operator").Revoke(t.Context(), stopped.ID, "asked to leave")
		require.NoError(t, err)
		assert.Equal(t, credentials.Revoked, ask("gate", stopped.PIN))
		time.Sleep(4 * time.Hour)
		assert.Equal(t, credentials.Expired, ask("gate", v.PIN))
		o := b.offer(v.Account, people.HandOver{})
		_, err = b.svc.Collect(t.Context(), o.Word)
		require.ErrorIs(t, err, people.ErrCode, "after the visit nobody is shown a PIN")
	})
}
