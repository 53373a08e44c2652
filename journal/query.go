package journal

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// PageSizes are the sizes that a page can have.
func PageSizes() []int { return []int{10, 15, 50, 100, 200} }

// DefaultPageSize is the size of a page if none is named.
const DefaultPageSize = 15

// Query asks for a page of entries.
type Query struct {
	Filter
	// Size of the page: one of [PageSizes]; 0: [DefaultPageSize].
	Size int
	// At is a cursor of another page of the same filter; "": the newest page.
	At Cursor
}

// Cursor leads from a page to the one beside it. It is plain text that fits into a URL,
// and stays right while entries are added.
type Cursor string

// Page is a page of entries, the newest first.
type Page struct {
	Entries []Entry `json:"entries"`
	// Newer and Older lead to the pages beside this one; "": there is none.
	Newer Cursor `json:"newer,omitempty"`
	Older Cursor `json:"older,omitempty"`
}

// Query returns a page of entries by time, the newest first. It shows every committed
// entry, also one that has no index yet.
func (r *Reader) Query(ctx context.Context, q Query) (Page, error) {
	at, err := q.check()
	if err != nil {
		return Page{}, err
	}
	sites, err := r.scope(ctx, "Query")
	if err != nil {
		return Page{}, err
	}
	s, err := r.journal.search(ctx, q.Filter, sites)
	if err != nil {
		return Page{}, err
	}
	if err := r.note(ctx, q.Filter); err != nil {
		return Page{}, err
	}
	return r.journal.page(ctx, s, q, at, everybody)
}

// check judges the size and the cursor, and reads the cursor.
func (q *Query) check() (place, error) {
	if q.Size == 0 {
		q.Size = DefaultPageSize
	}
	if !slices.Contains(PageSizes(), q.Size) {
		return place{}, ErrPageSize
	}
	return q.At.parse()
}

// page returns a page of what a search finds.
func (j *Journal) page(ctx context.Context, s search, q Query, at place, whose func(keyID string) bool) (Page, error) {
	s.query.OldestLast, s.query.AfterAt, s.query.AfterID = !at.newer, at.at, at.id
	if s.exact() {
		s.query.Limit = q.Size + 1
	}
	var found []record
	for e, err := range s.from(ctx, j.core.Store) {
		if err != nil {
			return Page{}, err
		}
		if found = append(found, e); len(found) > q.Size {
			break
		}
	}
	more := len(found) > q.Size
	found = found[:min(len(found), q.Size)]
	if at.newer {
		slices.Reverse(found)
	}
	entries, err := j.views(ctx, found, whose)
	if err != nil || len(found) == 0 {
		return Page{}, err
	}
	p := Page{Entries: entries}
	if more || at.newer {
		p.Older = beside(found[len(found)-1].leaf, false)
	}
	if more && at.newer || !at.newer && q.At != "" {
		p.Newer = beside(found[0].leaf, true)
	}
	return p, nil
}

// Entry returns one entry.
func (r *Reader) Entry(ctx context.Context, id string) (Entry, error) {
	sites, err := r.scope(ctx, "Query")
	if err != nil {
		return Entry{}, err
	}
	found, err := r.journal.find(ctx, id, within(store.EntryQuery{}, sites))
	if err != nil {
		return Entry{}, err
	}
	if err := r.note(ctx, Filter{About: []string{id}}); err != nil {
		return Entry{}, err
	}
	views, err := r.journal.views(ctx, []record{found}, everybody)
	if err != nil {
		return Entry{}, err
	}
	return views[0], nil
}

// find loads an entry by its id within the bounds of q, or [ErrEntryNotFound].
func (j *Journal) find(ctx context.Context, id string, q store.EntryQuery) (record, error) {
	if id == "" {
		return record{}, ErrEntryNotFound
	}
	q.ID = id
	found, err := j.core.Store.Entries(ctx, q)
	if err != nil {
		return record{}, err
	}
	if len(found) == 0 {
		return record{}, ErrEntryNotFound
	}
	return decode(found[0]), nil
}

// Count returns how many entries the reader sees under a filter. Without a filter and
// with all sites the tree knows the number; everything else is counted one by one, so
// ask once for a filter and not for each page, or see [Reader.CountAtMost]. Entries that
// come meanwhile may be missed. To count under a filter is to read, and on record as such.
func (r *Reader) Count(ctx context.Context, f Filter) (int64, error) {
	n, _, err := r.CountAtMost(ctx, f, math.MaxInt64)
	return n, err
}

// CountAtMost is Count for a screen that shows "1000+": it stops at most and then reports
// that there are more.
func (r *Reader) CountAtMost(ctx context.Context, f Filter, most int64) (n int64, more bool, err error) {
	sites, err := r.scope(ctx, "Query")
	if err != nil {
		return 0, false, err
	}
	s, err := r.journal.search(ctx, f, sites)
	if err != nil {
		return 0, false, err
	}
	if f.String() != "" { // how long the log is tells of nobody
		if err := r.note(ctx, f); err != nil {
			return 0, false, err
		}
	}
	st := r.journal.core.Store
	if f.String() == "" && sites.All() {
		size, _, err := st.Tree(ctx)
		if err != nil {
			return 0, false, err
		}
		pending, err := st.Unsequenced(ctx, store.MaxPage)
		if n := size + int64(len(pending)); err != nil || len(pending) < store.MaxPage {
			return min(n, most), n > most, err
		}
	}
	if s.exact() && most < store.MaxPage {
		s.query.Limit = int(most) + 1
	}
	for _, err := range s.from(ctx, st) {
		if err != nil {
			return 0, false, err
		}
		if n++; n > most {
			return most, true, nil
		}
	}
	return n, false, nil
}

// place is what a cursor says.
type place struct {
	newer bool
	at    time.Time
	id    string
}

// The first byte of a cursor.
const (
	towardsOlder = 'o'
	towardsNewer = 'n'
)

// beside is the cursor that leads on from an entry.
func beside(e store.Entry, newer bool) Cursor {
	b := []byte{towardsOlder}
	if newer {
		b[0] = towardsNewer
	}
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.UnixNano()))
	return Cursor(base64.RawURLEncoding.EncodeToString(append(b, e.ID...)))
}

func (c Cursor) parse() (place, error) {
	if c == "" {
		return place{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil || len(b) < 10 || len(b) > 9+audit.MaxID || b[0] != towardsOlder && b[0] != towardsNewer {
		return place{}, ErrCursor
	}
	return place{newer: b[0] == towardsNewer, at: time.Unix(0, int64(binary.BigEndian.Uint64(b[1:]))).UTC(), id: string(b[9:])}, nil
}
