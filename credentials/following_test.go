package credentials_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// A keyring moves with the store's epoch, and never to a key that it lacks.
//
// Rules: G191
func TestAKeyringFollowsTheEpoch(t *testing.T) {
	a, b := credentials.GenerateKey(), credentials.GenerateKey()
	ring := func(keys ...credentials.Key) *credentials.Ring {
		r, err := credentials.NewKeyring("", keys, credentials.KeyringOptions{})
		require.NoError(t, err)
		return r
	}
	f := credentials.Follow(ring(a))
	both := credentials.Epoch{N: 2, Prints: []string{b.ID(), a.ID()}, Seal: b.ID()}
	require.ErrorIs(t, f.Turn(both), credentials.ErrKeyMissing)
	require.Equal(t, uint64(1), f.Epoch().N, "it stays where it is")
	require.NoError(t, f.Use(ring(a, b)))
	require.Equal(t, []string{a.ID()}, f.Epoch().Prints, "a key alone changes nothing")
	bind := credentials.Binding{Owner: "user/1", Kind: "code"}
	before, err := f.Seal(bind, []byte("x"))
	require.NoError(t, err)
	require.NoError(t, f.Turn(both))
	require.Equal(t, both, f.Epoch())
	after, err := f.Seal(bind, []byte("x"))
	require.NoError(t, err)
	require.Equal(t, []string{a.ID(), b.ID()}, []string{before.KeyID, after.KeyID})
	for _, s := range []credentials.Sealed{before, after} {
		plain, err := f.Open(bind, s)
		require.NoError(t, err)
		require.Equal(t, "x", string(plain))
	}
	require.ErrorIs(t, f.Use(ring(b)), credentials.ErrKeyMissing, "a key in use cannot be taken away")
	require.NoError(t, f.Turn(credentials.Epoch{N: 3, Prints: []string{b.ID()}, Seal: b.ID()}))
	require.NoError(t, f.Use(ring(b)))
	_, err = f.Open(bind, before)
	require.ErrorIs(t, err, credentials.ErrKeyMissing)
	require.Equal(t, credentials.Redacted, fmt.Sprintf("%+v", f))
}
