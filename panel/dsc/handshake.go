package dsc

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// resultUnsupported answers an OpenSession with an encryption that is not wanted.
const resultUnsupported itv2.Result = 3

// handshake is the way from a connection to a proven session. The panel begins:
//
//	panel 060A, we 0502; we 060A, panel 0502; panel 060E, from which our key is made,
//	we 0502 under it; we 060E, from which the panel's key is made, panel 0502 under it.
//
// That last answer is the proof: nobody can make it without the secret.
type handshake struct {
	d        *Driver
	visitor  *visitor
	wire     *wire
	deadline time.Time

	ident      string
	key        Key
	model      panel.Model
	open       itv2.OpenSession
	in, out    *itv2.Cipher
	seq, cseq  byte // ours
	peer       byte // the panel's last
	last       itv2.Command
	encrypting bool // our 0502 under the new key has left
}

func (d *Driver) shake(ctx context.Context, v *visitor) (*link, error) {
	h := &handshake{d: d, visitor: v, wire: &wire{conn: v.conn}, deadline: time.Now().Add(d.opts.Handshake), seq: 1}
	if err := v.conn.SetWriteDeadline(h.deadline); err != nil {
		return nil, err
	}
	if err := h.run(ctx); err != nil {
		return nil, h.blame(err)
	}
	return newLink(d, h), nil
}

// blame finds the reason for a handshake that broke off.
func (h *handshake) blame(err error) error {
	for _, known := range []error{errHTTP, errFraming, errHeader, errOrder, errEncryption, errUnproven, ErrUnlisted, ErrKeyForm, ErrModel} {
		if errors.Is(err, known) {
			return known
		}
	}
	if h.encrypting {
		return errUnproven
	}
	return errSlow
}

func (h *handshake) run(ctx context.Context) error {
	if err := h.wire.greet(h.deadline); err != nil {
		return err
	}
	first, err := h.expect(itv2.CmdOpenSession)
	if err != nil {
		return err
	}
	if err := h.admit(ctx); err != nil {
		return err
	}
	if err := h.opened(first); err != nil {
		return err
	}
	if err := h.command(h.open); err != nil {
		return err
	}
	access, err := h.expect(itv2.CmdAccess)
	if err != nil {
		return err
	}
	if err := h.sendKey(access); err != nil {
		return err
	}
	if err := h.receiveKey(); err != nil {
		return errUnproven
	}
	return nil
}

// admit asks the host about the id that the peer claims.
func (h *handshake) admit(ctx context.Context) error {
	key, err := h.d.opts.Allow(ctx, h.ident)
	if errors.Is(err, panel.ErrPanelNotFound) {
		err = ErrUnlisted // as a list of panels says it
	}
	if errors.Is(err, ErrUnlisted) {
		h.d.unknown.note(h.ident, h.visitor.conn.RemoteAddr().String(), time.Now())
	}
	if err != nil {
		return err
	}
	if err := key.Check(); err != nil {
		return err
	}
	if h.model, err = modelNamed(key.Model, h.d.opts.NeoR); err != nil {
		return err
	}
	h.key = key
	h.d.gate.claim(h.visitor, h.ident)
	return nil
}

// opened answers the panel's OpenSession.
func (h *handshake) opened(p itv2.Packet) error {
	m, err := itv2.Parse(p.Command, p.Body)
	if err != nil {
		return errFraming
	}
	h.open = m.(itv2.OpenSession)
	h.cseq = p.Seq
	answer := itv2.OK
	if h.open.Encryption != itv2.Encryption(h.key.Encryption) {
		answer = resultUnsupported
	}
	if err := h.respond(p, answer); err != nil {
		return err
	}
	if answer != itv2.OK {
		return errEncryption
	}
	_, err = h.expect(itv2.Ack)
	return err
}

// sendKey makes the key for what we send from the panel's request, and answers under it.
func (h *handshake) sendKey(p itv2.Packet) error {
	m, err := itv2.Parse(p.Command, p.Body)
	if err != nil {
		return errFraming
	}
	init := m.(itv2.Access).Init
	var key itv2.Key
	if h.key.Encryption == Type1 {
		public, err := itv2.Type1Key(h.ident)
		if err != nil {
			return err
		}
		key, err = itv2.Type1Take(public, init)
		if err != nil {
			return errUnproven
		}
	} else {
		secret, err := h.key.key()
		if err != nil {
			return err
		}
		key, err = itv2.Type2Session(secret, init)
		clear(secret[:])
		if err != nil {
			return errUnproven
		}
	}
	h.out = itv2.NewCipher(key)
	clear(key[:])
	if err := h.respond(p, itv2.OK); err != nil {
		return err
	}
	h.encrypting = true
	_, err = h.expect(itv2.Ack)
	return err
}

// receiveKey gives the panel the key for what it sends, and takes its proof.
func (h *handshake) receiveKey() error {
	secret, err := h.key.key()
	if err != nil {
		return err
	}
	defer clear(secret[:])
	var key itv2.Key
	var init []byte
	if h.key.Encryption == Type1 {
		var check itv2.Key
		_, _ = rand.Read(key[:])
		_, _ = rand.Read(check[:])
		init = itv2.Type1Offer(secret, key, check)
	} else {
		init = make([]byte, itv2.Type2Init)
		_, _ = rand.Read(init)
		if key, err = itv2.Type2Session(secret, init); err != nil {
			return err
		}
	}
	in := itv2.NewCipher(key)
	clear(key[:])
	h.advance()
	if err := h.send(itv2.Packet{Command: itv2.CmdAccess, Seq: h.cseq, Body: itv2.Access{Init: init}.Append(nil)}); err != nil {
		return err
	}
	h.in = in
	return h.finish()
}

// command sends a command of ours and completes its transaction.
func (h *handshake) command(m itv2.Message) error {
	h.advance()
	if err := h.send(itv2.Packet{Command: m.Command(), Seq: h.cseq, Body: m.Append(nil)}); err != nil {
		return err
	}
	return h.finish()
}

// finish waits for the good answer to our command and acknowledges it. In clear the
// answer's command sequence is not compared: some peers repeat their own there.
func (h *handshake) finish() error {
	p, err := h.expect(itv2.CmdResponse)
	if err != nil {
		return err
	}
	good := len(p.Body) == 1 && itv2.Result(p.Body[0]) == itv2.OK
	if !good || h.in != nil && p.Seq != h.cseq {
		return errOrder
	}
	return h.send(itv2.Packet{})
}

func (h *handshake) advance() { h.seq, h.cseq = itv2.Next(h.seq), itv2.Next(h.cseq) }

func (h *handshake) respond(to itv2.Packet, r itv2.Result) error {
	return h.send(itv2.Packet{Command: itv2.CmdResponse, Seq: to.Seq, Body: []byte{byte(r)}})
}

func (h *handshake) send(p itv2.Packet) error {
	p.Sender, p.Receiver = h.seq, h.peer
	_, err := h.wire.conn.Write(itv2.Seal([]byte(h.ident), p, h.out))
	return err
}

// expect returns the next packet, which must be this command. Acknowledgements that
// come before another command are passed over.
func (h *handshake) expect(c itv2.Command) (itv2.Packet, error) {
	for {
		frame, err := h.wire.next(h.deadline)
		if err != nil {
			return itv2.Packet{}, err
		}
		if err := h.header(frame.Header); err != nil {
			return itv2.Packet{}, err
		}
		p, err := itv2.Open(frame.Payload, h.in)
		if err != nil {
			return itv2.Packet{}, errFraming
		}
		again := p.Command == h.last && p.Sender == h.peer
		h.peer, h.last = p.Sender, p.Command
		switch {
		case p.Command == c:
			return p, nil
		case again: // sent twice
		case p.Command != itv2.Ack:
			return itv2.Packet{}, errOrder
		}
	}
}

// header takes the id from the first frame and holds the others to it.
func (h *handshake) header(b []byte) error {
	switch {
	case h.ident == "" && isIdent(b):
		h.ident = string(b)
		return nil
	case h.ident != "" && (len(b) == 0 || string(b) == h.ident):
		return nil
	}
	return errHeader
}
