package keyringtest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/keyringtest"
)

// bench makes keyrings in memory.
func bench(t testing.TB) keyringtest.Bench {
	t.Helper()
	roots := [][]byte{[]byte("the root of the old key, 32 bytes"[:32]), []byte("the root of the new key, 32 bytes"[:32])}
	var keys []credentials.Key
	b := keyringtest.Bench{}
	for i, root := range roots {
		k, err := credentials.KeyOf(fmt.Sprint("k", i), root)
		require.NoError(t, err)
		keys, b.Secrets = append(keys, k), append(b.Secrets, root, fmt.Appendf(nil, "%x", root))
	}
	ring := func(tenant string, keys ...credentials.Key) *credentials.Ring {
		r, err := credentials.NewKeyring(tenant, keys, credentials.KeyringOptions{Epoch: credentials.Epoch{N: 1, Prints: []string{"k0"}, Seal: "k0"}})
		require.NoError(t, err)
		return r
	}
	b.Old, b.Both, b.Tenant = ring("a", keys[0]), ring("a", keys...), ring("b", keys[0])
	return b
}

// The keyring in memory passes the kit.
//
// Rules: G51, G191, G192
func TestTheKeyringInMemory(t *testing.T) { keyringtest.Run(t, bench) }

func ExampleRun() {
	// In a test of your own package:
	//
	//	func TestKeyring(t *testing.T) { keyringtest.Run(t, myBench) }
	fmt.Println("one call runs them all")
	// Output: one call runs them all
}
