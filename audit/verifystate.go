package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
)

// states is what the entries say that the secure rows are.
type states struct {
	last map[string]left
	// pending holds what entries without an index leave. Their order is not settled yet,
	// so a row may be any of these.
	pending map[string][][32]byte
}

// left is what the last entry about a row left.
type left struct {
	digest [32]byte
	index  int64
}

func newStates() *states {
	return &states{last: map[string]left{}, pending: map[string][][32]byte{}}
}

func (s *states) leave(e Entry, index int64) {
	for _, r := range e.State {
		s.last[r.Row] = left{digest: r.Digest, index: index}
	}
}

func (s *states) pend(e Entry) {
	for _, r := range e.State {
		s.pending[r.Row] = append(s.pending[r.Row], r.Digest)
	}
}

func (s *states) forgetPending() { clear(s.pending) }

// dropped is the digest of a row that is not there.
func dropped() [32]byte { return StateDigest(0, nil) }

// judge says in words what is wrong with a row of that digest, "" if nothing is.
func (s *states) judge(row string, actual [32]byte) string {
	if waiting, ok := s.pending[row]; ok {
		switch {
		case slices.Contains(waiting, actual):
			return ""
		case actual == dropped():
			return "it is missing: an entry that waits for the tree left it"
		}
		return "it was changed: it is not what an entry that waits for the tree left"
	}
	l, known := s.last[row]
	switch {
	case !known:
		return "it was inserted: no entry names it"
	case l.digest == actual:
		return ""
	case actual == dropped():
		return fmt.Sprintf("it is missing: entry %d left it", l.index)
	case l.digest == dropped():
		return fmt.Sprintf("it was inserted again: entry %d removed it", l.index)
	}
	return fmt.Sprintf("it was changed: it is not what entry %d left", l.index)
}

// wrong is a row that is not what the entries say.
type wrong struct {
	actual [32]byte
	what   string
}

// maxWrong bounds the rows that are looked at again; more of them are only counted.
const maxWrong = 10_000

// rows compares every secure row with the entries.
func (v *verifier) rows(ctx context.Context) error {
	bad := map[string]wrong{}
	judge := func(row string, actual [32]byte) {
		switch what := v.state.judge(row, actual); {
		case what == "":
		case len(bad) < maxWrong:
			bad[row] = wrong{actual: actual, what: what}
		default:
			v.report.State.More++
		}
	}
	seen := map[string]bool{}
	for r, err := range v.src.Rows(ctx) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		v.report.Rows++
		switch {
		case seen[r.Row]:
			v.report.State.row(r.Row, "there is a second one")
		case r.Version == 0:
			v.report.State.row(r.Row, "it has no version")
		default:
			judge(r.Row, StateDigest(r.Version, r.Body))
		}
		seen[r.Row] = true
	}
	for row := range v.state.last {
		if !seen[row] {
			seen[row] = true
			judge(row, dropped())
		}
	}
	for row := range v.state.pending {
		if !seen[row] {
			judge(row, dropped())
		}
	}
	if err := v.catchUp(ctx, bad); err != nil {
		return err
	}
	v.nameSwaps(bad)
	for _, row := range slices.Sorted(maps.Keys(bad)) {
		v.report.State.row(row, "%s", bad[row].what)
	}
	return nil
}

// catchUp takes out rows that were changed by an entry written while the log was read.
func (v *verifier) catchUp(ctx context.Context, bad map[string]wrong) error {
	if len(bad) == 0 {
		return nil
	}
	for l, err := range v.src.Leaves(ctx, v.next) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		e, err := Decode(l.Body)
		if err != nil {
			continue // the next run names it
		}
		for _, r := range e.State {
			if bad[r.Row].actual == r.Digest {
				delete(bad, r.Row)
			}
		}
	}
	return nil
}

// nameSwaps says of a wrong row if it holds what belongs into another one.
func (v *verifier) nameSwaps(bad map[string]wrong) {
	holders := make(map[[32]byte]string, len(bad))
	for _, row := range slices.Sorted(maps.Keys(bad)) {
		if w := bad[row]; w.actual != dropped() {
			holders[w.actual] = row
		}
	}
	for row, l := range v.state.last {
		if holder, ok := holders[l.digest]; ok && holder != row {
			w := bad[holder]
			w.what += fmt.Sprintf("; it holds what belongs into row %q", row)
			bad[holder] = w
		}
	}
}
