package visonic

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
)

// message asks a PowerMaster question. take gets every message of the answer's number and
// reports whether that was all.
func (l *link) message(ctx context.Context, payload []byte, cmd byte, take func(m powerlink.Message) (bool, error)) error {
	return l.ask(ctx, question{payload, tries, patience, func(p []byte) (bool, error) {
		switch p[0] {
		case powerlink.OpDenied:
			return false, fmt.Errorf("%w: %w", panel.ErrSecret, ErrDenied)
		case powerlink.OpLater:
			return false, later(p)
		}
		m, err := powerlink.ParseMessage(p)
		done := false
		switch {
		case err != nil || m.Type == powerlink.TypeRequest: // not for us: the question stays
			err = nil
		case m.Cmd == powerlink.MsgInvalid:
			return false, invalid(m, cmd)
		case m.Cmd == cmd:
			if done, err = take(m); err != nil {
				err = fmt.Errorf("%w: %w", panel.ErrProtocol, err)
			}
		}
		return done, err
	}})
}

// invalid is what it means for one command that the panel does not take some.
func invalid(m powerlink.Message, cmd byte) error {
	for _, pair := range m.Pairs {
		switch {
		case pair[1] != cmd:
		case pair[0] == powerlink.ReasonLater:
			return panel.ErrBusy
		default:
			return fmt.Errorf("%w: %w %#x", panel.ErrProtocol, ErrNoMessage, cmd)
		}
	}
	return nil
}

// setting reads one setting with read, which keeps no part of its value.
func (l *link) setting(ctx context.Context, id uint16, read func(value []byte) error) error {
	return l.message(ctx, powerlink.AskSettings(id), powerlink.MsgSettings, func(m powerlink.Message) (bool, error) {
		for _, c := range m.Chunks {
			got, value, err := powerlink.Setting(c)
			if err == nil && got == id && m.Last() {
				return true, read(value)
			}
		}
		return false, nil
	})
}

// items reads every item of a setting of one byte each, which may come in pages.
func (l *link) items(ctx context.Context, id uint16) ([]byte, error) {
	var out []byte
	err := l.message(ctx, powerlink.AskRange(id), powerlink.MsgRanges, func(m powerlink.Message) (bool, error) {
		for _, c := range m.Chunks {
			r, err := powerlink.ParseRange(c)
			if err != nil || r.ID != id || r.Size != 1 {
				continue
			}
			if r.Start > len(out) {
				return false, nil // a page is missing: the question is asked again
			}
			out = slices.Concat(out[:r.Start], r.Items)
			if m.Last() {
				return true, nil
			}
		}
		return false, nil
	})
	return out, err
}

// enrolled reads which tags there are.
func (l *link) enrolled(ctx context.Context) (tags uint64, err error) {
	err = l.message(ctx, powerlink.Poll(powerlink.MsgEnrolled), powerlink.MsgEnrolled, func(m powerlink.Message) (bool, error) {
		bits, ok := powerlink.Enrolled(m, powerlink.IndexTag)
		if ok {
			tags = bits
		}
		return ok || m.Last(), nil
	})
	return tags, err
}
