package credentials_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// A code goes to another holder when it has left every device and has rested.
func TestACodeGoesToAnotherHolderWhenItIsGone(t *testing.T) {
	end := noon.Add(time.Hour)
	guest := credentials.Tenure{Holder: "guest", Window: credentials.Window{From: noon, Until: end}, Gone: end.Add(time.Minute)}
	stays, armed := guest, guest
	stays.Gone, armed.Window.Until = time.Time{}, time.Time{}
	from := func(at time.Time) credentials.Tenure {
		return credentials.Tenure{Holder: "next", Window: credentials.Window{From: at}}
	}
	day := 24 * time.Hour
	for _, c := range []struct {
		name  string
		reuse credentials.Reuse
		other credentials.Tenure
		want  credentials.Tenure
		ok    bool
	}{
		{"never by default", credentials.Reuse{}, guest, from(end.Add(day)), false},
		{"the same holder", credentials.Reuse{}, guest, guest, true},
		{"after it is gone", credentials.Reuse{Disjoint: true}, guest, from(end.Add(time.Minute)), true},
		{"before it is gone", credentials.Reuse{Disjoint: true}, guest, from(end), false},
		{"a device did not confirm", credentials.Reuse{Disjoint: true}, stays, from(end.Add(day)), false},
		{"no end", credentials.Reuse{Disjoint: true}, armed, from(end.Add(day)), false},
		{"in quarantine", credentials.Reuse{Disjoint: true, Quarantine: day}, guest, from(end.Add(day)), false},
		{"after it", credentials.Reuse{Disjoint: true, Quarantine: day}, guest, from(end.Add(day + time.Minute)), true},
		{"at once", credentials.Reuse{Disjoint: true}, guest, from(time.Time{}), false},
		{"before the other", credentials.Reuse{Disjoint: true}, guest, credentials.Tenure{Holder: "next", Window: credentials.Window{Until: noon.Add(-day)}}, false},
	} {
		err := c.reuse.Check([]credentials.Tenure{c.other}, c.want, noon)
		if c.ok {
			assert.NoError(t, err, c.name)
		} else {
			assert.ErrorIs(t, err, credentials.ErrCodeTaken, c.name)
		}
	}
	assert.NoError(t, credentials.Reuse{}.Check(nil, guest, noon))
}

// Rules: G190
func TestOnlyTheLastCodesOfAHolderRest(t *testing.T) {
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	released := []credentials.Released{{"a", hour(1)}, {"d", hour(4)}, {"b", hour(2)}, {"c", hour(3)}}
	day := credentials.Rest{For: 24 * time.Hour}
	assert.Equal(t, []string{"a"}, day.Over(released, hour(5)))
	assert.Equal(t, []string{"b", "a"}, day.Over(released, hour(26)))
	assert.Equal(t, []string{"d", "c", "b", "a"}, day.Over(released, hour(28)))
	assert.Equal(t, []string{"c", "b", "a"}, credentials.Rest{For: 24 * time.Hour, Last: 1}.Over(released, hour(5)))
	assert.Len(t, credentials.Rest{}.Over(released, hour(4)), 4, "nothing rests")
}
