package flow

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// Rules: G204
func TestWhatPutsAClockInDoubt(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for what, c := range map[string]struct {
		quality       credentials.ClockQuality
		built, newest time.Time
		want          string
	}{
		"a new log":         {quality: credentials.ClockTrusted},
		"nobody has looked": {quality: credentials.ClockUnknown, want: "it is not synchronised"},
		"not synchronised":  {quality: credentials.ClockDoubtful, want: "it is not synchronised"},
		"built now":         {quality: credentials.ClockTrusted, built: noon},
		"before the build":  {quality: credentials.ClockTrusted, built: noon.Add(time.Second), want: "it is before the program was built"},
		"a little behind":   {quality: credentials.ClockTrusted, newest: noon.Add(time.Minute)},
		"behind the newest entry": {quality: credentials.ClockTrusted, newest: noon.Add(time.Minute + 1),
			want: "it is before the newest entry of the log, which is of 2026-03-02T12:01:00Z"},
	} {
		t.Run(what, func(t *testing.T) {
			require.Equal(t, c.want, doubt(credentials.Now{T: noon, Quality: c.quality}, c.built, c.newest, time.Minute))
		})
	}
}

// The newest entry is the one with the latest time, whatever was written after it, and
// entries that are known to lie ahead do not count.
//
// Rules: G204
func TestTheLogsNewestEntryMeasuresTheClock(t *testing.T) {
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	core := &Core{Store: memstore.Open(), Keys: keys, Authority: accounts.StaticAuthority{}}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, at := range []time.Duration{0, 48 * time.Hour, time.Hour} {
		core.Stamp = func(time.Time) time.Time { return noon.Add(at) }
		_, err := core.Act(t.Context(), accounts.SystemActor("test"), func(u *Unit) error {
			_, err := u.Say(audit.PanelChanged, audit.Success, nil)
			return err
		})
		require.NoError(t, err)
	}
	for _, c := range []struct {
		now, ahead time.Duration
		doubt      bool
	}{{now: time.Hour, doubt: true}, {now: time.Hour, ahead: 47 * time.Hour, doubt: true}, {now: time.Hour, ahead: 48 * time.Hour}, {now: 48 * time.Hour}} {
		why, err := core.Doubt(t.Context(), credentials.Now{T: noon.Add(c.now), Quality: credentials.ClockTrusted}, time.Minute, noon.Add(c.ahead))
		require.NoError(t, err)
		require.Equal(t, c.doubt, why != "", "%+v: %s", c, why)
	}
}
