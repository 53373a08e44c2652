package journal

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// ReportAccess writes who could have opened a panel with a code at an instant: what
// [Reader.CouldEnter] returns, or with w.Place [Reader.WhoWas]. The report is an entry
// with what was asked for and the number of rows. It holds no code.
func (r *Reader) ReportAccess(ctx context.Context, out io.Writer, w Whereabouts, at time.Time, o ReportOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	f, err := w.filter(at)
	if err != nil {
		return err
	}
	sites, err := r.scope(ctx, "Export")
	if err != nil {
		return err
	}
	j := r.journal
	c, err := j.signedNow(ctx)
	if err != nil {
		return err
	}
	list, err := j.couldEnter(ctx, w, at, sites, o.Personal)
	if err != nil {
		return err
	}
	return r.write(ctx, out, o.Format, sheet{
		title: "Who could enter", asked: asked("who could enter at "+at.UTC().Format(time.RFC3339), Filter{About: f.About, Site: f.Site}),
		made: j.core.Time(), checkpoint: c, count: int64(len(list)),
		heads: []string{"panel", "ident", "site", "place", "label", "person", "account", "role", "partitions", "from", "until", "presence", "how",
			"since", "confirmed", "leaving", "linked", "entry"},
		page: []int{1, 3, 4, 5, 7, 8, 11, 13, 14, 15},
		rows: func(yield func(sheetRow, error) bool) {
			for _, v := range list {
				if !yield(sheetRow{cells: v.cells(), value: v}, nil) {
					return
				}
			}
		},
	})
}

// Change is a line of a report of changes.
type Change struct {
	Entry
	// Proof is the text of a ".tlog-proof" file: the entry is in the log of the checkpoint.
	Proof string `json:"proof"`
}

// ReportChanges writes every entry under a filter in the order of the log, each with the
// proof that it is in the log of the checkpoint: all changes of a panel or of a person in
// a range of time, for example. The report is an entry with its filter and the number of
// rows. Personal fields are sealed in the proofs, whatever the options say.
func (r *Reader) ReportChanges(ctx context.Context, out io.Writer, f Filter, o ReportOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	sites, err := r.scope(ctx, "Export")
	if err != nil {
		return err
	}
	j := r.journal
	s, err := j.search(ctx, f, sites)
	if err != nil {
		return err
	}
	c, err := j.signedNow(ctx)
	if err != nil {
		return err
	}
	count, err := j.countIndexed(ctx, s, c.Size)
	if err != nil {
		return err
	}
	return r.write(ctx, out, o.Format, sheet{
		title: "Changes", asked: asked("changes", f), made: j.core.Time(), checkpoint: c, count: count,
		heads: []string{"index", "entry", "time", "who", "actor", "action", "outcome", "severity", "description", "targets", "leaf", "path", "proof"},
		page:  []int{0, 2, 3, 8, 6, 10, 11},
		rows: func(yield func(sheetRow, error) bool) {
			for e, err := range s.indexed(ctx, j.core.Store, c.Size) {
				var row sheetRow
				if err == nil {
					row, err = j.change(ctx, e, c, o.Personal)
				}
				if !yield(row, err) || err != nil {
					return
				}
			}
		},
	})
}

// change is an entry with its proof.
func (j *Journal) change(ctx context.Context, e record, c audit.Checkpoint, personal bool) (sheetRow, error) {
	if !e.readable {
		return sheetRow{}, fmt.Errorf("%w: entry %d", audit.ErrMalformed, e.leaf.Index)
	}
	proof, err := audit.Prove(e.entry, e.leaf.Index, c, hashes(ctx, j.core.Store))
	if err != nil {
		return sheetRow{}, err
	}
	text, err := proof.MarshalText()
	if err != nil {
		return sheetRow{}, err
	}
	shown := []record{e}
	if personal {
		if err := j.open(ctx, shown, everybody); err != nil {
			return sheetRow{}, err
		}
	}
	v := Change{Entry: shown[0].view(), Proof: string(text)}
	path := make([]string, len(proof.Hashes))
	for i, h := range proof.Hashes {
		path[i] = base64.StdEncoding.EncodeToString(h[:])
	}
	cells := []string{strconv.FormatInt(v.Index, 10), v.ID, v.Time.UTC().Format(time.RFC3339Nano), v.Who, v.Actor.String(), string(v.Action),
		string(v.Outcome), v.Severity, v.Description, strings.Join(v.Targets, " "), base64.StdEncoding.EncodeToString(e.leaf.Hash[:]),
		strings.Join(path, " "), v.Proof}
	return sheetRow{cells: cells, value: v}, nil
}
