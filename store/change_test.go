package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// everyVerb is one operation of each verb, none quiet but what always is.
func everyVerb() []Op {
	return []Op{
		Put{Record: Record{Key: Key{"user", "u1"}, Body: []byte("{}")}},
		Drop{Key: Key{"user", "u2"}, If: 1},
		Check{Key: Key{"user", "u3"}},
		Claim{Name: "n1", Holder: "h", Use: "u"},
		Release{Name: "n2", Holder: "h", Use: "u"},
		Count{Counter: "guess/a", By: 1, Max: 1},
		Mark{Line: "panel/1"},
		Fence{Line: "panel/1", Owner: "n", Token: 1},
	}
}

func entry(id string) Leaf {
	return Leaf{ID: id, At: noon, Action: "user.code_set", Body: []byte("b")}
}

func TestEveryVerbIsWellFormed(t *testing.T) {
	require.NoError(t, Change{ID: "c", Entries: []Leaf{entry("l")}, Ops: everyVerb()}.Validate())
}

// Only checks, counts, marks, fences and quiet kinds go without an entry.
func TestNoChangeWithoutAnEntry(t *testing.T) {
	for _, o := range everyVerb() {
		err := Change{ID: "c", Ops: []Op{o}}.Validate()
		switch o.(type) {
		case Check, Count, Mark, Fence:
			require.NoError(t, err, "%T", o)
		default:
			require.ErrorIs(t, err, ErrNoEntry, "%T", o)
		}
	}
	for _, k := range []Kind{Cursor, Watermark, Touch, Attempt, Sent, Session} {
		require.NoError(t, Change{ID: "c", Ops: []Op{Put{Record: Record{Key: Key{k, "x"}, Body: []byte("{}")}}}}.Validate(), k)
		require.NoError(t, Change{ID: "c", Ops: []Op{Drop{Key: Key{k, "x"}, If: 1}}}.Validate(), k)
	}
}

func TestOneOperationATarget(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range everyVerb() {
		require.False(t, seen[o.Target()], o.Target())
		seen[o.Target()] = true
		err := Change{ID: "c", Entries: []Leaf{entry("l")}, Ops: []Op{o, o}}.Validate()
		require.ErrorIs(t, err, ErrMalformed)
		op := &OpError{}
		require.ErrorAs(t, err, &op)
		require.Equal(t, 1, op.Index)
	}
}

// Times that a store cannot hold are refused, whatever carries them.
func TestYearsBeyondTheCalendarOfStores(t *testing.T) {
	far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	l := entry("l")
	for _, o := range []Op{
		Release{Name: "n", Holder: "h", Use: "u", RestUntil: far},
		Count{Counter: "c", By: 1, Max: 1, Until: far},
		Mark{Line: "l", Due: far},
		Fence{Line: "l", Owner: "n", Token: 1, Fate: Fate{Again: far}},
	} {
		require.ErrorIs(t, Change{ID: "c", Entries: []Leaf{l}, Ops: []Op{o}}.Validate(), ErrMalformed, "%T", o)
	}
	for _, at := range []time.Time{far, {}, time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)} {
		l.At = at
		require.ErrorIs(t, Change{ID: "c", Entries: []Leaf{l}}.Validate(), ErrMalformed, at)
	}
}

// The lock order is that of the targets, however the operations come.
func TestSortedIsTheSameForEveryOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := rapid.Permutation(everyVerb()).Draw(t, "order")
		var targets []string
		for _, i := range (Change{Ops: ops}).Sorted() {
			targets = append(targets, ops[i].Target())
		}
		require.True(t, slices.IsSorted(targets))
		require.Less(t, slices.Index(targets, "4m/panel/1"), slices.Index(targets, "5f/panel/1"), "a mark comes before the fence of its line")
	})
}

// Whatever prints a change shows what it does and nothing that is in it.
func TestTranscriptIsRedacted(t *testing.T) {
	secret := "4711-secret"
	c := Change{ID: "c", Entries: []Leaf{{ID: "l", At: noon, Action: "user.code_set", Targets: [][]byte{[]byte(secret)}, Body: []byte(secret)}}, Ops: []Op{
		Put{Record: Record{Key: Key{"user", secret}, Body: []byte(secret), Terms: []Term{{"label", []byte(secret)}}}, If: 2},
		Drop{Key: Key{"panel", secret}, If: 1},
		Check{Key: Key{"keys", secret}},
		Claim{Name: Name(secret), Holder: secret, Use: secret, From: secret},
		Claim{Name: Name(secret + "2"), Holder: secret, Use: secret, Reserve: true},
		Release{Name: Name(secret + "3"), Holder: secret, Use: secret, RestUntil: noon},
		Count{Counter: "guess/" + secret, By: -1},
		Mark{Line: "panel/" + secret},
		Fence{Line: "panel/" + secret, Owner: secret, Token: 1, Fate: Fate{Parked: map[string]string{secret: secret}}},
	}}
	require.NoError(t, c.Validate())
	want := strings.Join([]string{
		"entry user.code_set targets=1", "check keys if=0", "claim hold handed over", "claim reserve", "count guess by=-1 max=0",
		"drop panel if=1", "fence panel parked", "mark panel", "put user if=2", "release resting", "",
	}, "\n")
	require.Equal(t, want, c.String())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		require.Equal(t, want, fmt.Sprintf(verb, c))
	}
	require.Equal(t, want, c.LogValue().String())
	for i, o := range c.Ops {
		require.NotContains(t, (&OpError{Index: i, Op: o, Err: ErrStale}).Error(), secret)
	}
}

func TestErrorsCarryNoName(t *testing.T) {
	secret := "4711-secret"
	err := Change{ID: "c", Entries: []Leaf{entry("l")}, Ops: []Op{Claim{Name: Name(strings.Repeat(secret, 20)), Holder: "h", Use: "u"}}}.Validate()
	require.ErrorIs(t, err, ErrMalformed)
	require.NotContains(t, err.Error(), secret)
	text, jsonErr := json.Marshal(err.Error())
	require.NoError(t, jsonErr)
	require.NotContains(t, string(text), secret)
}

func TestTermsKeepTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		require.Equal(t, a < b, Position{Value: TermUint(a)}.Sort(Position{Value: TermUint(b)}) < 0)
		m, n := rapid.Int64().Draw(t, "m"), rapid.Int64().Draw(t, "n")
		require.Equal(t, m < n, Position{Value: TermTime(time.Unix(0, m))}.Sort(Position{Value: TermTime(time.Unix(0, n))}) < 0)
	})
}

// A value lies within the bounds exactly if it lies within From, To and Prefix.
func TestBoundsAreRangeAndPrefix(t *testing.T) {
	piece := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b', 0xfe, 0xff}), 0, 3)
	optional := rapid.Custom(func(t *rapid.T) []byte {
		if rapid.Bool().Draw(t, "open") {
			return nil
		}
		return append([]byte{}, piece.Draw(t, "value")...)
	})
	rapid.Check(t, func(t *rapid.T) {
		q := Query{From: optional.Draw(t, "from"), To: optional.Draw(t, "to"), Prefix: optional.Draw(t, "prefix")}
		v := string(piece.Draw(t, "v"))
		want := v >= string(q.From) && (q.To == nil || v < string(q.To)) && strings.HasPrefix(v, string(q.Prefix))
		from, to := q.Bounds()
		require.Equal(t, want, v >= string(from) && (to == nil || v < string(to)))
	})
}

func TestPageIsLimited(t *testing.T) {
	for limit, want := range map[int]int{-1: 1000, 0: 1000, 1: 1, 999: 999, 1000: 1000, 1001: 1000} {
		require.Equal(t, want, Page(limit))
	}
}
