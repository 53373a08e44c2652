package store

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever is claimed and released, in whatever order: one holder, no foreign reserver
// beside a hold, a name without uses is free, and a refusal changes nothing.
//
// Rules: G190
func TestNamesKeepTheirInvariants(t *testing.T) {
	holder := rapid.SampledFrom([]string{"h1", "h2", "h3"})
	use := rapid.SampledFrom([]string{"a", "b"})
	rapid.Check(t, func(t *rapid.T) {
		var h Held
		now := noon
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "minutes")) * time.Minute)
			before := h.clone()
			who, what := holder.Draw(t, "holder"), use.Draw(t, "use")
			if rapid.Bool().Draw(t, "release") {
				o := Release{Name: "n", Holder: who, Use: what, Reserve: rapid.Bool().Draw(t, "reserve")}
				if rapid.Bool().Draw(t, "rest") {
					o.RestUntil = now.Add(2 * time.Minute)
				}
				h = o.On(h, now)
				if o.Reserve || before.Holder != who {
					require.Equal(t, before.Holder, h.Holder, "a foreign hold stays")
				}
			} else {
				o := Claim{Name: "n", Holder: who, Use: what, Reserve: rapid.Bool().Draw(t, "reserve")}
				if !o.Reserve && rapid.Bool().Draw(t, "hand over") {
					o.From = holder.Draw(t, "from")
				}
				next, err := o.On(h, now)
				if err != nil {
					require.ErrorIs(t, err, ErrTaken)
					require.Equal(t, before, h, "the value given is not changed")
					continue
				}
				h = next
				if !o.Reserve {
					require.Equal(t, who, h.Holder)
					require.Contains(t, h.Uses, what)
					if before.Holder == o.From && o.From != "" {
						require.Subset(t, h.Uses, before.Uses, "a hand-over loses no use")
					}
				}
			}
			require.Equal(t, h.Holder == "", len(h.Uses) == 0)
			require.True(t, slices.IsSorted(h.Uses))
			require.True(t, slices.IsSortedFunc(h.Reservers, Reserver.sort))
			require.Len(t, slices.Compact(slices.Clone(h.Reservers)), len(h.Reservers))
			for _, r := range h.Reservers {
				require.True(t, h.Holder == "" || r.Holder == h.Holder, "a foreign reserver beside a hold")
			}
		}
	})
}

func TestHandOverTakesReservationsAlong(t *testing.T) {
	h := Held{Name: "n", Holder: "slot", Uses: []string{"a"}, Reservers: []Reserver{{"person", "x"}, {"slot", "x"}, {"slot", "y"}}}
	got, err := Claim{Name: "n", Holder: "person", Use: "b", From: "slot"}.On(h, noon)
	require.NoError(t, err)
	require.Equal(t, Held{Name: "n", Holder: "person", Uses: []string{"a", "b"}, Reservers: []Reserver{{"person", "x"}, {"person", "y"}}}, got)
	require.Equal(t, "slot", h.Reservers[1].Holder, "the value given is not changed")
	h.Reservers = []Reserver{{"stranger", "x"}}
	_, err = Claim{Name: "n", Holder: "person", Use: "b", From: "slot"}.On(h, noon)
	require.ErrorIs(t, err, ErrTaken)
}

func TestRestIsForTheLastHolder(t *testing.T) {
	until := noon.Add(time.Hour)
	h := Release{Name: "n", Holder: "h1", Use: "u", RestUntil: until}.On(Held{Holder: "h1", Uses: []string{"u"}}, noon)
	require.Equal(t, Held{Name: "n", Uses: []string{}, RestsFor: "h1", RestUntil: until}, h)
	require.False(t, h.Free(until.Add(-1)))
	require.True(t, h.Free(until))
	for _, c := range []struct {
		o     Claim
		at    time.Time
		taken bool
	}{
		{Claim{Holder: "h2", Use: "u"}, noon, true},
		{Claim{Holder: "h2", Use: "u", Reserve: true}, noon, true},
		{Claim{Holder: "h2", Use: "u"}, until, false},
		{Claim{Holder: "h1", Use: "u"}, noon, false},
		{Claim{Holder: "h2", Use: "u", From: "h1"}, noon, false},
	} {
		_, err := c.o.On(h, c.at)
		require.Equal(t, c.taken, err != nil, "%+v", c)
	}
}

func TestCountsStayWithinTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64Range(0, math.MaxInt64).Draw(t, "value")
		o := Count{By: rapid.Int64().Filter(func(n int64) bool { return n != 0 }).Draw(t, "by"), Max: rapid.Int64Range(0, math.MaxInt64).Draw(t, "max")}
		got, err := o.On(v)
		switch {
		case o.By < 0:
			require.NoError(t, err)
			require.True(t, 0 <= got && got <= v)
		case err != nil:
			require.ErrorIs(t, err, ErrLimit)
			require.Equal(t, v, got)
			require.Greater(t, o.By, o.Max-v)
		default:
			require.True(t, v < got && got <= o.Max)
		}
	})
}

// A line that has work is due: no mark is lost, whatever ends the turn.
func TestMarkIsNeverLost(t *testing.T) {
	living := func(string) bool { return false }
	rapid.Check(t, func(t *rapid.T) {
		l := Mark{Line: "l"}.On(Line{}, noon)
		l, err := Own(l, "n1", living)
		require.NoError(t, err)
		seen := l.Gen
		if rapid.Bool().Draw(t, "marked during the turn") {
			l = Mark{Line: "l", Due: noon.Add(time.Minute)}.On(l, noon)
		}
		f := Fate{Done: seen, Keep: rapid.Bool().Draw(t, "keep"), Tried: rapid.Bool().Draw(t, "tried")}
		if rapid.Bool().Draw(t, "again") {
			f.Again = noon.Add(time.Duration(rapid.IntRange(-5, 5).Draw(t, "minutes")) * time.Minute)
		}
		after, err := Fence{Line: "l", Owner: "n1", Token: l.Token, Fate: f}.On(l)
		require.NoError(t, err)
		switch {
		case l.Gen > seen:
			require.False(t, after.Due.IsZero(), "marked meanwhile")
			require.False(t, after.Due.After(l.Due), "not put off")
		default:
			require.Equal(t, f.Again, after.Due)
		}
		require.Equal(t, f.Keep, after.Owner == "n1")
		require.Equal(t, l.Gen, after.Gen)
		require.Equal(t, l.Token, after.Token)
	})
}

// A turn that ends with Again is due then, also if a mark of the turn asked for later.
func TestAgainIsNotPutOffByALaterMark(t *testing.T) {
	l := Line{Name: "l", Gen: 4, Due: time.Time{}, Owner: "n1", Token: 2}
	l = Mark{Line: "l", Due: noon.Add(time.Hour)}.On(l, noon)
	l, err := Fence{Line: "l", Owner: "n1", Token: 2, Fate: Fate{Done: 4, Again: noon}}.On(l)
	require.NoError(t, err)
	require.Equal(t, noon, l.Due)
}

func TestFenceNeedsOwnerAndToken(t *testing.T) {
	l := Line{Name: "l", Owner: "n1", Token: 3}
	for _, o := range []Fence{{Owner: "n2", Token: 3}, {Owner: "n1", Token: 2}, {Owner: "n1", Token: 4}} {
		got, err := o.On(l)
		require.ErrorIs(t, err, ErrFenced)
		require.Equal(t, l, got)
	}
}

func TestOwnTakesFromTheDead(t *testing.T) {
	for _, c := range []struct {
		owner, node string
		lives, ok   bool
	}{{"", "n1", true, true}, {"n1", "n1", true, true}, {"n1", "n2", true, false}, {"n1", "n2", false, true}} {
		got, err := Own(Line{Owner: c.owner, Token: 7}, c.node, func(string) bool { return c.lives })
		if !c.ok {
			require.ErrorIs(t, err, ErrOwned)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, Line{Owner: c.node, Token: 8}, got)
	}
}
