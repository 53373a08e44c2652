package signin_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/signin"
)

// A device that one owner remembered stands in for nobody else's factor.
func TestADeviceIsRememberedForItsOwner(t *testing.T) {
	w := newWorld(t, func(c *setup) { c.policy.SkipFactor = true })
	var devices []signin.Token
	names := []string{"tower", "mill"}
	for _, name := range names {
		a := w.owner(name)
		require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
		full, err := w.try(name, first, remember)
		require.NoError(t, err)
		r, err := w.answer(*full.Challenge, signin.SMS, w.text())
		require.NoError(t, err)
		devices = append(devices, r.Device)
	}
	text := devices[0].Reveal()
	guessed, err := w.try(names[0], first, func(a *signin.Attempt) { a.Device = signin.ParseToken(text[:len(text)-4] + "AAAA") })
	require.NoError(t, err)
	require.NotNil(t, guessed.Challenge, "its id is no secret")
	for i, name := range names {
		w.in(name, func(a *signin.Attempt) { a.Device = devices[i] })
		r, err := w.try(name, first, func(a *signin.Attempt) { a.Device = devices[1-i] })
		require.NoError(t, err)
		require.NotNil(t, r.Challenge, name)
	}
}

func TestADeviceIsRememberedForATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *setup) { c.policy.SkipFactor, c.policy.Remember = true, time.Hour })
		a := w.owner("tower")
		require.NoError(t, w.op.RequireFactor(t.Context(), a.ID, true))
		full, err := w.try("tower", first, remember)
		require.NoError(t, err)
		r, err := w.answer(*full.Challenge, signin.SMS, w.text())
		require.NoError(t, err)
		shows := func(a *signin.Attempt) { a.Device = r.Device }
		time.Sleep(time.Hour - time.Second)
		w.in("tower", shows)
		time.Sleep(time.Second)
		again, err := w.try("tower", first, shows)
		require.NoError(t, err)
		require.NotNil(t, again.Challenge)
	})
}
