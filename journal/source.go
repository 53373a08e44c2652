package journal

import (
	"context"
	"errors"
	"iter"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Pages of verification. Bodies of rows can be large.
const (
	leafPage = 500
	rowPage  = 100
)

// source is the log of a store as package audit reads it, in pages, so that nothing is
// held while it is compared.
type source struct{ st store.Store }

// Size implements [audit.Source].
func (s source) Size(ctx context.Context) (int64, error) {
	size, _, err := s.st.Tree(ctx)
	return size, err
}

// Leaves implements [audit.Source].
func (s source) Leaves(ctx context.Context, from int64) iter.Seq2[audit.Leaf, error] {
	return func(yield func(audit.Leaf, error) bool) {
		for e, err := range s.entries(ctx, from) {
			l := audit.Leaf{Index: e.Index, ID: e.ID, At: e.At, Action: e.Action, Targets: e.Targets, Body: e.Body, Hash: e.Hash}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// entries yields the entries with an index from one on, then those without.
func (s source) entries(ctx context.Context, from int64) iter.Seq2[store.Entry, error] {
	indexed := pages(leafPage, func(after *store.Entry) ([]store.Entry, error) {
		q := store.EntryQuery{ByIndex: true, FromIndex: from, Limit: leafPage}
		if after != nil {
			q.FromIndex = after.Index + 1
		}
		return s.st.Entries(ctx, q)
	})
	// A store says only which entries have waited longest. Behind a full page of those the
	// log is searched by time.
	pending := pages(store.MaxPage, func(after *store.Entry) ([]store.Entry, error) {
		if after == nil {
			return s.st.Unsequenced(ctx, store.MaxPage)
		}
		return s.st.Entries(ctx, store.EntryQuery{AfterAt: after.At, AfterID: after.ID})
	})
	return func(yield func(store.Entry, error) bool) {
		for e, err := range indexed {
			if !yield(e, err) {
				return
			}
		}
		for e, err := range pending {
			if (err != nil || e.Index < 0) && !yield(e, err) {
				return
			}
		}
	}
}

// pages yields what read returns page by page, until a page is not full.
func pages[T any](full int, read func(after *T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var after *T
		for {
			page, err := read(after)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
			if len(page) < full {
				return
			}
			after = &page[len(page)-1]
		}
	}
}

// Hashes implements [audit.Source].
func (s source) Hashes(ctx context.Context) audit.Hashes { return hashes(ctx, s.st) }

// hashes reads the tree of a store. A store refuses positions that it does not have; the
// zero hash stands for them here, so that a tree with holes can be judged.
func hashes(ctx context.Context, st store.Store) audit.Hashes {
	var read audit.Hashes
	read = func(positions []int64) ([][32]byte, error) {
		_, found, err := st.Tree(ctx, positions...)
		switch {
		case !errors.Is(err, store.ErrMalformed):
			return found, err
		case len(positions) == 1:
			return make([][32]byte, 1), nil
		}
		half := len(positions) / 2
		left, err := read(positions[:half])
		if err != nil {
			return nil, err
		}
		right, err := read(positions[half:])
		return append(left, right...), err
	}
	return read
}

// Rows implements [audit.Source].
func (s source) Rows(ctx context.Context) iter.Seq2[audit.Row, error] {
	return func(yield func(audit.Row, error) bool) {
		for _, kind := range rec.SecureKinds() {
			records := pages(rowPage, func(after *store.Record) ([]store.Record, error) {
				q := store.Query{Kind: kind, Limit: rowPage}
				if after != nil {
					q.After = &store.Position{ID: after.Key.ID}
				}
				return s.st.List(ctx, q)
			})
			for r, err := range records {
				if !yield(audit.Row{Row: r.Key.String(), Version: r.Version, Body: r.Body}, err) || err != nil {
					return
				}
			}
		}
	}
}

// Checkpoints implements [audit.Source]: a store keeps the last one.
func (s source) Checkpoints(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		last, found, err := lastSigned(ctx, s.st)
		if err != nil || found {
			yield([]byte(last.Text), err)
		}
	}
}
