package twon

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Names in a [panel.Target].
const (
	// Route is the name of this driver's route. Its address is host or host:port.
	Route = "http"
	// UserSecret and PasswordSecret are the account of the device's HTTP API.
	UserSecret     = "user"
	PasswordSecret = "password"
	// PinSecret is the SHA-256 fingerprint of the device's certificate, 64 hexadecimal
	// digits, colons allowed, as browsers show it. With it no other certificate is taken,
	// and it need not be signed by anybody: devices come with one of their own. Without it
	// the certificate is verified as usual, see [Options.TLS].
	PinSecret = "pin"
)

// Errors of this driver beside those of package panel.
var (
	// ErrOwner: the entry is looked after by another system.
	ErrOwner = fault.New(fault.Conflict, "twon: the entry belongs to another system").
			Hinted("Change the entry where it is managed (My2N, Access Commander), or make it local there first.")
	// ErrWindow: the validity cannot be written as it is: it ends before 1970 or after
	// 2038, or is revoked.
	ErrWindow = fault.New(fault.Invalid, "twon: the device cannot keep this validity").
			Hinted("Choose an end between now and 2038.")
	// ErrCards: more cards than an entry has room for.
	ErrCards = fault.New(fault.Invalid, "twon: too many cards for one entry")
	// ErrService: the device does not offer its directory.
	ErrService = fault.New(fault.Unsupported, "twon: the device does not offer its directory").
			Hinted("Switch the System service of the HTTP API on, or update the firmware.")
	// ErrPrivileges: the account may not read or change the directory.
	ErrPrivileges = fault.New(fault.Denied, "twon: the account lacks privileges").
			Hinted("Give the account of the HTTP API the privilege System Control.")
	// ErrLog: the device does not tell any more who opened.
	ErrLog = fault.New(fault.Unsupported, "twon: the device does not offer its event log").
		Hinted("Switch the Logging service of the HTTP API on, with the account of the System service.")
	// ErrShut: somebody at the device keeps the user out at every access point.
	ErrShut = fault.New(fault.Conflict, "twon: the entry is blocked at the device").
		Hinted("Enable an access point of the user in the device's web page first.")
	// ErrPin: a certificate fingerprint is not 64 hexadecimal digits.
	ErrPin = fault.New(fault.Invalid, "twon: not a certificate fingerprint").
		Hinted("Enter the SHA-256 fingerprint of the device's certificate, as a browser shows it.")
	// ErrCertificate: the device showed another certificate than the pinned one.
	ErrCertificate = fault.New(fault.Denied, "twon: the certificate is not the pinned one").
			Hinted("If the device was reset or got a new certificate, enter its fingerprint anew.")
	// ErrDigest: the device asks for another way of signing in than digest.
	ErrDigest = fault.New(fault.Unsupported, "twon: the device does not ask for digest authentication").
			Hinted("Set the authentication of the System service of the HTTP API to Digest.")
)

// Options of a [Driver]. The zero value talks TLS on port 443, verifies certificates, and
// tells no digits.
type Options struct {
	// Owner marks the entries that this driver makes: "keyholder". Two systems that manage
	// one device need different names.
	Owner string

	// Dial makes connections; nil is a [net.Dialer].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// TLS is how certificates are verified where no [PinSecret] is given; nil uses the
	// system's roots.
	TLS *tls.Config

	// Plain talks HTTP without TLS, on port 80. Codes then travel readable: only for lines
	// that are protected by something else (a VPN).
	Plain bool

	// DiscloseCodes lets Read tell the digits of PINs where the query wants them. The
	// device gives them to every account that can manage its directory.
	DiscloseCodes bool

	// Log lets Watch read the device's event log and tell who opened, also of the time when
	// nobody listened, as far back as the device remembers (10,000 events, none over a
	// restart). The Logging service has to be on, with the same account; an account that
	// lacks a privilege for an event is not told of it, without a word. A device with PINs
	// whose log has the event then declares panel.Model.Tells and panel.DuressByEvent.
	Log bool

	Poll     time.Duration // between two questions of Watch: 30 s
	Patience time.Duration // for one answer: 10 s
	Skew     time.Duration // how far the device's clock may be off: 1 min
	Batch    int           // entries in one request: 50
}

func (o Options) withDefaults() Options {
	duration := func(d *time.Duration, usual time.Duration) {
		if *d == 0 {
			*d = usual
		}
	}
	if o.Owner == "" {
		o.Owner = "keyholder"
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if o.TLS == nil {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if o.Batch == 0 {
		o.Batch = 50
	}
	duration(&o.Poll, 30*time.Second)
	duration(&o.Patience, 10*time.Second)
	duration(&o.Skew, time.Minute)
	return o
}
