package journal

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Standing is how the log of a store stands to what is anchored outside it.
type Standing string

// The standings.
const (
	Unanchored Standing = "unanchored" // nothing is anchored: nothing can be said
	Current    Standing = "current"    // everything that was anchored is still in the log
	Behind     Standing = "behind"     // the log has fewer entries than were anchored: a restored backup
	Forked     Standing = "forked"     // as many, but others: a backup that went on by itself, or a rewrite
)

// Restored is what [CheckRestored] found.
type Restored struct {
	Standing Standing
	Size     int64 // entries in the store
	// The anchor that shows it, with how many entries it has seen and when; of several the
	// worst, else the one that has seen most.
	Anchor   string
	Anchored int64
	At       time.Time
}

// Quarantine reports whether nothing may be written to any panel before a person has
// looked: the store does not know everything that was done.
func (r Restored) Quarantine() bool { return r.Standing == Behind || r.Standing == Forked }

// CheckRestored compares a store with the last checkpoint of each anchor. Call it before
// anything is written: a store that was restored from a backup starts in quarantine.
//
// The error joins an [*AnchorError] for each anchor that cannot be read or shows
// something that the log did not sign; what the others show is returned with it. Where
// no anchor can be asked, be careful and take it for [Behind].
func CheckRestored(ctx context.Context, st store.Store, o audit.VerifyOptions) (Restored, error) {
	size, _, err := st.Tree(ctx)
	if err != nil {
		return Restored{}, err
	}
	worst := Restored{Standing: Unanchored, Size: size}
	var failed []error
	for _, a := range o.Anchors {
		h := readAnchor(ctx, a, o)
		if h.err != nil {
			failed = append(failed, h.err)
		}
		if h.checkpoint.Text == nil {
			continue
		}
		standing, err := compare(ctx, st, h.checkpoint)
		if err != nil {
			return Restored{}, err
		}
		now := Restored{Standing: standing, Size: size, Anchor: a.Name(), Anchored: h.checkpoint.Size, At: h.at}
		if s, t := now.Standing.rank(), worst.Standing.rank(); s > t || s == t && now.Anchored > worst.Anchored {
			worst = now
		}
	}
	return worst, errors.Join(failed...)
}

// CheckRestored is the function of that name for this journal's store and anchors.
func (j *Journal) CheckRestored(ctx context.Context) (Restored, error) {
	return CheckRestored(ctx, j.core.Store, j.verification())
}

// rank orders standings from harmless to bad.
func (s Standing) rank() int {
	switch s {
	case Current:
		return 1
	case Behind:
		return 2
	case Forked:
		return 3
	}
	return 0
}

// compare says how the log of a store stands to a checkpoint.
func compare(ctx context.Context, st store.Store, c audit.Checkpoint) (Standing, error) {
	size, _, err := st.Tree(ctx)
	if err != nil {
		return "", err
	}
	if size < c.Size {
		return Behind, nil
	}
	root, err := audit.Root(c.Size, hashes(ctx, st))
	switch {
	case err != nil:
		return "", err
	case root != c.Root:
		return Forked, nil
	}
	return Current, nil
}

// held is what an anchor shows.
type held struct {
	anchor     audit.Anchor
	checkpoint audit.Checkpoint // Text is nil if there is none that can be trusted
	at         time.Time
	err        error // *AnchorError
}

func readAnchor(ctx context.Context, a audit.Anchor, o audit.VerifyOptions) held {
	h := held{anchor: a}
	last, err := a.Latest(ctx)
	if err == nil {
		h.at = last.At
		h.checkpoint, err = audit.OpenCheckpoint(last.Text, o.Origin, o.Keys...)
	}
	if err != nil && !errors.Is(err, audit.ErrNoAnchor) {
		h.err = &AnchorError{Anchor: a.Name(), Err: err}
	}
	return h
}
