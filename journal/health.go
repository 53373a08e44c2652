package journal

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// pendingWithin is how long an entry may wait for its index.
const pendingWithin = 10 * time.Second

// Health is how the log's upkeep stands. It is green without problems.
type Health struct {
	Problems []string `json:"problems"` // in words, for a person
	Entries  int64    `json:"entries"`  // in the tree
	Pending  int      `json:"pending"`  // waiting for the tree, at most 1000 counted
	// Oldest is when the one was written that has waited longest.
	Oldest time.Time `json:"oldest,omitzero"`
	// Signed is how many entries the store's own checkpoint covers, -1 without one.
	Signed    int64            `json:"signed"`
	SignedAt  time.Time        `json:"signedAt,omitzero"`
	Anchors   []AnchorHealth   `json:"anchors"`
	Recorders []RecorderHealth `json:"recorders"`
}

// OK reports whether there are no problems.
func (h Health) OK() bool { return len(h.Problems) == 0 }

func (h *Health) problem(format string, args ...any) {
	h.Problems = append(h.Problems, fmt.Sprintf(format, args...))
}

// AnchorHealth is what an anchor holds.
type AnchorHealth struct {
	Name     string    `json:"name"`
	Size     int64     `json:"size"` // entries anchored, -1 if none
	At       time.Time `json:"at,omitzero"`
	Standing Standing  `json:"standing"`
	Err      string    `json:"err,omitempty"`
}

// RecorderHealth is how far a recorder has come.
type RecorderHealth struct {
	Name     string `json:"name"`
	Required bool   `json:"required,omitempty"`
	Behind   int64  `json:"behind"` // entries that it has not got
	// Waiting is when the first of them was written, zero if there is none.
	Waiting time.Time `json:"waiting,omitzero"`
}

// Health looks at pending entries, the checkpoint, every anchor and every recorder. An
// error is about the store; what is wrong with an anchor is a problem.
func (j *Journal) Health(ctx context.Context) (Health, error) {
	var h Health
	for _, look := range []func(context.Context, *Health) error{j.pendingHealth, j.signedHealth, j.anchorHealth, j.recorderHealth} {
		if err := look(ctx, &h); err != nil {
			return Health{}, err
		}
	}
	return h, nil
}

func (j *Journal) pendingHealth(ctx context.Context, h *Health) error {
	size, _, err := j.core.Store.Tree(ctx)
	if err != nil {
		return err
	}
	waiting, err := j.core.Store.Unsequenced(ctx, store.MaxPage)
	if h.Entries, h.Pending = size, len(waiting); err != nil || h.Pending == 0 {
		return err
	}
	h.Oldest = waiting[0].At
	if j.core.Time().Sub(h.Oldest) > pendingWithin {
		h.problem("entries have waited for the tree since %s", stamp(h.Oldest))
	}
	return nil
}

func (j *Journal) signedHealth(ctx context.Context, h *Health) error {
	last, found, err := lastSigned(ctx, j.core.Store)
	if err != nil {
		return err
	}
	if h.Signed = -1; !found {
		h.problem("no checkpoint was signed yet")
		return nil
	}
	c, err := j.trust(last)
	if err != nil {
		h.problem("the store's checkpoint is not signed by the log: %v", err)
		return nil
	}
	h.Signed, h.SignedAt = c.Size, last.At
	standing, err := compare(ctx, j.core.Store, c)
	if err == nil && standing != Current {
		h.problem("the log is %s: its own checkpoint covers %d entries", standing, c.Size)
	}
	return err
}

func (j *Journal) anchorHealth(ctx context.Context, h *Health) error {
	if len(j.o.Anchors) == 0 {
		h.problem("unanchored: self-signed only")
	}
	for _, a := range j.o.Anchors {
		held := readAnchor(ctx, a, j.verification())
		one := AnchorHealth{Name: a.Name(), Size: -1, At: held.at, Standing: Unanchored}
		switch {
		case held.err != nil:
			one.Err = held.err.Error()
			h.problem("%s", one.Err)
		case held.checkpoint.Text == nil:
			h.problem("anchor %s holds nothing yet", one.Name)
		default:
			var err error
			if one.Standing, err = compare(ctx, j.core.Store, held.checkpoint); err != nil {
				return err
			}
			one.Size = held.checkpoint.Size
			if one.Standing != Current {
				h.problem("the log is %s: anchor %s has seen %d entries", one.Standing, one.Name, one.Size)
			}
			if j.core.Time().Sub(held.at) > j.o.AnchorWithin {
				h.problem("nothing was anchored by %s since %s", one.Name, stamp(held.at))
			}
		}
		h.Anchors = append(h.Anchors, one)
	}
	return nil
}

func (j *Journal) recorderHealth(ctx context.Context, h *Health) error {
	for _, s := range j.o.Recorders {
		at, err := j.reached(ctx, s)
		if err != nil {
			return err
		}
		one := RecorderHealth{Name: s.Name, Required: s.Required, Behind: max(0, h.Entries-at.Next)}
		first, err := j.core.Store.Entries(ctx, store.EntryQuery{ByIndex: true, FromIndex: at.Next, Limit: 1})
		if err != nil {
			return err
		}
		if len(first) > 0 {
			one.Waiting = first[0].At
		}
		if late := j.core.Time().Sub(one.Waiting); s.Required && len(first) > 0 && late > cmp.Or(s.Within, sinkWithin) {
			h.problem("recorder %s has not got what was written since %s", s.Name, stamp(one.Waiting))
		}
		h.Recorders = append(h.Recorders, one)
	}
	return nil
}
