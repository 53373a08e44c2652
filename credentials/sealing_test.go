package credentials_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Rules: G192
func TestOpeningACodeComparesItsFingerprint(t *testing.T) {
	r := testRing(t)
	rapid.Check(t, func(t *rapid.T) {
		mine := code(rapid.StringMatching(`[0-9]{1,16}`).Draw(t, "mine"))
		other := code(rapid.StringMatching(`[0-9]{1,16}`).Draw(t, "other"))
		fingerprint, err := r.Print("k1", siteScope, credentials.CodeMaterial(mine))
		require.NoError(t, err)

		sealed, err := credentials.SealCode(r, binding, mine)
		require.NoError(t, err)
		got, err := credentials.OpenCode(r, r, binding, sealed, siteScope, "k1", fingerprint)
		require.NoError(t, err)
		require.True(t, got.Equal(mine))

		// Another code, sealed by whoever may seal, under the very same binding.
		swapped, err := credentials.SealCode(r, binding, other)
		require.NoError(t, err)
		require.Len(t, swapped.Bytes, len(sealed.Bytes), "the size does not tell the length")
		got, err = credentials.OpenCode(r, r, binding, swapped, siteScope, "k1", fingerprint)
		if other.Equal(mine) {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, credentials.ErrDecrypt)
			require.True(t, got.IsZero())
		}
	})
}

// Rules: G191, G192
func TestACodeThatWasClaimedUnderNamesOpensUnderEachOfThem(t *testing.T) {
	k1, k2, mine := testKey("k1", 0), testKey("k2", 1), code("5824")
	ring := func(prints ...string) *credentials.Ring {
		r, err := credentials.NewKeyring("acme", []credentials.Key{k1, k2},
			credentials.KeyringOptions{Epoch: credentials.Epoch{N: 2, Prints: prints, Seal: "k1"}})
		require.NoError(t, err)
		return r
	}
	names := func(r *credentials.Ring, c credentials.Code) []string {
		all, err := credentials.Names(r, siteScope, credentials.CodeMaterial(c))
		require.NoError(t, err)
		return all
	}
	before, during, after := ring("k1"), ring("k1", "k2"), ring("k2")
	require.Len(t, names(during, mine), 2, "one name for each key in use")
	sealed, err := credentials.SealCode(before, binding, mine)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		opens   *credentials.Ring
		claimed []string
		want    error
	}{
		"as it was claimed":      {before, names(before, mine), nil},
		"claimed before a key":   {during, names(before, mine), nil},
		"claimed with both keys": {after, names(during, mine), nil},
		"another code's names":   {during, names(during, code("9046")), credentials.ErrDecrypt},
		"no name in common":      {after, names(before, mine), credentials.ErrDecrypt},
		"no name":                {before, nil, credentials.ErrDecrypt},
	} {
		got, err := credentials.OpenNamedCode(c.opens, c.opens, binding, sealed, siteScope, c.claimed)
		assert.ErrorIs(t, err, c.want, name)
		assert.Equal(t, c.want == nil, got.Equal(mine), name)
	}
	elsewhere := binding
	elsewhere.Owner = "user/u2"
	_, err = credentials.OpenNamedCode(before, before, elsewhere, sealed, siteScope, names(before, mine))
	assert.ErrorIs(t, err, credentials.ErrDecrypt)
}

func TestOpeningWhatIsNoCode(t *testing.T) {
	r := testRing(t)
	for _, plain := range []string{"", "12a4", "\x001234", "12345678901234567"} {
		sealed, err := r.Seal(binding, []byte(plain))
		require.NoError(t, err)
		_, err = credentials.OpenCode(r, r, binding, sealed, siteScope, "k1", credentials.Fingerprint{})
		assert.ErrorIs(t, err, credentials.ErrDecrypt, "%q", plain)
	}
	sealed, err := credentials.SealCode(r, binding, code("0042"))
	require.NoError(t, err)
	_, err = credentials.OpenCode(r, r, binding, sealed, siteScope, "k9", credentials.Fingerprint{})
	assert.ErrorIs(t, err, credentials.ErrKeyMissing)
	sealed.KeyID = "k9"
	_, err = credentials.OpenCode(r, r, binding, sealed, siteScope, "k1", credentials.Fingerprint{})
	assert.ErrorIs(t, err, credentials.ErrKeyMissing)
}

// Rules: G182, G192
func TestTagsAreSealedLikeCodes(t *testing.T) {
	r := testRing(t)
	mine := tag("2A5", 26)
	fingerprint, err := r.Print("k1", siteScope, credentials.TagMaterials(mine)[0])
	require.NoError(t, err)
	sealed, err := credentials.SealTag(r, binding, mine)
	require.NoError(t, err)
	got, err := credentials.OpenTag(r, r, binding, sealed, siteScope, "k1", fingerprint)
	require.NoError(t, err)
	assert.True(t, got.Equal(mine))

	swapped, err := credentials.SealTag(r, binding, tag("2A5", 34))
	require.NoError(t, err)
	_, err = credentials.OpenTag(r, r, binding, swapped, siteScope, "k1", fingerprint)
	assert.ErrorIs(t, err, credentials.ErrDecrypt)
	names, err := credentials.Names(r, siteScope, credentials.TagMaterials(mine)[0])
	require.NoError(t, err)
	got, err = credentials.OpenNamedTag(r, r, binding, sealed, siteScope, names)
	require.NoError(t, err)
	assert.True(t, got.Equal(mine))
	_, err = credentials.OpenNamedTag(r, r, binding, swapped, siteScope, names)
	assert.ErrorIs(t, err, credentials.ErrDecrypt)
	for _, plain := range [][]byte{{1}, {0, 26}} {
		short, err := r.Seal(binding, plain)
		require.NoError(t, err)
		_, err = credentials.OpenTag(r, r, binding, short, siteScope, "k1", fingerprint)
		assert.ErrorIs(t, err, credentials.ErrDecrypt)
	}
}

// Rules: G182
func TestATypedCardNumberIsInTheNamespaceOfCodes(t *testing.T) {
	r := testRing(t)
	prints := func(ms ...credentials.Material) (out []credentials.Fingerprint) {
		for _, m := range ms {
			p, err := r.Print("k1", siteScope, m)
			require.NoError(t, err)
			out = append(out, p)
		}
		return out
	}
	for _, c := range []struct {
		hex   string
		bits  int
		typed string
	}{
		{"2A5", 26, "677"}, {"1E240", 34, "123456"}, {"1FFFFFFFFF", 37, "137438953471"}, {"0", 26, "0"},
	} {
		got := prints(credentials.TagMaterials(tag(c.hex, c.bits))...)
		require.Len(t, got, 2, c.hex)
		assert.Equal(t, prints(credentials.CodeMaterial(code(c.typed)))[0], got[1], "%s is typed as %s", c.hex, c.typed)
		assert.NotEqual(t, got[0], got[1])
	}
	assert.Len(t, credentials.TagMaterials(tag("FFFFFFFFFFFFFFFF", 64)), 1, "too long to be typed as a code")
}
