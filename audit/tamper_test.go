package audit_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// tamperSize is the length of the log that is tampered with.
const tamperSize = 200

// edit replaces the entry of a leaf by a changed one that is well formed in itself.
func edit(change func(*audit.Entry)) func(t testing.TB, l *audit.Leaf) {
	return func(t testing.TB, l *audit.Leaf) {
		e, err := audit.Decode(l.Body)
		require.NoError(t, err)
		e.Fields, e.State, e.Targets = slices.Clone(e.Fields), slices.Clone(e.State), slices.Clone(e.Targets)
		change(&e)
		l.Body = encoded(t, e)
	}
}

// edits are one change of each part of an entry.
var edits = map[string]func(testing.TB, *audit.Leaf){
	"id":             edit(func(e *audit.Entry) { e.ID += "x" }),
	"time":           edit(func(e *audit.Entry) { e.At = e.At.Add(time.Nanosecond) }),
	"action":         edit(func(e *audit.Entry) { e.Action = audit.UserCodeSet }),
	"outcome":        edit(func(e *audit.Entry) { e.Outcome = audit.Denied }),
	"target changed": edit(func(e *audit.Entry) { e.Targets[0] = []byte("u-x") }),
	"target gone":    edit(func(e *audit.Entry) { e.Targets = e.Targets[1:] }),
	"target added":   edit(func(e *audit.Entry) { e.Targets = append(e.Targets, []byte("z")) }),
	"value":          edit(func(e *audit.Entry) { e.Fields[1] = audit.Public(e.Fields[1].Name, "a-9", e.Fields[1].Salt) }),
	"salt":           edit(func(e *audit.Entry) { e.Fields[2] = audit.Public(e.Fields[2].Name, e.Fields[2].Value, fill(250)) }),
	"sealed": edit(func(e *audit.Entry) {
		e.Fields[3] = audit.Personal(e.Fields[3].Name, []byte("x"), "k-1", e.Fields[3].Salt)
	}),
	"key id": edit(func(e *audit.Entry) {
		e.Fields[3] = audit.Personal(e.Fields[3].Name, e.Fields[3].Sealed, "k-2", e.Fields[3].Salt)
	}),
	"class":          edit(func(e *audit.Entry) { e.Fields[4] = audit.Public(e.Fields[4].Name, "", fill(0)) }),
	"field renamed":  edit(func(e *audit.Entry) { e.Fields[4] = audit.Secret("tags") }),
	"field gone":     edit(func(e *audit.Entry) { e.Fields = e.Fields[:4] }),
	"field added":    edit(func(e *audit.Entry) { e.Fields = append(e.Fields, audit.Secret("tags")) }),
	"fields swapped": edit(func(e *audit.Entry) { e.Fields[0], e.Fields[1] = e.Fields[1], e.Fields[0] }),
	"row":            edit(func(e *audit.Entry) { e.State[0].Row += "x" }),
	"digest":         edit(func(e *audit.Entry) { e.State[0].Digest[31] ^= 1 }),
	"state gone":     edit(func(e *audit.Entry) { e.State = nil }),
	"state added": edit(func(e *audit.Entry) {
		e.State = append(e.State, audit.State{Row: "user/x", Digest: audit.StateDigest(0, nil)})
	}),
	"withheld": func(t testing.TB, l *audit.Leaf) {
		e, err := audit.Decode(l.Body)
		require.NoError(t, err)
		l.Body, err = e.Disclose().MarshalJSON()
		require.NoError(t, err)
	},
	"no JSON": func(_ testing.TB, l *audit.Leaf) { l.Body = []byte("gone") },
	"empty":   func(_ testing.TB, l *audit.Leaf) { l.Body = nil },
}

// columns are one change of each thing that a store keeps beside the body.
var columns = map[string]func(*audit.Leaf){
	"id column":      func(l *audit.Leaf) { l.ID += "x" },
	"time column":    func(l *audit.Leaf) { l.At = l.At.Add(time.Nanosecond) },
	"action column":  func(l *audit.Leaf) { l.Action = string(audit.UserCodeSet) },
	"target column":  func(l *audit.Leaf) { l.Targets = [][]byte{l.Targets[0], []byte("z")} },
	"target missing": func(l *audit.Leaf) { l.Targets = l.Targets[:1] },
	"hash column":    func(l *audit.Leaf) { l.Hash[0] ^= 1 },
}

// stride is 1 where every entry is to be tampered with, and more for a quick run.
func stride(t *testing.T) int {
	t.Helper()
	if os.Getenv("KEYHOLDER_EXHAUSTIVE") != "" {
		return 1
	}
	return 67
}

// Every part of every entry is changed, and each change is found and named with its
// index, whether or not the hash beside it is changed as well, and also if all nodes of
// the tree are computed anew. Set KEYHOLDER_EXHAUSTIVE=1 to tamper with all 200 entries
// instead of every 67th.
// Rules: R191, R253, R254
func TestEveryChangeOfEveryEntryIsFound(t *testing.T) {
	key := newKey(t)
	good := &memLog{}
	good.grow(t, tamperSize, key)
	require.True(t, check(t, good, key.Public()).OK())

	tried := 0
	for i := 0; i < tamperSize; i += stride(t) {
		for name, change := range edits {
			bad := good.clone()
			change(t, &bad.leaves[i])
			r := check(t, bad, key.Public())
			require.False(t, r.Integrity.OK(), "%s of entry %d", name, i)
			require.EqualValues(t, i, r.Integrity.First().Index, "%s of entry %d: %s", name, i, r)
			tried++

			e, err := audit.Decode(bad.leaves[i].Body)
			if err != nil {
				continue
			}
			bad.leaves[i] = leafOf(t, e, int64(i))
			r = check(t, bad, key.Public())
			require.False(t, r.Integrity.OK(), "%s of entry %d with its hash", name, i)
			found := slices.ContainsFunc(r.Integrity.Findings, func(f audit.Finding) bool { return f.Index == int64(i) })
			require.True(t, found, "%s of entry %d with its hash: %s", name, i, r)

			bad.retree(t)
			r = check(t, bad, key.Public())
			require.False(t, r.Integrity.OK(), "%s of entry %d with the whole tree", name, i)
			tried += 2
		}
		for name, change := range columns {
			bad := good.clone()
			change(&bad.leaves[i])
			r := check(t, bad, key.Public())
			require.EqualValues(t, i, r.Integrity.First().Index, "%s of entry %d: %s", name, i, r)
			tried++
		}
	}
	t.Logf("%d changes, all found", tried)
}

// Entries are deleted, repeated, inserted and exchanged.
// Rules: R191, R254
func TestEveryMoveOfEveryEntryIsFound(t *testing.T) {
	key := newKey(t)
	good := &memLog{}
	good.grow(t, tamperSize, key)
	for i := 0; i < tamperSize; i += stride(t) {
		j := (i + 1) % tamperSize
		for name, move := range map[string]func(*memLog){
			"deleted": func(m *memLog) { m.leaves = slices.Delete(m.leaves, i, i+1) },
			"deleted and closed": func(m *memLog) {
				m.leaves = slices.Delete(m.leaves, i, i+1)
				for k := i; k < len(m.leaves); k++ {
					m.leaves[k].Index--
				}
			},
			"repeated": func(m *memLog) { m.leaves = slices.Insert(m.leaves, i, m.leaves[i]) },
			"inserted": func(m *memLog) {
				e, _ := entryAt(i + 1000)
				m.leaves = slices.Insert(m.leaves, i, leafOf(t, e, int64(i)))
				for k := i + 1; k < len(m.leaves); k++ {
					m.leaves[k].Index++
				}
			},
			"exchanged": func(m *memLog) { m.leaves[i], m.leaves[j] = m.leaves[j], m.leaves[i] },
			"exchanged with their indexes": func(m *memLog) {
				m.leaves[i], m.leaves[j] = m.leaves[j], m.leaves[i]
				m.leaves[i].Index, m.leaves[j].Index = int64(i), int64(j)
			},
			"index changed":         func(m *memLog) { m.leaves[i].Index += tamperSize },
			"taken out of the tree": func(m *memLog) { m.leaves[i].Index = -1 },
		} {
			bad := good.clone()
			move(bad)
			r := check(t, bad, key.Public())
			require.False(t, r.Integrity.OK() && r.Completeness.OK(), "%s: entry %d", name, i)
			named := slices.ContainsFunc(slices.Concat(r.Integrity.Findings, r.Completeness.Findings), func(f audit.Finding) bool {
				return f.Index == int64(i) || f.Index == int64(j) || f.Index == int64(i+tamperSize)
			})
			require.True(t, named, "%s: entry %d: %s", name, i, r)
			if name == "repeated" {
				require.True(t, r.Integrity.OK(), r)
				require.Contains(t, r.Completeness.First().What, "a second entry at this index")
			}
		}
	}
}

// Rules: R191
func TestEveryChangeOfTheTreeIsFound(t *testing.T) {
	key := newKey(t)
	good := &memLog{}
	good.grow(t, tamperSize, key)
	for p := 0; p < len(good.nodes); p += stride(t) {
		bad := good.clone()
		bad.nodes[p][5] ^= 4
		r := check(t, bad, key.Public())
		require.Len(t, r.Integrity.Findings, 1, "node %d: %s", p, r)
	}
	bad := good.clone()
	bad.nodes = bad.nodes[:100]
	require.False(t, check(t, bad, key.Public()).Integrity.OK(), "nodes that are missing")
}

// The log's beginning or end is cut off, in every length.
// Rules: R254
func TestCutLogsAreFound(t *testing.T) {
	key, anchor := newKey(t), &memAnchor{}
	good := &memLog{}
	good.grow(t, tamperSize, key, anchor)
	for n := 1; n < tamperSize; n += stride(t) {
		prefix := good.clone()
		prefix.leaves = prefix.leaves[n:]
		r := check(t, prefix, key.Public())
		require.EqualValues(t, 0, r.Completeness.First().Index)
		require.Contains(t, r.String(), fmt.Sprintf("entries 0 to %d are missing", n-1))

		tail := good.clone()
		tail.leaves = tail.leaves[:n]
		r = check(t, tail, key.Public())
		require.Contains(t, r.String(), fmt.Sprintf("those from %d on are missing", n))

		// With its tree, but with the checkpoint that was signed over the whole.
		tail.size = int64(n)
		r = check(t, tail, key.Public())
		require.Contains(t, r.String(), fmt.Sprintf("the log has %d: its end was cut", n))

		// With everything that says that there was more: only an anchor knows.
		tail.nodes, tail.rows = nil, nil
		tail.rebuild(t, key)
		for i := range n {
			_, row := entryAt(i)
			tail.put(row.Row, row.Version, row.Body)
		}
		r = check(t, tail, key.Public())
		require.True(t, r.OK(), r)
		require.Contains(t, r.Anchored, "cannot be detected")
		require.Contains(t, r.Anchored, "unanchored")
		r = check(t, tail, key.Public(), anchor)
		require.True(t, r.Integrity.OK(), r)
		require.EqualValues(t, n, r.Completeness.First().Index, r)
		require.Contains(t, r.Completeness.First().What, "anchor vault has seen 200 entries")
	}
}

// Somebody with the log's own key changes one entry and computes everything anew.
// Rules: R254
func TestRewriteWithTheRealKeyIsFoundByAnAnchor(t *testing.T) {
	key, anchor := newKey(t), &memAnchor{}
	good := &memLog{}
	good.grow(t, tamperSize, key, anchor)
	r := check(t, good, key.Public(), anchor)
	require.True(t, r.OK(), r)
	require.Equal(t, "up to 200 by vault at 2026-11-21T10:03:19Z", r.Anchored)
	require.EqualValues(t, 200, r.AnchoredSize)
	for i := 0; i < tamperSize; i += stride(t) {
		bad := good.clone()
		edits["value"](t, &bad.leaves[i])
		bad.rebuild(t, key)
		r := check(t, bad, key.Public())
		require.True(t, r.OK(), "without an anchor it cannot be found")
		require.EqualValues(t, -1, r.AnchoredSize)
		r = check(t, bad, key.Public(), anchor)
		require.True(t, r.Integrity.OK(), r)
		require.Contains(t, r.Completeness.First().What, "the log was rewritten")
	}
	whole := &memLog{}
	whole.sign(t, key)
	require.True(t, check(t, whole, key.Public()).OK(), "everything deleted, no anchor")
	r = check(t, whole, key.Public(), anchor)
	require.Contains(t, r.Completeness.First().What, "the log has 0")
}

// Every secure row is changed, removed, inserted, repeated and exchanged behind the log.
// Rules: R253
func TestEveryChangeOfAStateIsFoundAndNamed(t *testing.T) {
	key := newKey(t)
	good := &memLog{}
	good.grow(t, 190, key)
	require.Len(t, good.rows, 7)
	for i, row := range good.rows {
		j := (i + 1) % len(good.rows)
		for name, c := range map[string]struct {
			tamper func(*memLog)
			says   string
		}{
			"body":      {func(m *memLog) { m.rows[i].Body = append(bytes.Clone(m.rows[i].Body), ' ') }, "was changed"},
			"version":   {func(m *memLog) { m.rows[i].Version++ }, "was changed"},
			"versioned": {func(m *memLog) { m.rows[i].Version = 0 }, "no version"},
			"removed":   {func(m *memLog) { m.rows = slices.Delete(m.rows, i, i+1) }, "is missing"},
			"renamed":   {func(m *memLog) { m.rows[i].Row += "x" }, "is missing"},
			"repeated":  {func(m *memLog) { m.rows = append(m.rows, m.rows[i]) }, "a second one"},
			"exchanged": {func(m *memLog) { m.rows[i].Row, m.rows[j].Row = m.rows[j].Row, m.rows[i].Row }, "it holds what belongs into row"},
		} {
			bad := good.clone()
			c.tamper(bad)
			r := check(t, bad, key.Public())
			require.True(t, r.Integrity.OK() && r.Completeness.OK(), "%s: %s", name, r)
			named := slices.IndexFunc(r.State.Findings, func(f audit.Finding) bool { return f.Row == row.Row })
			require.GreaterOrEqual(t, named, 0, "%s of %s: %s", name, row.Row, r)
			require.Contains(t, r.State.Findings[named].What, c.says, "%s of %s", name, row.Row)
		}
	}
	inserted := good.clone()
	inserted.put("account/new", 1, []byte("{}"))
	require.Contains(t, check(t, inserted, key.Public()).State.First().String(), `row "account/new": it was inserted`)

	// Entry 199 drops its row.
	dropping := &memLog{}
	dropping.grow(t, tamperSize, key)
	require.True(t, check(t, dropping, key.Public()).OK())
	dropping.put("user/u-3", 5, []byte("{}"))
	require.Contains(t, check(t, dropping, key.Public()).State.First().String(), `row "user/u-3": it was inserted again: entry 199`)
}
