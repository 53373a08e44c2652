package panel_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// letsIn is a driver of a panel that lets us in.
type letsIn struct {
	deaf
	err error
}

func (d letsIn) Pair(_ context.Context, ident string) (panel.Candidate, error) {
	return panel.Candidate{Ident: ident, Route: "its own name"}, d.err
}

// Of several routes the one that can pair does, and what it gives opens that route.
func TestCombinePairsOverTheRouteThatCan(t *testing.T) {
	pair := func(parts ...panel.Part) (panel.Candidate, error) {
		return panel.Combine(parts...).(panel.Pairer).Pair(t.Context(), "p")
	}
	c, err := pair(panel.Part{Route: "a", Driver: deaf{}}, panel.Part{Route: "b", Driver: letsIn{}})
	require.NoError(t, err)
	assert.Equal(t, panel.Candidate{Ident: "p", Route: "b"}, c)

	_, err = pair(panel.Part{Route: "a", Driver: letsIn{err: panel.ErrUnreachable}})
	var route *panel.RouteError
	require.ErrorAs(t, err, &route)
	assert.Equal(t, "a", route.Route)
	require.ErrorIs(t, err, panel.ErrUnreachable)

	_, err = pair(panel.Part{Route: "a", Driver: deaf{}})
	require.ErrorIs(t, err, panel.ErrUnsupported)
}
