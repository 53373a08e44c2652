package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// errAgain ends a transaction that has nothing to do: the change was committed before.
var errAgain = errors.New("sqlstore: committed before")

// Commit implements [store.Store].
func (st *Store) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	if err := c.Validate(); err != nil {
		return store.Result{}, err
	}
	var r store.Result
	var marked bool
	err := st.write(ctx, func(s *session) error {
		var err error
		if r, err = st.earlier(s, c.ID); err != nil {
			return err
		}
		if r.Again {
			return errAgain
		}
		r, marked, err = st.apply(s, c)
		return err
	})
	if err != nil && !r.Again {
		return store.Result{}, err
	}
	if marked && st.committing() {
		st.hints().Ring()
	}
	return r, nil
}

// earlier returns the answer to a change that was committed before; Again tells.
func (st *Store) earlier(s *session, id string) (store.Result, error) {
	var counts, leaves string
	found, err := s.one("SELECT counts, leaves FROM kh_changes WHERE tenant = ? AND id = ?", st.args(id), &counts, &leaves)
	if err != nil || !found {
		return store.Result{}, err
	}
	r := store.Result{Again: true}
	if r.Counts, err = splitCounts(counts); err != nil {
		return store.Result{}, err
	}
	ids, err := splitTexts(leaves)
	if err != nil {
		return store.Result{}, err
	}
	for _, id := range ids {
		index := int64(-1)
		if _, err := s.one("SELECT coalesce(idx, -1) FROM kh_leaves WHERE tenant = ? AND id = ?", st.args(id), &index); err != nil {
			return store.Result{}, err
		}
		r.Index = append(r.Index, index)
	}
	return r, nil
}

// apply does a new change and reports whether it marked a line.
func (st *Store) apply(s *session, c store.Change) (r store.Result, marked bool, err error) {
	t := turn{st, s, st.now(), nil}
	for _, i := range c.Sorted() {
		if err := t.step(c.Ops[i]); err != nil {
			return r, false, &store.OpError{Index: i, Op: c.Ops[i], Err: err}
		}
		if _, ok := c.Ops[i].(store.Mark); ok {
			marked = true
		}
	}
	if r.Index, err = st.addLeaves(s, c.Entries); err != nil {
		return r, false, err
	}
	r.Counts = t.counts
	ids := make([]string, len(c.Entries))
	for i, l := range c.Entries {
		ids[i] = l.ID
	}
	if err := s.exec("INSERT INTO kh_changes (tenant, id, at, counts, leaves) VALUES (?, ?, ?, ?, ?)",
		st.args(c.ID, nanos(t.now), joinCounts(t.counts), joinTexts(ids))...); err != nil {
		return r, false, err
	}
	if st.fleet.shared.commits.Add(1)%sweepEvery == 0 {
		err = sweep(s, t.now)
	}
	return r, marked, err
}

// Every so many commits of a fleet delete so many rows of a table that nobody needs any
// more: more than can have come since, and never so many that anybody waits.
const (
	sweepEvery = 64
	sweepRows  = 64 * 70
)

// sweep forgets old changes, counters, rests of names and dead nodes, of all tenants.
func sweep(s *session, now time.Time) error {
	day := nanos(now.Add(-store.Memory))
	for _, old := range []struct {
		statement string
		before    any
	}{
		{"DELETE FROM kh_changes WHERE (tenant, id) IN (SELECT tenant, id FROM kh_changes WHERE at < ? ORDER BY at LIMIT ?)", day},
		{"DELETE FROM kh_counters WHERE (tenant, counter) IN (SELECT tenant, counter FROM kh_counters WHERE until < ? ORDER BY until LIMIT ?)", nanos(now)},
		{"DELETE FROM kh_names WHERE (tenant, name) IN (SELECT tenant, name FROM kh_names WHERE rest_until < ? AND holder = '' AND reservers = '' ORDER BY rest_until LIMIT ?)", nanos(now)},
		{"DELETE FROM kh_nodes WHERE node IN (SELECT node FROM kh_nodes WHERE until < ? LIMIT ?)", day},
	} {
		if err := s.exec(old.statement, old.before, sweepRows); err != nil {
			return err
		}
	}
	return nil
}
