package visonic

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
)

func met(t *testing.T, o Options) (panel.Model, users) {
	t.Helper()
	p, ok := panelOf(7)
	require.True(t, ok)
	return o.model(p.Model), users{
		codes:  powerlink.Codes([]byte{0x47, 0x29, 0xFF, 0xFF, 0, 0, 0x47, 0x29}),
		access: []byte{7, 0xFF},
		tags:   0b1010,
	}
}

// What cannot be read is not made up: digits that are none, partitions that were not said,
// slots that were not listed.
func TestReportsMakeNothingUp(t *testing.T) {
	for name, o := range map[string]Options{
		"value":  {DiscloseCodes: true},
		"marked": {MarkKey: panel.SecretOf(strings.Repeat("k", minMarkKey))},
		"bare":   {},
	} {
		m, u := met(t, o)
		strange := o.report(m, u, 2, true)
		assert.True(t, strange.Exists, name)
		assert.Equal(t, panel.Presence, strange.Sight, name)
		assert.True(t, strange.Code.IsZero(), name)
		assert.Empty(t, strange.Mark, name)
		assert.Equal(t, panel.PartitionsOf(1, 2, 3), strange.Partitions, "%s: bits of partitions that no panel has are dropped", name)
		assert.Equal(t, 1, strange.Tags, name)

		assert.False(t, o.report(m, u, 3, true).Exists, name)
		assert.Zero(t, o.report(m, u, 3, true).Tags, "%s: a tag without a code opens nothing that is known", name)
		assert.False(t, o.report(m, u, 4, true).Known.Has(panel.FieldPartitions), name)
		assert.False(t, o.report(m, u, 5, true).Exists, name)
	}
}

// A mark is of one slot and one key, and short keys make none.
//
// Rules: D4
func TestMarksAreKeyed(t *testing.T) {
	one, other := Options{MarkKey: panel.SecretOf(strings.Repeat("k", minMarkKey))}, Options{MarkKey: panel.SecretOf(strings.Repeat("l", minMarkKey))}
	m, u := met(t, one)
	mark := one.report(m, u, 1, true)
	assert.Equal(t, panel.Marked, mark.Sight)
	assert.True(t, mark.Code.IsZero(), "a mark is instead of the digits")
	assert.Equal(t, mark.Mark, one.report(m, u, 1, false).Mark)
	assert.NotEqual(t, mark.Mark, one.report(m, u, 4, false).Mark, "the same digits in another slot")
	assert.NotEqual(t, mark.Mark, other.report(m, u, 1, false).Mark)

	short := Options{MarkKey: panel.SecretOf("short")}
	m, u = met(t, short)
	assert.Equal(t, panel.Presence, m.Sight)
	assert.Empty(t, short.report(m, u, 1, true).Mark)
}

// A memory in which user 1 has no code is not a panel's: that others are missing too says
// nothing about them.
//
// Rules: D23
func TestPanelWithoutMasterIsNotBelieved(t *testing.T) {
	_, u := met(t, Options{})
	require.NoError(t, u.check())
	u.codes[0] = powerlink.Code{}
	require.ErrorIs(t, u.check(), panel.ErrProtocol)
	require.ErrorIs(t, users{}.check(), panel.ErrProtocol)
}
