package credentials_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// tag is a tag that is known to be well formed.
func tag(hex string, bits int) credentials.Tag {
	t, err := credentials.ParseTag(hex, bits)
	if err != nil {
		panic(err)
	}
	return t
}

// Rules: G182
func TestTagsAreBitsWithALength(t *testing.T) {
	for _, c := range []struct {
		in        string
		bits, has int
		raw       []byte
	}{
		{"2A5", 26, 26, []byte{0, 0, 0x02, 0xa5}},
		{"3:ff-ff ff:ff", 34, 34, []byte{3, 0xff, 0xff, 0xff, 0xff}},
		{"1F", 37, 37, []byte{0, 0, 0, 0, 0x1f}},
		{"04A1B2C3", 0, 32, []byte{4, 0xa1, 0xb2, 0xc3}},
	} {
		got, err := credentials.ParseTag(c.in, c.bits)
		require.NoError(t, err, c.in)
		assert.Equal(t, c.has, got.Bits(), c.in)
		assert.Equal(t, c.raw, got.Reveal(), c.in)
	}
	assert.True(t, tag("02:A5", 26).Equal(tag("2a5", 26)), "writing does not matter")
	assert.False(t, tag("2A5", 26).Equal(tag("2A5", 34)), "the length does")
	for _, bad := range []struct {
		in   string
		bits int
	}{{"", 0}, {"xyz", 0}, {"4000000", 26}, {"1", 257}, {"1", -1}} {
		_, err := credentials.ParseTag(bad.in, bad.bits)
		assert.ErrorIs(t, err, credentials.ErrTagForm, "%q in %d bits", bad.in, bad.bits)
	}
}

func TestTagsCannotPrint(t *testing.T) {
	secret := tag("deadbeef", 32)
	out := everyForm(t, secret)
	assert.NotContains(t, out, "deadbeef")
	assert.NotContains(t, out, "3735928559")
	assert.NotContains(t, out, "\xde\xad")
	assert.Contains(t, out, credentials.Redacted)
	assert.Empty(t, credentials.Tag{}.String())
	assert.True(t, credentials.Tag{}.IsZero())
}
