package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// long is longer than any test.
const long = 1000 * time.Hour

// mark marks a line.
func (b *bench) mark(line string, due time.Time) {
	b.Helper()
	b.send(store.Change{ID: b.id("change"), Ops: []store.Op{store.Mark{Line: line, Due: due}}})
}

// own takes a line for a node.
func (b *bench) own(node, line string) store.Line {
	b.Helper()
	l, err := b.Own(b.Context(), node, line)
	b.ok(err)
	if l.Owner != node || l.Name != line || l.Token == 0 {
		b.Fatalf("Own: %+v", l)
	}
	return l
}

// beat says that a node lives that long.
func (b *bench) beat(node string, ttl time.Duration) time.Time {
	b.Helper()
	now, err := b.Beat(b.Context(), node, ttl)
	b.ok(err)
	return now
}

// fence ends a turn.
func fence(l store.Line, f store.Fate) store.Fence {
	return store.Fence{Line: l.Name, Owner: l.Owner, Token: l.Token, Fate: f}
}

// end ends a turn and must be let.
func (b *bench) end(l store.Line, f store.Fate, also ...store.Op) {
	b.Helper()
	b.send(store.Change{ID: b.id("change"), Ops: append(also, fence(l, f))})
}

// due returns the names of due lines.
func (b *bench) due(prefix string, limit int) string {
	b.Helper()
	lines, err := b.Due(b.Context(), prefix, limit)
	b.ok(err)
	return names(lines)
}

func names(lines []store.Line) string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Name)
	}
	return strings.Join(all, " ")
}

func testLines(t *testing.T, open opener) {
	t.Run("a mark makes a line due", func(t *testing.T) {
		b := open(t)
		b.equal("nothing", b.due("", 0), "")
		before := b.beat("clock", 0)
		b.mark("panel/1", time.Time{})
		l := b.line("panel/1")
		if l.Gen != 1 || l.Due.Before(before) || l.Due.After(b.beat("clock", 0)) || l.Owner != "" || l.Token != 0 || l.Attempts != 0 {
			b.Fatalf("marked line: %+v", l)
		}
		b.equal("due", b.due("panel/", 0), "panel/1")
		b.equal("another prefix", b.due("erase/", 0), "")
	})
	t.Run("due no later than the earliest mark", func(t *testing.T) {
		b := open(t)
		late, early := b.beat("clock", 0).Add(long), b.beat("clock", 0).Add(long/2)
		b.mark("panel/1", late)
		b.mark("panel/1", early)
		b.mark("panel/1", late)
		l := b.line("panel/1")
		if !l.Due.Equal(early) || l.Gen != 3 {
			b.Fatalf("line: %+v, want due %v", l, early)
		}
		b.equal("not yet", b.due("", 0), "")
		b.mark("panel/1", time.Time{})
		b.equal("now", b.due("", 0), "panel/1")
	})
	t.Run("the longest due first", func(t *testing.T) {
		b := open(t)
		b.mark("panel/b", epoch)
		b.mark("panel/c", epoch.Add(-time.Hour))
		b.mark("panel/a", epoch)
		b.mark("other/a", epoch.Add(-2*time.Hour))
		b.equal("due", b.due("panel/", 0), "panel/c panel/a panel/b")
		b.equal("limited", b.due("panel/", 2), "panel/c panel/a")
		b.equal("all", b.due("", 0), "other/a panel/c panel/a panel/b")
	})
	t.Run("lines by name", func(t *testing.T) {
		b := open(t)
		for _, n := range []string{"panel/2", "panel/1", "paneL/1", "panel/10", "pane", "other/1"} {
			b.mark(n, time.Time{})
		}
		page := func(prefix, after string, limit int) string {
			lines, err := b.Lines(b.Context(), prefix, after, limit)
			b.ok(err)
			return names(lines)
		}
		b.equal("prefix", page("panel/", "", 0), "panel/1 panel/10 panel/2")
		b.equal("after", page("panel/", "panel/1", 0), "panel/10 panel/2")
		b.equal("after what is not there", page("panel/", "panel/0", 1), "panel/1")
		b.equal("limit", page("", "", 3), "other/1 pane paneL/1")
		b.equal("the end", page("panel/", "panel/2", 0), "")
	})
	t.Run("an owned line is not due", func(t *testing.T) {
		b := open(t)
		b.mark("panel/1", time.Time{})
		b.beat("n1", long)
		l := b.own("n1", "panel/1")
		b.equal("gen", l.Gen, uint64(1))
		b.equal("due", b.due("", 0), "")
		_, err := b.Own(b.Context(), "n2", "panel/1")
		if !errors.Is(err, store.ErrOwned) {
			b.Fatalf("Own by another: %v, want ErrOwned", err)
		}
		again := b.own("n1", "panel/1") // the same node may, under a new token
		if again.Token <= l.Token {
			b.Fatalf("token %d after %d", again.Token, l.Token)
		}
	})
	t.Run("the line of a dead node is taken", func(t *testing.T) {
		b := open(t)
		b.mark("panel/1", time.Time{})
		b.beat("n1", long)
		old := b.own("n1", "panel/1")
		b.beat("n1", 0) // its last word
		b.equal("due", b.due("", 0), "panel/1")
		next := b.own("n2", "panel/1")
		if next.Token <= old.Token {
			b.Fatalf("token %d after %d", next.Token, old.Token)
		}
		b.equal("a node that never beat is dead", b.own("n3", "panel/1").Owner, "n3")
	})
	t.Run("a worker that lost its line commits nothing", func(t *testing.T) {
		b := open(t)
		b.mark("panel/1", time.Time{})
		lost := b.own("n1", "panel/1")
		kept := b.own("n2", "panel/1")
		b.refused(store.ErrFenced, 1, put("user", "u1", 0, "{}"), fence(lost, store.Fate{Done: lost.Gen}))
		b.equal("record", b.record("user", "u1").Version, uint64(0))
		wrong := kept
		wrong.Token++
		b.refused(store.ErrFenced, 0, fence(wrong, store.Fate{}))
		wrong = kept
		wrong.Owner = "n1"
		b.refused(store.ErrFenced, 0, fence(wrong, store.Fate{}))
		b.refused(store.ErrFenced, 0, store.Fence{Line: "panel/none", Owner: "n1", Token: 1})
		b.commit(put("user", "u1", 0, "{}"), fence(kept, store.Fate{Done: kept.Gen}))
		b.refused(store.ErrFenced, 0, fence(kept, store.Fate{})) // a turn ends once
	})
	t.Run("a finished line rests", func(t *testing.T) {
		b := open(t)
		b.mark("panel/1", time.Time{})
		b.end(b.own("n1", "panel/1"), store.Fate{Done: 1})
		l := b.line("panel/1")
		if !l.Due.IsZero() || l.Owner != "" || l.Gen != 1 || l.Token != 1 {
			b.Fatalf("line: %+v", l)
		}
		b.equal("due", b.due("", 0), "")
		b.mark("panel/1", time.Time{})
		b.equal("marked again", b.due("", 0), "panel/1")
		if next := b.own("n1", "panel/1"); next.Token != 2 {
			b.Fatalf("token %d, want 2: tokens grow for ever", next.Token)
		}
	})
	t.Run("a mark during the turn keeps it due", func(t *testing.T) {
		b := open(t)
		b.mark("panel/1", time.Time{})
		l := b.own("n1", "panel/1")
		b.mark("panel/1", time.Time{})
		b.end(l, store.Fate{Done: l.Gen})
		b.equal("due", b.due("", 0), "panel/1")
		b.equal("gen", b.line("panel/1").Gen, uint64(2))
	})
	t.Run("a mark in the change that ends the turn keeps it due", func(t *testing.T) {
		b := open(t)
		b.mark("panel/1", time.Time{})
		l := b.own("n1", "panel/1")
		b.end(l, store.Fate{Done: l.Gen}, store.Mark{Line: "panel/1"})
		b.equal("due", b.due("", 0), "panel/1")
	})
	t.Run("again", func(t *testing.T) {
		b := open(t)
		later := b.beat("clock", 0).Add(long)
		b.mark("panel/1", time.Time{})
		b.end(b.own("n1", "panel/1"), store.Fate{Again: later, Tried: true})
		l := b.line("panel/1")
		if !l.Due.Equal(later) || l.Attempts != 1 || l.Owner != "" {
			b.Fatalf("line: %+v", l)
		}
		b.end(b.own("n1", "panel/1"), store.Fate{Again: later, Tried: true})
		b.equal("attempts", b.line("panel/1").Attempts, 2)
		b.mark("panel/1", time.Time{})
		l = b.own("n1", "panel/1")
		b.mark("panel/1", time.Time{})
		b.end(l, store.Fate{Done: l.Gen, Again: later})
		b.equal("a mark during the turn is not put off", b.due("", 0), "panel/1")
		b.equal("attempts are forgotten", b.line("panel/1").Attempts, 0)
	})
	t.Run("keep", func(t *testing.T) {
		b := open(t)
		b.mark("panel/1", time.Time{})
		b.beat("n1", long)
		l := b.own("n1", "panel/1")
		b.end(l, store.Fate{Keep: true})
		b.end(l, store.Fate{Keep: true, Done: l.Gen})
		b.equal("owner", b.line("panel/1").Owner, "n1")
		b.end(l, store.Fate{Done: l.Gen})
		b.equal("owner", b.line("panel/1").Owner, "")
	})
	t.Run("parked routes", func(t *testing.T) {
		b := open(t)
		b.mark("panel/1", time.Time{})
		b.end(b.own("n1", "panel/1"), store.Fate{Parked: map[string]string{"lan": "secret refused", "b": ""}})
		b.equal("parked", b.line("panel/1").Parked, map[string]string{"lan": "secret refused", "b": ""})
		b.end(b.own("n1", "panel/1"), store.Fate{})
		b.equal("nil leaves them", len(b.line("panel/1").Parked), 2)
		b.end(b.own("n1", "panel/1"), store.Fate{Parked: map[string]string{}})
		b.equal("empty clears them", len(b.line("panel/1").Parked), 0)
	})
	t.Run("a line is owned before its first mark", func(t *testing.T) {
		b := open(t)
		l := b.own("n1", "sweep/all")
		b.equal("gen", l.Gen, uint64(0))
		b.equal("due", b.due("", 0), "")
		b.end(l, store.Fate{Again: epoch})
		b.equal("due", b.due("", 0), "sweep/all")
	})
	t.Run("malformed owners are refused", func(t *testing.T) {
		b := open(t)
		for _, c := range [][2]string{{"", "l"}, {"n", ""}, {strings.Repeat("n", store.MaxID+1), "l"}, {"n", strings.Repeat("l", store.MaxTerm+1)}} {
			if _, err := b.Own(b.Context(), c[0], c[1]); !errors.Is(err, store.ErrMalformed) {
				b.Fatalf("Own: %v, want ErrMalformed", err)
			}
		}
		if _, err := b.Beat(b.Context(), "", long); !errors.Is(err, store.ErrMalformed) {
			b.Fatalf("Beat: %v, want ErrMalformed", err)
		}
	})
	t.Run("the store's time does not go back", func(t *testing.T) {
		b := open(t)
		last := b.beat("n1", long)
		for i := range 20 {
			now := b.beat(fmt.Sprint("n", i), long)
			if now.Before(last) {
				b.Fatalf("%v after %v", now, last)
			}
			last = now
		}
	})
	t.Run("a wake channel ends with its context", func(t *testing.T) {
		b := open(t)
		ctx, cancel := context.WithCancel(b.Context())
		hints := b.Wake(ctx)
		b.mark("panel/1", time.Time{})
		b.mark("panel/2", time.Time{}) // nobody reads: commits must not wait
		cancel()
		for range hints { // ends when the channel is closed
		}
	})
}
