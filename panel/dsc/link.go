package dsc

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

const (
	writeWithin = 10 * time.Second // a frame has left by then, or the peer is stuck
	pollWithin  = 15 * time.Second // a poll is answered by then, or the peer is gone
	goodbye     = 2 * time.Second  // how long the end of a session may take

	// wornAt is the sequence number at which a session is renewed while there is still
	// room to leave programming in good order.
	wornAt = 225
)

// link is one proven connection. Its reader is the only goroutine; it ends with the
// connection.
type link struct {
	ident    string
	home     *line
	wire     *wire
	in       *itv2.Cipher
	out      *itv2.Cipher
	keep     bool // the session is kept over wraps
	disclose bool // codes may be read
	opened   itv2.OpenSession
	model    panel.Model // of the key's name, before the panel narrowed it
	weak     error
	answer   time.Duration
	quiet    time.Duration
	poll     time.Duration

	turn chan struct{}  // holds one token: the right to start a transaction
	lead chan itv2.Lead // the last lead-in or lead-out
	done chan struct{}  // closed when the link is over

	mu        sync.Mutex
	seq, cseq byte // ours
	peer      byte // the last sequence that the panel sent
	worn      bool // the panel's sequence is near its end
	notice    int  // sequence of the panel's last own transaction, -1 none
	heard     time.Time
	settled   bool // the flood after connecting is over
	pending   *call
	polling   bool  // the turn is held by a poll
	cause     error // why the link is over
	caps      *itv2.Capabilities
	digits    int  // length of every code, 0 unknown
	unlabeled bool // labels cannot be read
}

func newLink(d *Driver, h *handshake) *link {
	l := &link{
		ident: h.ident, wire: h.wire, in: h.in, out: h.out, keep: d.opts.KeepSession, disclose: d.opts.DiscloseCodes,
		opened: h.open, model: h.model,
		answer: d.opts.Answer, quiet: d.opts.Quiet, poll: d.opts.Poll,
		turn: make(chan struct{}, 1), lead: make(chan itv2.Lead, 1), done: make(chan struct{}),
		seq: h.seq, cseq: h.cseq, peer: h.peer, notice: -1, heard: time.Now(),
	}
	if !d.opts.AllowWeak {
		l.weak = h.key.weak()
	}
	return l
}

// run reads until the link is over and returns why.
func (l *link) run() error {
	polled := false
	for {
		wait := l.poll
		if polled {
			wait = pollWithin
		}
		frame, err := l.wire.next(time.Now().Add(wait))
		switch {
		case err == nil:
			polled = false
			err = l.take(frame)
		case errors.Is(err, os.ErrDeadlineExceeded) && !polled:
			polled, err = true, l.ask()
		case errors.Is(err, os.ErrDeadlineExceeded):
			err = errSilent
		}
		if err == nil && l.spent() {
			err = l.retire()
		}
		if err != nil {
			l.end(err)
			return l.why()
		}
	}
}

// retire ends a worn session on which nobody works; whoever works on it renews it.
func (l *link) retire() error {
	select {
	case l.home.turn <- struct{}{}:
	default:
		return nil
	}
	defer func() { <-l.home.turn }()
	l.home.sentAway(l)
	l.mu.Lock()
	l.seq, l.cseq = itv2.Next(l.seq), itv2.Next(l.cseq)
	p := itv2.Packet{Sender: l.seq, Receiver: l.peer, Command: itv2.CmdEndSession, Seq: l.cseq}
	l.mu.Unlock()
	_ = l.send(p) // a courtesy: the connection is closed in any case
	return errRenewed
}

// end closes the link. The first reason stays.
func (l *link) end(cause error) {
	l.mu.Lock()
	first := l.cause == nil
	if first {
		l.cause = cause
		close(l.done)
	}
	l.mu.Unlock()
	if first {
		_ = l.wire.conn.Close()
	}
}

func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// lost is the line error for a link that is over.
func (l *link) lost() error { return fmt.Errorf("%w: %w", panel.ErrUnreachable, l.why()) }

// send writes one packet. Frames are written whole and their order means nothing, so
// that no lock is needed around it.
func (l *link) send(p itv2.Packet) error {
	b := itv2.Seal([]byte(l.ident), p, l.out)
	if err := l.wire.conn.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	_, err := l.wire.conn.Write(b)
	return err
}

// ask polls the panel, unless something else of ours is under way. The poll is a
// transaction: it keeps the turn until the panel says something.
func (l *link) ask() error {
	select {
	case l.turn <- struct{}{}:
	default:
		return nil
	}
	l.mu.Lock()
	l.polling = true
	l.seq = itv2.Next(l.seq)
	p := itv2.Packet{Sender: l.seq, Receiver: l.peer, Command: itv2.CmdPoll}
	l.mu.Unlock()
	return l.send(p)
}

// take handles one frame of the panel, whose bytes it wipes.
func (l *link) take(frame itv2.TLink) error {
	if len(frame.Header) > 0 && string(frame.Header) != l.ident {
		return errHeader
	}
	defer clear(frame.Payload)
	p, err := itv2.Open(frame.Payload, l.in)
	if err != nil {
		return errGarbled
	}
	parts := []itv2.Part{{Command: p.Command, Seq: p.Seq, Body: p.Body}}
	if p.Command == itv2.CmdSeveral {
		m, err := itv2.Parse(p.Command, p.Body)
		if err != nil {
			return errGarbled
		}
		parts = m.(itv2.Several).Parts
	}

	l.mu.Lock()
	l.heard = time.Now()
	if l.polling {
		l.polling = false
		<-l.turn // never waits: the poll's token is in it
	}
	if p.Sender < l.peer || p.Sender >= wornAt {
		l.worn = true
	}
	l.peer = p.Sender
	ack := itv2.Packet{Sender: l.seq, Receiver: l.peer}
	if p.Command == itv2.Ack {
		l.mu.Unlock()
		return nil
	}
	var unasked []itv2.Part
	for _, part := range parts {
		if !l.match(part) {
			unasked = append(unasked, part)
		}
	}
	again := len(unasked) == len(parts) && l.notice == int(p.Sender)
	if len(unasked) == len(parts) {
		l.notice = int(p.Sender)
	}
	l.mu.Unlock()

	if err := l.send(ack); err != nil {
		return err
	}
	if p.Command == itv2.CmdEndSession {
		return errEnded
	}
	if !again {
		for _, part := range unasked {
			l.hear(part)
		}
	}
	return nil
}
