package dsc

import (
	"errors"
	"net"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// Why a connection was not taken or came to an end. The text is the kind in the log.
var (
	errHTTP       = errors.New("spoke HTTP instead of ITv2: PowerSeries Pro on-board communicators do this; set the session to the integration protocol, or use a TL280 class communicator")
	errFraming    = errors.New("bytes are not ITv2 frames")
	errHeader     = errors.New("frame header is not the integration id of this session")
	errOrder      = errors.New("handshake out of order")
	errEncryption = errors.New("encryption differs from what is set for this panel")
	errUnproven   = errors.New("did not prove its key: the key set here and the panel's differ, or it is not the panel")
	errSlow       = errors.New("handshake took too long or broke off")
	errCrowded    = errors.New("too many unproven connections, the oldest was closed")
	errGarbled    = errors.New("frame that does not decrypt to a right check")
	errSilent     = errors.New("panel does not answer polls")
	errEnded      = errors.New("panel ended the session")
	errRenewed    = errors.New("session ended to shake hands anew")
	errClosed     = errors.New("session closed")
	errMute       = errors.New("panel left a command unanswered")
)

// firstBytes is how much is looked at to say what a stranger speaks.
const firstBytes = 4

// wire reads frames from a connection. A time-out loses nothing that was read.
type wire struct {
	conn   net.Conn
	stream itv2.Stream
	buf    [1024]byte
	rest   []byte // of buf, not yet taken
}

// next returns the next frame, which is valid until the call after it.
func (w *wire) next(deadline time.Time) (itv2.TLink, error) {
	if err := w.conn.SetReadDeadline(deadline); err != nil {
		return itv2.TLink{}, err
	}
	for {
		frame, ok, rest, err := w.stream.Next(w.rest)
		w.rest = rest
		if err != nil {
			return itv2.TLink{}, errFraming
		}
		if ok {
			return frame, nil
		}
		n, err := w.conn.Read(w.buf[:])
		w.rest = w.buf[:n]
		if err != nil && n == 0 {
			return itv2.TLink{}, err
		}
	}
}

// greet looks at the first bytes before any of them is taken.
func (w *wire) greet(deadline time.Time) error {
	if err := w.conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	n := 0
	for n < firstBytes {
		m, err := w.conn.Read(w.buf[n:])
		n += m
		if err != nil && m == 0 {
			return err
		}
	}
	w.rest = w.buf[:n]
	switch string(w.rest[:firstBytes]) {
	case "POST", "GET ", "HEAD", "PUT ":
		return errHTTP
	}
	return nil
}

// isIdent reports whether a header is an integration id: twelve digits.
func isIdent(header []byte) bool {
	if len(header) != itv2.MaxHeader {
		return false
	}
	for _, c := range header {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
