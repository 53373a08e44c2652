package audit

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// Anchored is a checkpoint that an anchor holds, with the time at which it got it.
type Anchored struct {
	At   time.Time
	Text []byte
}

// Anchor keeps checkpoints where whoever can change the log cannot change them: a file
// on another machine, a mailbox, a witness. Without one a rewrite of the whole log with
// its own key cannot be found.
type Anchor interface {
	// Name says in reports which anchor it is.
	Name() string
	// Put keeps a checkpoint. It refuses one that contradicts what it holds with
	// [ErrAnchorFork]; the same again is kept again, as a sign of life.
	Put(ctx context.Context, checkpoint []byte, at time.Time) error
	// Latest returns the last one, or [ErrNoAnchor].
	Latest(ctx context.Context) (Anchored, error)
}

// Witness is an anchor that takes a checkpoint only with the proof that it continues the
// one that the witness has seen last.
type Witness interface {
	Anchor
	// PutProven is Put with a function that returns the consistency proof from a smaller
	// size to the checkpoint's, see [ProveConsistency].
	PutProven(ctx context.Context, checkpoint []byte, at time.Time, prove func(older int64) ([][32]byte, error)) error
}

// History is an anchor that can show everything that it holds, oldest first. [Verify]
// then checks all of it instead of the last one.
type History interface {
	Anchor
	All(ctx context.Context) iter.Seq2[Anchored, error]
}

// Follows reports with [ErrAnchorFork] if next cannot follow last in one log, as far as
// the two alone can tell: another name, fewer entries, or as many with another root. It
// checks no signature; an anchor of your own calls it before it keeps next.
func Follows(last, next []byte) error {
	a, err := readCheckpoint(last)
	if err != nil {
		return err
	}
	b, err := readCheckpoint(next)
	if err != nil {
		return err
	}
	if a.Origin != b.Origin || b.Size < a.Size || b.Size == a.Size && b.Root != a.Root {
		return fmt.Errorf("%w: %d entries after %d", ErrAnchorFork, b.Size, a.Size)
	}
	return nil
}
