package roster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// No device asks for several credentials, so none is given what opens only beside another:
// neither by a rule that asks for two nor a credential that does. Each says why not.
//
// Rules: S39, G185
func TestWhatOpensOnlyBesideAnotherIsOnNoDevice(t *testing.T) {
	const alone = "the device does not ask for more than one credential"
	inFleet(t, nil, func(f *fleet) {
		f.device("gate", "north", telling())
		f.device("lobby", "north", codesOnly())
		pass(time.Minute)
		staff := roster.AccessRule{ID: "staff", Site: "north"}
		f.rule(staff, []accounts.ID{"cleaner"}, "gate", "lobby")
		cleaner := f.person("cleaner")
		require.NoError(f, cleaner.SetPIN(f.ctx, known("6137")))
		tag, err := cleaner.AddTag(f.ctx, card(f.T, "00001D2C"), "blue")
		require.NoError(f, err)
		pass(settling)
		require.Equal(f, []string{"gate", "lobby"}, f.on("6137"))
		require.Equal(f, []string{"gate"}, f.tagged("00001D2C"))

		// The rule asks for two: both go. Another rule that asks for one brings them back.
		staff.Needs = 2
		f.rule(staff, []accounts.ID{"cleaner"}, "gate", "lobby")
		pass(settling)
		require.Empty(f, f.on("6137"))
		require.Empty(f, f.tagged("00001D2C"))
		require.Equal(f, alone, f.words("cleaner", "lobby"))
		f.rule(roster.AccessRule{ID: "one", Site: "north"}, []accounts.ID{"cleaner"}, "gate", "lobby")
		pass(settling)
		require.Equal(f, []string{"gate", "lobby"}, f.on("6137"))

		// The card asks for two and goes; then the PIN.
		require.NoError(f, cleaner.SetTagLimits(f.ctx, tag, roster.Limits{Needs: 2}))
		pass(settling)
		require.Empty(f, f.tagged("00001D2C"))
		require.Equal(f, []string{"gate", "lobby"}, f.on("6137"))
		require.NoError(f, cleaner.SetLimits(f.ctx, roster.Limits{Needs: roster.MaxNeeds}))
		pass(settling)
		require.Empty(f, f.on("6137"))
		require.Equal(f, alone, f.words("cleaner", "lobby"))
		holds, err := cleaner.Holds(f.ctx)
		require.NoError(f, err)
		require.Equal(f, roster.MaxNeeds, holds.Limits.Needs)
		require.NoError(f, cleaner.SetLimits(f.ctx, roster.Limits{Needs: 1}))
		pass(settling)
		require.Equal(f, []string{"gate", "lobby"}, f.on("6137"))

		for _, n := range []int{-1, roster.MaxNeeds + 1} {
			require.ErrorIs(f, cleaner.SetLimits(f.ctx, roster.Limits{Needs: n}), roster.ErrLimits)
			staff.Needs = n
			require.ErrorIs(f, f.operator().SetRule(f.ctx, staff), roster.ErrAccessFields)
		}
		f.swept(0)
	})
}
