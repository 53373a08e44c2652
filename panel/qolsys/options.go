package qolsys

import (
	"context"
	"net"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Names in a [panel.Target].
const (
	// Route is the name of IQ Remote's route; its address is the panel's, port 8883 if it
	// names none.
	Route = "iqremote"
	// PairingSecret is the route's secret: what [Pair] gave.
	PairingSecret = "pairing"
	// RouteControl4 is the name of Control4's route; port 12345 if its address names none.
	RouteControl4 = "control4"
	// TokenSecret is that route's secret: the token that the panel shows under 3rd Party
	// Connections.
	TokenSecret = "token"
)

// Errors of this driver beside those of package panel.
var (
	// ErrPairing: there is no pairing, or it is not one that [Pair] gave.
	ErrPairing = fault.New(fault.Precondition, "qolsys: no usable pairing").
			Hinted("Pair with the panel: Installation, Devices, Wi-Fi Devices, IQ Remote, Pair.")
	// ErrTooLong: the panel's message is longer than Options.MaxMessage.
	ErrTooLong = fault.New(fault.Internal, "qolsys: message is too long")
	// ErrNotPaired: nobody paired before the window closed.
	ErrNotPaired = fault.New(fault.Unavailable, "qolsys: the panel did not call to pair").
			Hinted("Start pairing here first, then touch Pair at the panel, within three minutes.")
	// ErrAnnounce: nothing would tell the panel that we are here.
	ErrAnnounce = fault.New(fault.Invalid, "qolsys: pairing needs an announcement").
			Hinted("Set PairOptions.Announce, or Options.Pairing.Announce; package panel/qolsys/announce has one.")
	// ErrDeleted: somebody deleted this remote at the panel.
	ErrDeleted = fault.New(fault.Denied, "qolsys: this remote was deleted at the panel").
			Hinted("Pair with the panel anew.")
)

// Dialer connects to panels: *net.Dialer is one.
type Dialer interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
}

// Options of [IQRemote] and [Control4]. The zero value is ready.
type Options struct {
	// Dialer connects; nil is a *net.Dialer.
	Dialer Dialer
	// AnyKey accepts any key that the paired panel's authority has signed, instead of the
	// one that was seen first: for panels that make a new one at every start.
	AnyKey bool
	// Pairing is what [IQRemote.Pair] needs; without an Announce it does not pair.
	Pairing PairOptions

	Dial       time.Duration // time for connection and TLS: 15 s
	Answer     time.Duration // time for an answer: 30 s
	KeepAlive  time.Duration // MQTT's own, in whole seconds: 60 s
	Ping       time.Duration // between the remote's signs of life: 5 min
	MaxMessage int           // bytes of one message: 8 MiB
}

func (o Options) withDefaults() Options {
	duration := func(d *time.Duration, usual time.Duration) {
		if *d == 0 {
			*d = usual
		}
	}
	if o.Dialer == nil {
		o.Dialer = &net.Dialer{}
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = 8 << 20
	}
	duration(&o.Dial, 15*time.Second)
	duration(&o.Answer, 30*time.Second)
	duration(&o.KeepAlive, time.Minute)
	duration(&o.Ping, 5*time.Minute)
	return o
}

// withPort completes an address that names no port.
func withPort(addr, port string) string {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	return net.JoinHostPort(addr, port)
}
