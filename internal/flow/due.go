package flow

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// EachDue takes the lines of a kind that are due, one after the other, for a node, and lets
// work do them. Before each the node beats for as long as beat says, 0: it beats elsewhere. work gives its line back with its last commit. A line that
// another node has, or has taken meanwhile, is that node's. What work returns otherwise
// ends the round.
func (c *Core) EachDue(ctx context.Context, node, prefix string, beat time.Duration, work func(ctx context.Context, line store.Line) error) error {
	due, err := c.Store.Due(ctx, prefix, 100)
	if err != nil {
		return err
	}
	for _, l := range due {
		if beat > 0 {
			if _, err := c.Store.Beat(ctx, node, beat); err != nil {
				return err
			}
		}
		line, err := c.Store.Own(ctx, node, l.Name)
		if errors.Is(err, store.ErrOwned) {
			continue
		}
		if err != nil {
			return err
		}
		if err := work(ctx, line); err != nil && !errors.Is(err, store.ErrFenced) {
			return err
		}
	}
	return nil
}
