package credentials_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// claimed is what a store knows of one holder's secret in the model.
type claimed struct {
	secret int
	opaque bool     // nobody can open it
	keys   []string // under which it is claimed
	sealed string
}

// world is a store with writers during a rotation.
type world struct {
	epoch   credentials.Epoch
	r       credentials.Rotation
	rows    map[string]*claimed
	writers map[string]*writer
}

type writer struct {
	epoch credentials.Epoch
	looks []string
	has   []string
}

func (w *world) tally() (t credentials.Tally) {
	for _, wr := range w.writers {
		if !slices.Contains(wr.has, "new") {
			t.Lacking++
		}
		if wr.epoch.N < w.epoch.N {
			t.Stale++
		}
	}
	for _, row := range w.rows {
		if slices.Contains(row.keys, "old") {
			t.OldNames++
			if row.opaque && !slices.Contains(row.keys, "new") {
				t.Opaque++
			}
		}
		if slices.Contains(row.keys, "new") {
			t.NewNames++
		}
		if row.sealed == "old" {
			t.Sealed++
		}
	}
	return t
}

// claim is one writer's commit: refused if its epoch is stale or a name under one of the
// keys that it looks at is taken.
func (w *world) claim(wr *writer, holder string, secret int, opaque bool) {
	if wr.epoch.N != w.epoch.N || w.rows[holder] != nil {
		return
	}
	for _, row := range w.rows {
		if row.secret == secret && slices.ContainsFunc(row.keys, func(k string) bool { return slices.Contains(wr.looks, k) }) {
			return
		}
	}
	w.rows[holder] = &claimed{secret: secret, opaque: opaque, keys: wr.epoch.Prints, sealed: wr.epoch.Seal}
	if opaque {
		w.rows[holder].sealed = ""
	}
}

// Whatever writers do and whenever the steps are taken, no two holders ever have one
// secret, every holder is found by every writer that can commit, and at the end the old
// key is needed by nothing.
//
// Rules: G191
func TestARotationKeepsSecretsUnique(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := credentials.Epoch{N: 7, Prints: []string{"old"}, Seal: "old"}
		w := &world{epoch: old, rows: map[string]*claimed{}, writers: map[string]*writer{}}
		for i := range 3 {
			w.writers[fmt.Sprint(i)] = &writer{epoch: old, looks: []string{"old"}, has: []string{"old"}}
		}
		var err error
		w.r, err = credentials.Rotate(old, "new")
		require.NoError(t, err)
		anyWriter := func(t *rapid.T) *writer {
			return w.writers[rapid.SampledFrom([]string{"0", "1", "2"}).Draw(t, "writer")]
		}
		holder := func(t *rapid.T) string { return fmt.Sprint(rapid.IntRange(1, 6).Draw(t, "holder")) }
		step := func() {
			if next, err := w.r.Next(w.tally()); err == nil {
				w.r, w.epoch = next, next.Epoch()
			} else {
				require.ErrorIs(t, err, credentials.ErrRotation)
			}
		}
		refresh := func(wr *writer) {
			if slices.Contains(wr.has, w.epoch.Seal) {
				wr.epoch, wr.looks = w.epoch, w.r.Looks()
			}
		}
		fill := func() {
			for _, row := range w.rows {
				if w.r.Phase == credentials.BackFilling && !row.opaque {
					row.sealed = "new"
					if !slices.Contains(row.keys, "new") {
						row.keys = append(slices.Clone(row.keys), "new")
					}
				}
				if w.r.Phase == credentials.ReadingOld && slices.Contains(row.keys, "new") {
					row.keys = []string{"new"} // what has both gives the old one up
				}
			}
		}
		check := func() {
			seen := map[int]string{}
			for holder, row := range w.rows {
				require.Empty(t, seen[row.secret], "two holders with one secret in phase %d", w.r.Phase)
				seen[row.secret] = holder
				found := slices.ContainsFunc(row.keys, func(k string) bool { return slices.Contains(w.r.Looks(), k) })
				require.True(t, found, "%s is lost in phase %d", holder, w.r.Phase)
				require.True(t, row.sealed == "" || slices.Contains(w.r.Needs(), row.sealed))
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"key":     func(t *rapid.T) { wr := anyWriter(t); wr.has = []string{"old", "new"} },
			"refresh": func(t *rapid.T) { refresh(anyWriter(t)) },
			"claim": func(t *rapid.T) {
				w.claim(anyWriter(t), holder(t), rapid.IntRange(1, 4).Draw(t, "secret"), rapid.Bool().Draw(t, "opaque"))
			},
			"free": func(t *rapid.T) { delete(w.rows, holder(t)) },
			"fill": func(*rapid.T) { fill() },
			"step": func(*rapid.T) { step() },
			"":     func(*rapid.T) { check() },
		})
		for _, wr := range w.writers {
			wr.has = []string{"old", "new"}
		}
		for range 20 {
			for _, wr := range w.writers {
				refresh(wr)
			}
			fill()
			if w.r.Phase == credentials.ReadingOld {
				for h, row := range w.rows {
					if !slices.Contains(row.keys, "new") {
						delete(w.rows, h)
					}
				}
			}
			if w.r.Phase < credentials.Dropped {
				step()
			}
			check()
		}
		require.Equal(t, credentials.Dropped, w.r.Phase)
		require.Equal(t, credentials.Epoch{N: 9, Prints: []string{"new"}, Seal: "new"}, w.r.Epoch())
		require.Equal(t, []string{"new"}, w.r.Needs())
		_, err = w.r.Next(w.tally())
		require.ErrorIs(t, err, credentials.ErrRotation)
	})
}

// Rules: G191
func TestAFailedVerificationFillsAgain(t *testing.T) {
	r := credentials.Rotation{From: "old", To: "new", Start: 1, Phase: credentials.Verifying}
	for name, tally := range map[string]credentials.Tally{
		"a name is missing": {OldNames: 5, Opaque: 1, NewNames: 3}, "a name too many": {OldNames: 5, NewNames: 6},
		"a value": {OldNames: 5, NewNames: 5, Sealed: 1},
	} {
		next, err := r.Next(tally)
		require.NoError(t, err)
		assert.Equal(t, credentials.BackFilling, next.Phase, name)
	}
	next, err := r.Next(credentials.Tally{OldNames: 5, Opaque: 2, NewNames: 3})
	require.NoError(t, err)
	assert.Equal(t, credentials.ReadingOld, next.Phase)
	assert.Equal(t, []string{"new", "old"}, next.Looks())
}

func TestOneRotationAtATime(t *testing.T) {
	for _, e := range []credentials.Epoch{
		{N: 1, Prints: []string{"a", "b"}, Seal: "a"}, {N: 1, Prints: []string{"a"}, Seal: "b"}, {N: 1, Prints: []string{"new"}, Seal: "new"}, {},
	} {
		_, err := credentials.Rotate(e, "new")
		assert.ErrorIs(t, err, credentials.ErrRotation)
	}
	r, err := credentials.Rotate(credentials.Epoch{N: 4, Prints: []string{"a"}, Seal: "a"}, "b")
	require.NoError(t, err)
	b, err := json.Marshal(r)
	require.NoError(t, err)
	assert.JSONEq(t, `{"from":"a","phase":1,"start":4,"to":"b"}`, string(b))
	assert.Equal(t, uint64(4), r.Epoch().N)
}
