package credentials_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

func bitsOf(t credentials.Tag) (s string) {
	for _, b := range t.Reveal() {
		s += fmt.Sprintf("%08b", b)
	}
	return s[len(s)-t.Bits():]
}

func allFormats() []credentials.CardFormat {
	return []credentials.CardFormat{credentials.H10301(), credentials.H10306(), credentials.H10302(), credentials.H10304()}
}

// The first vector is public: number 324 of facility 90 in the README of the npm package
// wiegand-encoder. The others are laid out by hand from the makers' tables.
func TestCardsBitByBit(t *testing.T) {
	for _, c := range []struct {
		format           credentials.CardFormat
		facility, number uint64
		want             string
	}{
		{credentials.H10301(), 90, 324, "0" + "01011010" + "0000000101000100" + "0"},
		{credentials.H10301(), 255, 65535, "0" + "11111111" + "1111111111111111" + "1"},
		{credentials.H10301(), 1, 0, "1" + "00000001" + "0000000000000000" + "1"},
		{credentials.H10306(), 1, 3, "1" + "0000000000000001" + "0000000000000011" + "1"},
		{credentials.H10304(), 1, 1, "1" + "0000000000000001" + "0000000000000000001" + "0"},
		{credentials.H10304(), 0, 1 << 17, "1" + "0000000000000000" + "0100000000000000000" + "0"}, // the bit that both cover
		{credentials.H10302(), 0, 1 << 17, "1" + "00000000000000000" + "1" + "00000000000000000" + "0"},
	} {
		tag, err := c.format.Make(c.facility, c.number)
		require.NoError(t, err)
		assert.Equal(t, c.want, bitsOf(tag), "%s %d %d", c.format.Name, c.facility, c.number)
	}
}

func TestCardsComeApartAsTheyWereMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(allFormats()).Draw(t, "format")
		facility := rapid.Uint64Max(1<<f.Facility.Bits-1).Draw(t, "facility")
		number := rapid.Uint64Max(1<<f.Number.Bits-1).Draw(t, "number")
		tag, err := f.Make(facility, number)
		require.NoError(t, err)
		card, err := f.Read(tag)
		require.NoError(t, err)
		gotFacility, gotNumber := card.Reveal()
		require.Equal(t, []uint64{facility, number}, []uint64{gotFacility, gotNumber})

		bits := bitsOf(tag)
		i := rapid.IntRange(0, f.Bits-1).Draw(t, "bit")
		changed := bits[:i] + string(bits[i]^1) + bits[i+1:]
		v, err := strconv.ParseUint(changed, 2, 64)
		require.NoError(t, err)
		wrong, err := credentials.ParseTag(strconv.FormatUint(v, 16), f.Bits)
		require.NoError(t, err)
		_, err = f.Read(wrong)
		require.ErrorIs(t, err, credentials.ErrCardParity, "one bit is always noticed")
	})
}

func TestCardsThatDoNotFit(t *testing.T) {
	f := credentials.H10301()
	for _, c := range [][2]uint64{{256, 1}, {1, 65536}} {
		_, err := f.Make(c[0], c[1])
		assert.ErrorIs(t, err, credentials.ErrCardForm)
	}
	_, err := credentials.H10302().Make(1, 1)
	require.ErrorIs(t, err, credentials.ErrCardForm, "it has no facility")
	tag, err := f.Make(1, 1)
	require.NoError(t, err)
	_, err = credentials.H10304().Read(tag)
	require.ErrorIs(t, err, credentials.ErrCardForm)
	for _, bad := range []credentials.CardFormat{{}, {Bits: 65, Number: credentials.Field{From: 1, Bits: 8}}, {Bits: 26, Number: credentials.Field{From: 20, Bits: 6}}} {
		_, err := bad.Make(0, 1)
		require.ErrorIs(t, err, credentials.ErrCardForm)
		_, err = bad.Read(tag)
		assert.ErrorIs(t, err, credentials.ErrCardForm)
	}
}

func digitsOf(codes []credentials.Code) (out []string) {
	for _, c := range codes {
		out = append(out, c.Reveal())
	}
	return out
}

// Rules: G183
func TestWhatIsPrintedOnACardCanBeTyped(t *testing.T) {
	tag, err := credentials.H10301().Make(12, 345)
	require.NoError(t, err)
	card, err := credentials.H10301().Read(tag)
	require.NoError(t, err)
	assert.Equal(t, []string{"345", "00345", "1200345", "01200345"}, digitsOf(card.Typed()))
	assert.NotContains(t, everyForm(t, card), "345")
	tag, err = credentials.H10302().Make(0, 345)
	require.NoError(t, err)
	card, err = credentials.H10302().Read(tag)
	require.NoError(t, err)
	assert.Equal(t, []string{"345", "00000000345"}, digitsOf(card.Typed()))
}
