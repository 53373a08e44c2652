package credentials_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

func TestAPersonsKeyNeedsTheRingTheSubjectAndTheSalt(t *testing.T) {
	r := testRing(t)
	salt := [16]byte{1, 2, 3}
	first, err := credentials.PersonKey(credentials.SealOnly(r), "k1", "account/a1", salt)
	require.NoError(t, err)
	again, err := credentials.PersonKey(r, "k1", "account/a1", salt)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	assert.NotEqual(t, first[:16], first[16:], "the halves differ")

	seen := map[[32]byte]bool{first: true}
	for _, c := range []struct {
		ring    *credentials.Ring
		subject string
		salt    [16]byte
	}{{r, "account/a2", salt}, {r, "account/a1", [16]byte{}}, {r.Tenant("other"), "account/a1", salt}} {
		k, err := credentials.PersonKey(c.ring, "k1", c.subject, c.salt)
		require.NoError(t, err)
		assert.False(t, seen[k])
		seen[k] = true
	}
	_, err = credentials.PersonKey(r, "k9", "account/a1", salt)
	assert.ErrorIs(t, err, credentials.ErrKeyMissing)
}

func TestAMarkIsNoCode(t *testing.T) {
	r := testRing(t)
	printOf := func(m credentials.Material) credentials.Fingerprint {
		f, err := r.Print("k1", siteScope, m)
		require.NoError(t, err)
		return f
	}
	mark := printOf(credentials.MarkMaterial([]byte("1234")))
	assert.Equal(t, mark, printOf(credentials.MarkMaterial([]byte("1234"))))
	assert.NotEqual(t, mark, printOf(credentials.CodeMaterial(code("1234"))))
	assert.NotContains(t, everyForm(t, credentials.MarkMaterial([]byte("1234"))), "1234")
}
