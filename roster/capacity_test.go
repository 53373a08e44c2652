package roster_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Rules: G189
func TestCapacityIsRoundedAndNeedsARight(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		for i := range 123 {
			_, err := f.person(accounts.ID(fmt.Sprintf("guest%d", i))).GeneratePIN(f.ctx, 4)
			require.NoError(f, err)
		}
		_, err := f.person("other").GeneratePIN(f.ctx, 6)
		require.NoError(f, err)
		require.NoError(f, f.person("guest0").RemovePIN(f.ctx))
		room, err := f.operator().Capacity(f.ctx, 4, 3)
		require.NoError(f, err)
		require.InDelta(f, 120, room.Taken, 0, "122, rounded")
		require.InDelta(f, credentials.Rounded(credentials.GuessRisk(122, 4, 3)), room.GuessRisk, 0)
		require.InDelta(f, credentials.Rounded(float64(credentials.Policy{}.Capacity(4))), room.Codes, 0)
		none, err := f.operator().Capacity(f.ctx, 3, 3)
		require.NoError(f, err)
		require.Zero(f, none.Codes)
		_, err = f.janitorWithout(accounts.CapacityView).Capacity(f.ctx, 4, 3)
		var denied *accounts.PermissionError
		require.ErrorAs(f, err, &denied)
		require.Equal(f, accounts.CapacityView, denied.Right)
	})
}
