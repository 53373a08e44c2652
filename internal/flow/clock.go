package flow

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Doubt says why a time cannot be relied on, "" if it can: it is not synchronised, lies
// before the program was built, or, by more than lag, before the newest entry of the log.
// Entries up to ahead are no measure: somebody has confirmed that a clock was ahead then.
func (c *Core) Doubt(ctx context.Context, now credentials.Now, lag time.Duration, ahead time.Time) (string, error) {
	var newest time.Time
	if now.Quality == credentials.ClockTrusted {
		last, err := c.Store.Entries(ctx, store.EntryQuery{OldestLast: true, Limit: 1})
		if err != nil {
			return "", err
		}
		if len(last) > 0 && last[0].At.After(ahead) {
			newest = last[0].At
		}
	}
	return doubt(now, Built(), newest, lag), nil
}

// doubt is [Core.Doubt] about a program and a newest entry of these times.
func doubt(now credentials.Now, built, newest time.Time, lag time.Duration) string {
	switch {
	case now.Quality != credentials.ClockTrusted:
		return "it is not synchronised"
	case now.T.Before(built):
		return "it is before the program was built"
	case newest.After(now.T.Add(lag)):
		return "it is before the newest entry of the log, which is of " + newest.UTC().Format(time.RFC3339)
	}
	return ""
}

// Built is when the program's source was committed, zero if it does not know.
func Built() time.Time { return built() }

var built = sync.OnceValue(func() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, v := range info.Settings {
		if v.Key == "vcs.time" {
			t, _ := time.Parse(time.RFC3339, v.Value) // zero if it is none: then nothing is before it
			return t
		}
	}
	return time.Time{}
})
