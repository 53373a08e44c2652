// Package engine runs the loops of keyholder's services.
//
// It is for host developers. Services say what has to run as data ([Loop]); [Run] is
// thirty lines over that, and a host with a runner of its own writes the same thirty.
package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Loop is something that has to happen again and again.
type Loop struct {
	// Name says which loop it is, in logs.
	Name string
	// Every is how often Pass runs at least.
	Every time.Duration
	// Wake gives hints that there is work before Every is over; nil: none. Hints may be
	// lost: they only make things sooner.
	Wake func(ctx context.Context) <-chan struct{}
	// Pass does what is due and returns. A pass that lives until ctx ends is right too: it
	// is started again when it returns.
	Pass func(ctx context.Context) error
}

// Run runs the loops until ctx ends, and returns when all of them have. A pass that
// fails is logged and tried again after Every.
func Run(ctx context.Context, log *slog.Logger, loops ...Loop) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var all sync.WaitGroup
	for _, l := range loops {
		all.Go(func() { run(ctx, log, l) })
	}
	all.Wait()
}

func run(ctx context.Context, log *slog.Logger, l Loop) {
	var wake <-chan struct{}
	if l.Wake != nil {
		wake = l.Wake(ctx)
	}
	for ctx.Err() == nil {
		if err := l.Pass(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "loop failed", slog.String("loop", l.Name), slog.Any("error", err))
		}
		t := time.NewTimer(l.Every)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-t.C:
		}
		t.Stop()
	}
}
