package flow

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ErrGuesses: no guesses are left; nothing was compared.
var ErrGuesses = fault.New(fault.Busy, "flow: too many attempts").
	Hinted("Wait, or have a new code sent.")

// Guesses limits the attempts at one secret.
type Guesses struct {
	Counter string // names the secret, or the window in which it is guessed at
	Max     int64
	Until   time.Time // when the counter may be forgotten
}

// Reserve counts an attempt. It has to come before anything is compared, so that however
// many guess at once, no more than Max are looked at; beyond it is [ErrGuesses]. With
// several limits the attempt is within all of them, or counted by none.
func (c *Core) Reserve(ctx context.Context, actor accounts.Actor, all ...Guesses) error {
	_, err := c.Act(ctx, actor, func(u *Unit) error {
		for _, g := range all {
			u.Do(store.Count{Counter: g.Counter, By: 1, Max: g.Max, Until: g.Until})
		}
		return nil
	})
	if errors.Is(err, store.ErrLimit) {
		return ErrGuesses
	}
	return err
}

// Back gives an attempt back, in the change of its success.
func (g Guesses) Back() store.Op {
	return store.Count{Counter: g.Counter, By: -1, Until: g.Until}
}
