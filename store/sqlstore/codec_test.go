package sqlstore

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// bytesText draws texts of any bytes, among them those that the lists use themselves.
func bytesText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("&=%+; \x00\xff"))), 1, 12).Draw(t, "bytes"))
	})
}

func TestListsOfAnyBytesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOf(bytesText()).Draw(t, "texts")
		got, err := splitTexts(joinTexts(texts))
		require.NoError(t, err)
		require.Len(t, got, len(texts))
		for i := range texts {
			require.Equal(t, texts[i], got[i])
		}

		counts := rapid.MapOfN(bytesText(), rapid.Int64(), 1, 9).Draw(t, "counts")
		gotCounts, err := splitCounts(joinCounts(counts))
		require.NoError(t, err)
		require.Equal(t, counts, gotCounts)

		parked := rapid.MapOfN(rapid.OneOf(bytesText(), rapid.Just("")), rapid.OneOf(bytesText(), rapid.Just("")), 1, 9).Draw(t, "parked")
		gotParked, err := splitParked(joinParked(parked))
		require.NoError(t, err)
		require.Equal(t, parked, gotParked)

		var targets [][]byte
		for _, text := range texts {
			targets = append(targets, []byte(text))
		}
		gotTargets, err := splitTargets(joinTargets(targets))
		require.NoError(t, err)
		require.Len(t, gotTargets, len(targets))
		for i := range targets {
			require.Equal(t, targets[i], gotTargets[i])
		}
	})
}

func TestTermsTellNilFromEmpty(t *testing.T) {
	text := joinTerms([]store.Term{{Name: "c", Value: []byte("x&=")}, {Name: "a"}, {Name: "b", Value: []byte{}}})
	require.Equal(t, "a&b=&c=x%26%3D", text)
	terms, err := splitTerms(text)
	require.NoError(t, err)
	require.Equal(t, []store.Term{{Name: "a"}, {Name: "b", Value: []byte{}}, {Name: "c", Value: []byte("x&=")}}, terms)
}

func TestEmptyListsAreNil(t *testing.T) {
	texts, err := splitTexts(joinTexts(nil))
	require.NoError(t, err)
	require.Nil(t, texts)
	parked, err := splitParked(joinParked(map[string]string{}))
	require.NoError(t, err)
	require.Nil(t, parked)
}

func TestSpoiltColumnsAreErrors(t *testing.T) {
	for name, read := range map[string]func() error{
		"texts":     func() error { _, err := splitTexts("%zz"); return err },
		"terms":     func() error { _, err := splitTerms("a=%"); return err },
		"reservers": func() error { _, err := splitReservers("%"); return err },
		"parked":    func() error { _, err := splitParked("%"); return err },
		"counts":    func() error { _, err := splitCounts("a=b"); return err },
		"targets":   func() error { _, err := splitTargets(`["zz"]`); return err },
		"no list":   func() error { _, err := splitTargets(`{`); return err },
	} {
		require.Error(t, read(), name)
	}
}

func TestTimesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(math.MinInt64+int64(365*24*time.Hour), math.MaxInt64-int64(365*24*time.Hour)).Draw(t, "nanoseconds")
		require.Equal(t, n, nanos(time.Unix(0, n)))
		require.True(t, time.Unix(0, n).Equal(instant(&n)))
	})
	require.Nil(t, nanos(time.Time{}))
	require.True(t, instant(nil).IsZero())
	require.Equal(t, int64(math.MinInt64), nanos(time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC)))
	require.Equal(t, int64(math.MaxInt64), nanos(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)))
}

func TestPlaceholdersAreNumbered(t *testing.T) {
	d := Dialect{Placeholder: func(n int) string { return "$" + string(rune('0'+n)) }}
	require.Equal(t, "a = $1 AND (b, c) > ($2, $3)", d.rebind("a = ? AND (b, c) > (?, ?)"))
	require.Equal(t, "no argument", d.rebind("no argument"))
}
