package tink_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/testing/fakekms"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/keyringtest"
	"github.com/seed-a2d3eaca/keyholder/credentials/tink"
)

func keysets(t testing.TB) (one, two tink.Keysets) {
	t.Helper()
	one, err := tink.Generate()
	require.NoError(t, err)
	two, err = tink.Rotate(one)
	require.NoError(t, err)
	return one, two
}

func keyring(t testing.TB, k tink.Keysets, o tink.Options) *tink.Keyring {
	t.Helper()
	r, err := tink.New(k, o)
	require.NoError(t, err)
	return r
}

// Keysets of tink pass what the keyring in memory passes.
//
// Rules: G51, G191, G192
func TestKeysetsAreAKeyring(t *testing.T) {
	keyringtest.Run(t, func(t testing.TB) keyringtest.Bench {
		one, two := keysets(t)
		old := keyring(t, one, tink.Options{Tenant: "a"})
		return keyringtest.Bench{
			Old: old, Both: keyring(t, two, tink.Options{Tenant: "a", Epoch: old.Epoch()}), Tenant: keyring(t, one, tink.Options{Tenant: "b"}),
		}
	})
}

// A new primary key is used when the epoch says so, and not before.
func TestTheEpochSaysWhichKeyIsUsed(t *testing.T) {
	one, two := keysets(t)
	old, both := keyring(t, one, tink.Options{}), keyring(t, two, tink.Options{})
	require.NotEqual(t, old.Epoch().Seal, both.Epoch().Seal)
	behind := keyring(t, two, tink.Options{Epoch: old.Epoch()})
	s, err := behind.Seal(credentials.Binding{Owner: "user/u1"}, []byte("0042"))
	require.NoError(t, err)
	require.Equal(t, old.Epoch().Seal, s.KeyID)
	got, err := old.Open(credentials.Binding{Owner: "user/u1"}, s)
	require.NoError(t, err)
	require.Equal(t, "0042", string(got))

	left, err := tink.Drop(two, old.Epoch().Seal)
	require.NoError(t, err)
	require.Equal(t, both.Epoch().Prints, keyring(t, left, tink.Options{}).Keys())
	_, err = tink.Drop(left, old.Epoch().Seal)
	require.ErrorIs(t, err, credentials.ErrKeyMissing)
	_, err = tink.Drop(left, both.Epoch().Seal)
	require.Error(t, err, "the primary key stays")
}

// Keysets that do not go together, or are of other primitives, are no keyring.
func TestKeysetsThatDoNotGoTogether(t *testing.T) {
	one, two := keysets(t)
	for name, k := range map[string]tink.Keysets{
		"none":           {},
		"one is missing": {Prints: one.Prints},
		"another number": {Prints: one.Prints, Seals: two.Seals},
	} {
		_, err := tink.New(k, tink.Options{})
		require.ErrorIs(t, err, credentials.ErrKeyForm, name)
	}
	_, err := tink.New(tink.Keysets{Prints: one.Seals, Seals: one.Prints}, tink.Options{})
	require.Error(t, err, "exchanged")
	_, err = tink.New(one, tink.Options{Epoch: credentials.Epoch{N: 2, Prints: []string{"tink-00000000"}, Seal: "tink-00000000"}})
	require.ErrorIs(t, err, credentials.ErrKeyMissing)
}

// Keysets lie on the disk encrypted by a key management service; without it, or with one
// set in the place of the other, they do not open.
func TestKeysetsAreWrapped(t *testing.T) {
	_, two := keysets(t)
	uri, err := fakekms.NewKeyURI()
	require.NoError(t, err)
	kms, err := fakekms.NewClient(uri)
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, tink.Write(&file, kms, uri, two))
	text := bytes.Clone(file.Bytes())
	again, err := tink.Read(&file, kms, uri)
	require.NoError(t, err)
	a, b := keyring(t, two, tink.Options{}), keyring(t, again, tink.Options{})
	require.Equal(t, a.Keys(), b.Keys())
	s, err := a.Seal(credentials.Binding{}, []byte("0042"))
	require.NoError(t, err)
	got, err := b.Open(credentials.Binding{}, s)
	require.NoError(t, err)
	require.Equal(t, "0042", string(got))

	other, err := fakekms.NewKeyURI()
	require.NoError(t, err)
	_, err = tink.Read(bytes.NewReader(text), kms, other)
	require.ErrorIs(t, err, credentials.ErrKeyMissing)
	stranger, err := fakekms.NewClient(other)
	require.NoError(t, err)
	_, err = tink.Read(bytes.NewReader(text), stranger, other)
	require.Error(t, err)
	lines := bytes.SplitAfter(text, []byte("\n"))
	_, err = tink.Read(bytes.NewReader(bytes.Join([][]byte{lines[1], lines[0]}, nil)), kms, uri)
	require.Error(t, err)
	_, err = keyset.ReadWithNoSecrets(keyset.NewBinaryReader(bytes.NewReader(text)))
	require.Error(t, err)
}
