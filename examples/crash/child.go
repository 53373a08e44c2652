package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// errUnsettled: something stays open.
var errUnsettled = errors.New("not everything was settled in time")

// live is the process that is killed. It ends by itself when whoever started it closes
// its input, or when it was to rest and nothing is outstanding.
func live(ctx context.Context, o options, in io.Reader) (err error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		end()
	}()
	codes, err := pool(o.seed)
	if err != nil {
		return err
	}
	listen := func(ctx context.Context) (net.Listener, error) {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		return l, tell(o.out, word{Say: listens, Addr: l.Addr().String()})
	}
	// A real panel wants two seconds of silence before the first command.
	h, err := open(ctx, o.dir, clockOf(o.life), dsc.Options{Listen: listen, Quiet: 5 * time.Millisecond, Return: time.Second})
	defer func() { err = errors.Join(err, h.close()) }()
	if err != nil {
		return err
	}
	var loops sync.WaitGroup
	defer loops.Wait()
	defer end()
	loops.Go(func() { engine.Run(ctx, nil, slices.Concat(h.desk.Loops(), h.log.Loops())...) })
	tab := h.as().Panel(o.panelID)
	if o.rest {
		return rest(ctx, h, tab)
	}
	for random := rand.New(rand.NewPCG(o.seed, uint64(o.life))); ctx.Err() == nil; {
		w := draw(random, len(codes)-1)
		if err := tell(o.out, word{Say: tries, Wish: w}); err != nil {
			return err
		}
		said := word{Say: done, Wish: w}
		receipt, err := w.do(ctx, tab, codes)
		switch {
		case refusal(err):
			said.Say = refused
		case err != nil:
			return err
		}
		said.Revision = receipt.Revision
		if err := tell(o.out, said); err != nil {
			return err
		}
	}
	return nil
}

// rest waits until the panel was read and nothing is outstanding.
func rest(ctx context.Context, h *host, tab *roster.Tab) error {
	if err := tab.Ready(ctx); err != nil {
		return err
	}
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		open, err := h.as().Outstanding(ctx)
		if err != nil || len(open) == 0 {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %+v", errUnsettled, open)
		}
	}
}
