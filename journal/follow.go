package journal

import (
	"context"
	"iter"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// FromNow, as the beginning of [Reader.Follow], is what gets its index from now on.
const FromNow int64 = -1

// followPage is how many entries are read at once.
const followPage = 200

// Follow yields entries in the order of their index, from that index on, without gaps
// among those that the reader may see, and waits for more. To go on later, begin with
// the last Index+1. It ends with ctx, or after it has yielded an error.
//
// Rights are asked again before every look: who loses them gets that refusal.
func (r *Reader) Follow(ctx context.Context, from int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		j, next := r.journal, from
		wake := j.core.Store.Wake(ctx)
		for first := true; ctx.Err() == nil; first = false {
			var found []record
			sites, err := r.scope(ctx, "Follow")
			if err == nil && first {
				err = r.note(ctx, Filter{})
			}
			if err == nil {
				found, next, err = j.indexed(ctx, next, sites)
			}
			if err == nil && !first && len(found) > 0 {
				err = r.note(ctx, Filter{})
			}
			var views []Entry
			if err == nil {
				views, err = j.views(ctx, found, everybody)
			}
			if err != nil {
				if ctx.Err() == nil {
					yield(Entry{}, err)
				}
				return
			}
			for _, e := range views {
				if !yield(e, nil) {
					return
				}
			}
			if len(found) == 0 {
				wait(ctx, wake, j.o.Poll)
			}
		}
	}
}

// indexed reads some entries within sites from an index on, and returns with which index
// to go on. No entries means that there are no more now.
func (j *Journal) indexed(ctx context.Context, from int64, sites accounts.Sites) ([]record, int64, error) {
	// The size is asked first: a page that is not full then holds everything below it.
	size, _, err := j.core.Store.Tree(ctx)
	if err != nil {
		return nil, from, err
	}
	if from < 0 {
		return nil, size, nil
	}
	if from >= size {
		return nil, from, nil
	}
	found, err := j.core.Store.Entries(ctx, within(store.EntryQuery{ByIndex: true, FromIndex: from, Limit: followPage}, sites))
	if err != nil {
		return nil, from, err
	}
	next := size
	rs := make([]record, len(found))
	for i, e := range found {
		rs[i] = decode(e)
	}
	if n := len(found); n > 0 && (n == followPage || found[n-1].Index >= size) {
		next = found[n-1].Index + 1
	}
	return rs, next, nil
}

// wait ends with a hint, after some time, or with ctx.
func wait(ctx context.Context, wake <-chan struct{}, most time.Duration) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-t.C:
	}
}
