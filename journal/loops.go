package journal

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/engine"
)

// Loops are what has to run on every node: giving entries their index where the store
// does not do it itself, signing and anchoring, and one loop for each recorder.
func (j *Journal) Loops() []engine.Loop {
	wake := j.core.Store.Wake
	loops := []engine.Loop{{Name: "journal/sequence", Every: j.o.Poll, Wake: wake, Pass: j.sequence}}
	if signs(j.o) {
		// It looks more often than it signs, so that an anchor that failed is soon tried again.
		loops = append(loops, engine.Loop{Name: "journal/checkpoint", Every: j.o.AnchorEvery / 10, Pass: func(ctx context.Context) error {
			_, err := j.checkpoint(ctx, j.o.AnchorEvery)
			return err
		}})
	}
	for _, s := range j.o.Recorders {
		loops = append(loops, engine.Loop{Name: "journal/recorder/" + s.Name, Every: j.o.Poll, Wake: wake, Pass: func(ctx context.Context) error {
			return j.record(ctx, s)
		}})
	}
	return loops
}

// sequence gives an index to the entries that have none, the oldest first.
func (j *Journal) sequence(ctx context.Context) error {
	for {
		found, err := j.core.Store.Unsequenced(ctx, leafPage)
		if err != nil || len(found) == 0 {
			return err
		}
		ids := make([]string, len(found))
		for i, e := range found {
			ids[i] = e.ID
		}
		if err := j.core.Store.Sequence(ctx, ids); err != nil {
			return err
		}
	}
}
