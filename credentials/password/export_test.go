package password

import "context"

// Turns opens the queue to its test.
type Turns struct{ t *turns }

func NewTurns(parallel, queue int) Turns { return Turns{newTurns(parallel, queue)} }

func (t Turns) Take(ctx context.Context, source string) error { return t.t.take(ctx, source) }

func (t Turns) Give() { t.t.give() }
