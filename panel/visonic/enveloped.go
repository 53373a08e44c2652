package visonic

import (
	"net"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel/visonic/internal/powerlink"
)

// enveloped is the wire over IP: each frame in an envelope, each envelope acknowledged by
// its number.
type enveloped struct {
	conn           net.Conn
	account, panel string
	split          powerlink.EnvelopeSplitter
	frames         powerlink.Splitter
	buf            [512]byte
	last           int // number of what was received last

	turn sync.Mutex
	id   int // of our last message
}

func (w *enveloped) Close() error { return w.conn.Close() }

// greet waits for the first envelope, which says who calls.
func (w *enveloped) greet() error {
	_ = w.conn.SetReadDeadline(time.Now().Add(greetWithin))
	e, err := w.next()
	if err != nil {
		return err
	}
	w.account, w.panel = e.Account, strings.ToUpper(e.Panel)
	_ = w.conn.SetReadDeadline(time.Time{})
	if e.Type != powerlink.EnvelopeData {
		return nil
	}
	w.last = e.ID
	return w.ack([]byte{powerlink.OpMessage})
}

func (w *enveloped) next() (powerlink.Envelope, error) {
	for {
		if e, ok := w.split.Next(); ok {
			return e, nil
		}
		n, err := w.conn.Read(w.buf[:])
		w.split.Push(w.buf[:n])
		clear(w.buf[:n])
		if err != nil && n == 0 {
			return powerlink.Envelope{}, err
		}
	}
}

// receive passes over acknowledgements, reports for the central station, and whatever
// names another panel than the first envelope did.
func (w *enveloped) receive() ([]byte, error) {
	for {
		if p, ok := w.frames.Next(); ok {
			return p, nil
		}
		e, err := w.next()
		if err != nil {
			return nil, err
		}
		if e.Type == powerlink.EnvelopeData && strings.EqualFold(e.Panel, w.panel) {
			w.frames = powerlink.Splitter{} // a frame does not go on in the next envelope
			w.frames.Push(e.Body)
			w.last = e.ID
		}
		clear(e.Body)
	}
}

func (w *enveloped) send(payload []byte) error {
	w.turn.Lock()
	defer w.turn.Unlock()
	w.id = w.id%9999 + 1
	return w.write(powerlink.EnvelopeData, w.id, payload)
}

func (w *enveloped) ack(payload []byte) error {
	w.turn.Lock()
	defer w.turn.Unlock()
	return w.write(powerlink.EnvelopeAck, w.last, powerlink.Ack(payload))
}

func (w *enveloped) write(kind string, id int, payload []byte) error {
	e := powerlink.Envelope{Type: kind, ID: id, Account: w.account, Panel: w.panel, Body: powerlink.Frame(payload)}
	return write(w.conn, e.Bytes())
}
