package dsc

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// call is our outstanding transaction.
type call struct {
	command itv2.Command
	wrapped itv2.Command // what a 0800 asks for
	seq     byte
	expects itv2.Command // the command of the answer; 0502 where that is all
	fits    func(itv2.Message) bool
	verdict chan verdict // room for one
}

type verdict struct {
	message itv2.Message
	err     error
}

// match gives a message to the transaction that waits for it. The caller holds l.mu.
func (l *link) match(part itv2.Part) bool {
	c := l.pending
	if c == nil {
		return false
	}
	switch part.Command {
	case itv2.CmdResponse:
		if part.Seq != c.seq || len(part.Body) != 1 {
			return false
		}
		switch r := itv2.Result(part.Body[0]); {
		case r != itv2.OK:
			l.settle(verdict{err: &refusalError{command: c.command, result: r}})
		case c.expects == itv2.CmdResponse:
			l.settle(verdict{message: itv2.Response{Result: r}})
		}
		return true // a good 0502 for a read: the data comes later
	case itv2.CmdNack:
		m, err := itv2.Parse(part.Command, part.Body)
		if err != nil {
			return false
		}
		n := m.(itv2.Nack)
		if n.Of != c.command && n.Of != c.wrapped {
			return false
		}
		l.settle(verdict{err: &refusalError{command: c.command, result: n.Result, nack: true}})
		return true
	case c.expects:
		m, err := itv2.Parse(part.Command, slices.Clone(part.Body))
		if err != nil {
			l.settle(verdict{err: fmt.Errorf("%w: %v", panel.ErrProtocol, part.Command)})
			return true
		}
		if !c.fits(m) {
			return false
		}
		l.settle(verdict{message: m})
		return true
	}
	return false
}

// settle answers the outstanding transaction. The caller holds l.mu.
func (l *link) settle(v verdict) {
	l.pending.verdict <- v
	l.pending = nil
}

// exchange sends a command and waits for its answer, one at a time. An error that is
// not [unsentError] means that the command may have been carried out, except a [refusalError].
func (l *link) exchange(ctx context.Context, within time.Duration, m itv2.Message, expects itv2.Command, fits func(itv2.Message) bool) (itv2.Message, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, unsentError{ended(ctx)}
	case <-l.done:
		return nil, unsentError{l.lost()}
	}
	if ctx.Err() != nil {
		return nil, unsentError{ended(ctx)}
	}
	c := &call{command: m.Command(), expects: expects, fits: fits, verdict: make(chan verdict, 1)}
	if r, ok := m.(itv2.Request); ok {
		c.wrapped = r.Of
	}
	body := m.Append(nil)
	l.mu.Lock()
	l.seq, l.cseq = itv2.Next(l.seq), itv2.Next(l.cseq)
	c.seq = l.cseq
	l.pending = c
	p := itv2.Packet{Sender: l.seq, Receiver: l.peer, Command: c.command, Seq: c.seq, Body: body}
	l.mu.Unlock()
	defer l.forget(c)

	err := l.send(p)
	clear(body)
	if err != nil {
		l.end(err)
		return nil, l.lost()
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case v := <-c.verdict:
		return v.message, v.err
	case <-l.done:
		select {
		case v := <-c.verdict: // it was the last thing that the panel said
			return v.message, v.err
		default:
		}
		return nil, l.lost()
	case <-ctx.Done():
		return nil, ended(ctx)
	case <-timer.C:
		return nil, fmt.Errorf("%w: %w", panel.ErrTimeout, errMute)
	}
}

func (l *link) forget(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending == c {
		l.pending = nil
	}
}
