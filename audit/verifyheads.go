package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// head is one series of checkpoints that the log is compared with while it is read: the
// store's own, or one anchor's.
type head struct {
	anchor string // "" for the store's own
	next   func() (Anchored, error, bool)
	stop   func()

	now  Checkpoint // the one to be compared next
	at   time.Time
	more bool
}

type heads []*head

func (h heads) close() {
	for _, one := range h {
		one.stop()
	}
}

// openHeads begins the store's own series and that of each anchor, and moves each to its
// first checkpoint. What it returns must be closed also after an error.
func (v *verifier) openHeads(ctx context.Context) (heads, error) {
	list := heads{newHead("", own(v.src.Checkpoints(ctx)))}
	for _, a := range v.opts.Anchors {
		list = append(list, newHead(a.Name(), anchored(ctx, a)))
	}
	for _, h := range list {
		if err := v.advance(h); err != nil {
			return list, err
		}
	}
	return list, nil
}

func newHead(anchor string, series iter.Seq2[Anchored, error]) *head {
	next, stop := iter.Pull2(series)
	return &head{anchor: anchor, next: next, stop: stop}
}

func own(texts iter.Seq2[[]byte, error]) iter.Seq2[Anchored, error] {
	return func(yield func(Anchored, error) bool) {
		for text, err := range texts {
			if !yield(Anchored{Text: text}, err) {
				return
			}
		}
	}
}

func anchored(ctx context.Context, a Anchor) iter.Seq2[Anchored, error] {
	if h, ok := a.(History); ok {
		return h.All(ctx)
	}
	return func(yield func(Anchored, error) bool) {
		last, err := a.Latest(ctx)
		if !errors.Is(err, ErrNoAnchor) {
			yield(last, err)
		}
	}
}

// verdict is where findings about a series belong: what the log itself signed is its
// integrity, what others hold of it is its completeness.
func (v *verifier) verdict(h *head) *Verdict {
	if h.anchor == "" {
		return &v.report.Integrity
	}
	return &v.report.Completeness
}

func (h *head) String() string {
	if h.anchor == "" {
		return "the store's own series of checkpoints"
	}
	return "anchor " + h.anchor
}

// advance moves to the next checkpoint that can be compared. An anchor that cannot be
// read is a finding, a store that cannot be read is an error.
func (v *verifier) advance(h *head) error {
	for {
		next, err, more := h.next()
		if h.more = more; !more {
			return nil
		}
		if err != nil {
			h.more = false
			if h.anchor == "" {
				return err
			}
			v.report.Completeness.entry(-1, "%s cannot be read: %v", h, err)
			return nil
		}
		c, err := OpenCheckpoint(next.Text, v.opts.Origin, v.opts.Keys...)
		switch {
		case err != nil:
			v.verdict(h).entry(-1, "%s holds something that the log did not sign: %v", h, err)
		case c.Size < h.now.Size:
			v.verdict(h).entry(-1, "%s goes back from %d to %d entries", h, h.now.Size, c.Size)
		default:
			h.now, h.at = c, next.At
			return nil
		}
	}
}

// compareHeads compares the tree as it is now with every checkpoint of its size.
func (v *verifier) compareHeads() error {
	for _, h := range v.heads {
		for h.more && h.now.Size == v.tree.size {
			switch root := v.tree.root(); {
			case root == h.now.Root:
				v.agreed(h)
			case h.anchor == "":
				v.report.Integrity.entry(-1, "the first %d entries do not give the root that was signed", h.now.Size)
			default:
				v.report.Completeness.entry(-1, "the first %d entries are not those that %s has since %s: the log was rewritten",
					h.now.Size, h, h.at.UTC().Format(time.RFC3339))
			}
			if err := v.advance(h); err != nil {
				return err
			}
		}
	}
	return nil
}

// agreed notes how far the log is signed and anchored.
func (v *verifier) agreed(h *head) {
	size := h.now.Size
	if h.anchor == "" {
		v.report.Signed = size
		return
	}
	if size >= v.report.AnchoredSize {
		v.report.AnchoredSize, v.report.AnchoredAt = size, h.at
		v.report.Anchored = fmt.Sprintf("up to %d by %s at %s", size, h.anchor, h.at.UTC().Format(time.RFC3339))
	}
}

// endHeads names what the log should still have.
func (v *verifier) endHeads(entries int64) {
	for _, h := range v.heads {
		switch {
		case !h.more:
		case v.broken:
			v.report.Completeness.entry(-1, "%s cannot be compared from %d entries on: some are missing", h, h.now.Size)
		default:
			v.report.Completeness.entry(entries, "%s has seen %d entries, the log has %d: its end was cut", h, h.now.Size, entries)
		}
	}
	if v.report.Signed < 0 && entries > 0 {
		v.report.Integrity.entry(-1, "no signed checkpoint holds for these entries")
	}
}
