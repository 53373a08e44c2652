package visonic

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
)

// inMode is how long work in download mode may take, so that entering, leaving and the
// work stay within [hold].
const inMode = hold - goodbye - writeWithin - spacing

// download enters download mode, works, and leaves it, also when ctx ends. The download
// code is sent once: a panel that refuses it is never given it again.
func (l *link) download(ctx context.Context, code panel.Secret, work func(ctx context.Context, kind byte) error) error {
	raw, err := hex.DecodeString(code.Reveal())
	if err != nil || len(raw) != 2 {
		return fmt.Errorf("%w: %w", panel.ErrSecret, ErrDownloadCode)
	}
	// Whatever was going on ends first; that this is acknowledged is not waited for.
	stop := question{[]byte{powerlink.OpStop}, 1, 0, func([]byte) (bool, error) { return true, nil }}
	if err := l.ask(ctx, stop); err != nil && !errors.Is(err, panel.ErrTimeout) {
		return err
	}
	bounded, cancel := context.WithTimeoutCause(ctx, inMode, panel.ErrTimeout)
	defer cancel()
	kind, err := l.enter(bounded, [2]byte(raw))
	if errors.Is(err, panel.ErrSecret) || errors.Is(err, panel.ErrBusy) {
		return err // the panel did not let us in
	}
	defer l.leave(ctx)
	if err != nil {
		return err
	}
	return work(bounded, kind)
}

func (l *link) enter(ctx context.Context, code [2]byte) (kind byte, err error) {
	err = l.ask(ctx, question{powerlink.Start(code), 1, oneTry, func(p []byte) (bool, error) {
		switch p[0] {
		case powerlink.OpDenied:
			return false, fmt.Errorf("%w: %w", panel.ErrSecret, ErrDenied)
		case powerlink.OpLater:
			return false, later(p)
		case powerlink.OpPanel:
			var err error
			if kind, err = powerlink.Panel(p); err != nil {
				return false, fmt.Errorf("%w: %w", panel.ErrProtocol, err)
			}
			return true, nil
		}
		return false, nil
	}})
	return kind, err
}

// later is the panel's wish to be left alone.
func later(p []byte) error {
	wait, err := powerlink.Later(p)
	if err != nil {
		return fmt.Errorf("%w: %w", panel.ErrProtocol, err)
	}
	return &panel.Later{After: wait, Err: panel.ErrBusy}
}

// leave ends download mode on a context of its own. Panels that do not confirm it are not
// waited for longer than that takes.
func (l *link) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), goodbye, panel.ErrTimeout)
	defer cancel()
	_ = l.ask(ctx, question{[]byte{powerlink.OpExit}, 2, goodbye / 2, func(p []byte) (bool, error) {
		return p[0] == powerlink.OpAck || p[0] == powerlink.OpExit || p[0] == powerlink.OpStop, nil
	}})
}

// eprom reads n bytes. Some panels give less than they were asked for: the rest is asked
// for again.
func (l *link) eprom(ctx context.Context, addr, n int) ([]byte, error) {
	out := make([]byte, 0, n)
	for len(out) < n {
		at, rest := addr+len(out), min(n-len(out), powerlink.MaxBlock)
		err := l.ask(ctx, question{powerlink.Read(at, rest), tries, patience, func(p []byte) (bool, error) {
			if p[0] == powerlink.OpDenied {
				return false, fmt.Errorf("%w: %w", panel.ErrBusy, ErrDenied) // no longer in download mode
			}
			got, data, err := powerlink.Block(p)
			fits := err == nil && got == at && len(data) > 0 && len(data) <= rest
			if fits { // else it answers another question
				out = append(out, data...)
			}
			return fits, nil
		}})
		if err != nil {
			clear(out)
			return nil, err
		}
	}
	return out, nil
}
