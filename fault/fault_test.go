package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

func TestKindHintAndRetryAreFoundThroughWrapping(t *testing.T) {
	sentinel := fault.New(fault.Unavailable, "line: out of reach").Hinted("Check the cable.")
	err := fmt.Errorf("register: %w", errors.Join(errors.New("a cause"), sentinel))
	require.ErrorIs(t, err, sentinel)
	require.Equal(t, fault.Unavailable, fault.Of(err))
	require.Equal(t, "Check the cable.", fault.Hint(err))
	require.True(t, fault.Temporary(err))
	require.Equal(t, "out of reach", fault.Text(err))
	require.Equal(t, "something went wrong", fault.Text(errors.New("plain")))

	require.Equal(t, fault.Unknown, fault.Of(errors.New("plain")))
	require.Empty(t, fault.Hint(errors.New("plain")))
	require.False(t, fault.Temporary(errors.New("plain")))
	require.Equal(t, fault.Unknown, fault.Of(nil))
}

func TestOnlySomeKindsAreWorthTryingAgain(t *testing.T) {
	for k, want := range map[fault.Kind]bool{
		fault.Invalid: false, fault.NotFound: false, fault.Conflict: false, fault.Denied: false, fault.Precondition: false,
		fault.Unsupported: false, fault.Unavailable: true, fault.Busy: true, fault.Internal: false,
	} {
		require.Equal(t, want, fault.New(k, "x").Temporary(), k)
		require.True(t, fault.New(k, "x").Retryable().Temporary(), k)
	}
	require.Equal(t, "unknown", fault.Kind(200).String())
}

func ExampleOf() {
	errTaken := fault.New(fault.Conflict, "the name is taken").Hinted("Choose another.")
	err := fmt.Errorf("rename: %w", errTaken)
	fmt.Println(fault.Of(err), "|", fault.Hint(err))
	// Output: conflict | Choose another.
}
