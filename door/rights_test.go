package door_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/door"
)

// Rules: R239
func TestEveryOperationHasItsRight(t *testing.T) {
	op := reflect.TypeFor[*door.Operator]()
	for m := range op.Methods() {
		require.NotZero(t, accounts.PermissionFor("door."+m.Name).Right, m.Name)
	}
	require.Positive(t, op.NumMethod())
}
