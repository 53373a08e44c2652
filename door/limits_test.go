package door_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// A use that ends a credential makes devices follow at once, whichever code was typed;
// another use does not.
//
// Rules: G187, G63
func TestAUseThatEndsACredentialIsFollowed(t *testing.T) {
	marks := func(typedCode string, edit func(*rec.Credential)) (n int) {
		w := newWorld(t)
		w.account("cleaner")
		w.give("cleaner", rec.PIN, pin, edit)
		w.give("cleaner", rec.DuressPIN, duress)
		w.wrote()
		require.True(t, w.try(typed(t, typedCode)).Granted)
		for _, c := range w.wrote() {
			for _, op := range c.Ops {
				if m, ok := op.(store.Mark); ok && m.Line == flow.ProjectLine("cleaner") {
					n++
				}
			}
		}
		return n
	}
	for _, shown := range []string{pin, duress} {
		require.Equal(t, 0, marks(shown, func(*rec.Credential) {}))
		require.Equal(t, 1, marks(shown, func(c *rec.Credential) { c.Uses = 3 }))
		require.Equal(t, 1, marks(shown, func(c *rec.Credential) { c.For = time.Hour }))
		require.Equal(t, 1, marks(shown, func(c *rec.Credential) { c.Type = credentials.Disposable }))
	}
}

// What begins with the first use, or ends without one, is kept with the credential.
//
// Rules: G71
func TestALifeIsKeptWithTheCredential(t *testing.T) {
	w := newWorld(t)
	w.account("guest")
	w.give("guest", rec.PIN, "4826", func(c *rec.Credential) { c.For, c.Created = 30*time.Minute, noon })
	w.later(24 * time.Hour)
	require.True(t, w.try(typed(t, "4826")).Granted)
	w.later(29 * time.Minute)
	w.open()
	require.True(t, w.try(typed(t, "4826")).Granted)
	w.later(time.Minute)
	require.Equal(t, credentials.Expired, w.try(typed(t, "4826")).Reason)
	w.change("guest", rec.PIN, func(c *rec.Credential) { c.For, c.Idle = 0, time.Hour })
	require.True(t, w.try(typed(t, "4826")).Granted)
	w.later(time.Hour)
	require.Equal(t, credentials.Unused, w.try(typed(t, "4826")).Reason)
}
