package dsc

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Bounds of what is remembered to keep the log short.
const (
	noticeEvery = time.Minute
	maxNotices  = 1024
)

// notices logs the first of a kind from a prefix, then one line a minute with their
// number, whatever anybody sends.
type notices struct {
	log *slog.Logger

	mu      sync.Mutex
	tallies map[noticeKey]*tally
	swept   time.Time
}

type noticeKey struct{ kind, prefix string }

type tally struct {
	logged time.Time
	count  int // since then
}

// say notes that something happened.
func (n *notices) say(now time.Time, kind, prefix string, attrs ...slog.Attr) {
	times, ok := n.tally(now, noticeKey{kind, prefix})
	if !ok {
		return
	}
	attrs = append(attrs, slog.String("what", kind), slog.String("from", prefix), slog.Int("times", times))
	n.log.LogAttrs(context.Background(), slog.LevelWarn, "dsc: notice", attrs...)
}

// tally counts an occasion and says whether it is time for a line, and for how many
// occasions that line stands.
func (n *notices) tally(now time.Time, key noticeKey) (times int, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tallies == nil {
		n.tallies = map[noticeKey]*tally{}
	}
	t := n.tallies[key]
	if t == nil && len(n.tallies) >= maxNotices && !n.sweep(now) {
		key.prefix = "many"
		t = n.tallies[key]
	}
	if t == nil {
		n.tallies[key] = &tally{logged: now}
		return 1, true
	}
	t.count++
	if now.Sub(t.logged) < noticeEvery {
		return 0, false
	}
	times = t.count
	t.logged, t.count = now, 0
	return times, true
}

// sweep forgets what has not happened for a while, at most once a minute. It reports
// whether there is room again. The caller holds n.mu.
func (n *notices) sweep(now time.Time) bool {
	if now.Sub(n.swept) >= noticeEvery {
		n.swept = now
		for k, t := range n.tallies {
			if now.Sub(t.logged) >= noticeEvery {
				delete(n.tallies, k)
			}
		}
	}
	return len(n.tallies) < maxNotices
}
