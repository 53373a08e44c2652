package accounts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
)

func TestActorsAsTheLogKeepsThem(t *testing.T) {
	host := accounts.HostActor("op1", "Operator One", "http")
	assert.Equal(t, audit.Actor{Kind: "host", ID: "op1", Name: "Operator One", Via: "http"}, host.Audit())
	assert.Equal(t, audit.Actor{Kind: "system", ID: "0", Via: "delivery"}, accounts.SystemActor("delivery").Audit())
	assert.Equal(t, accounts.ID("op1"), host.ID())
	assert.Equal(t, "Operator One", host.Name())
	assert.Equal(t, "http", host.Via())
	assert.Equal(t, audit.HostActor, host.Kind())
	assert.True(t, accounts.Actor{}.IsZero())
	assert.False(t, host.IsZero())
}

// Rules: G208
func TestAFactorIsFreshForAWhileAndOnlyByTheHostsWord(t *testing.T) {
	const within = 5 * time.Minute
	host := accounts.HostActor("op1", "Operator One", "http")
	vouched := host.Vouched(now)
	for offset, want := range map[time.Duration]bool{
		-time.Nanosecond: false, 0: true, within: true, within + time.Nanosecond: false,
	} {
		assert.Equal(t, want, vouched.Fresh(now.Add(offset), within), "%s", offset)
	}
	assert.False(t, host.Fresh(now, within), "the host said nothing")
	assert.False(t, accounts.SystemActor("delivery").Vouched(now).Fresh(now, within))
	assert.False(t, accounts.Actor{}.Vouched(now).Fresh(now, within))
	assert.False(t, host.Fresh(time.Time{}, within), "no time is not a time")
}

// Rules: G208
func TestARecordedActorIsWhatKeyholderProved(t *testing.T) {
	a := accounts.Recorded(mint.Token{}, audit.AccountActor, "a1", "Home Owner", "session/s1", now)
	assert.Equal(t, audit.Actor{Kind: "account", ID: "a1", Name: "Home Owner", Via: "session/s1"}, a.Audit())
	assert.True(t, a.Fresh(now, time.Minute))
	assert.False(t, a.Vouched(now.Add(time.Hour)).Fresh(now.Add(time.Hour), time.Minute), "no host can make it fresher")
}

func TestActorsPrintWithoutTheName(t *testing.T) {
	host := accounts.HostActor("op1", "Operator One", "http")
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %s %q %v", host, host, host, host, host, []any{&host})
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "actor", host)
	b, err := json.Marshal([]any{host})
	require.NoError(t, err)
	out.Write(b)
	assert.NotContains(t, out.String(), "Operator")
	assert.Contains(t, out.String(), "host/op1")
}
