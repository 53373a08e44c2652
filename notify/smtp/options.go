package smtp

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/notify"
)

// Security is how the line to the mail server is protected.
type Security uint8

// The ways. Neither of the first two ever falls back to a plain line.
const (
	StartTLS Security = iota // a plain greeting, then TLS, which is required (port 587)
	Implicit                 // TLS from the first byte (port 465)
	Plain                    // none: only to this machine's own relay (port 25), without a password
)

// Pin is the SHA-256 of a certificate's public key (its SubjectPublicKeyInfo).
type Pin [sha256.Size]byte

// PinOf is the pin of a certificate.
func PinOf(c *x509.Certificate) Pin { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// Options are what a mailer can be told. Host and From are required.
type Options struct {
	// Host is the mail server: a name, or an address.
	Host string
	// Port is its port; 0: the one of Security.
	Port int
	// Security protects the line; zero: StartTLS.
	Security Security
	// Roots sign the server's certificate; nil: the system's.
	Roots *x509.CertPool
	// Pin, if set, is the server's key: then its certificate is held against this and
	// nothing else, so that one that nobody signed works.
	Pin Pin
	// Username and Password sign in; "": no signing in.
	Username string
	Password notify.Secret
	// From is the sender, as in "Panel codes <codes@example.com>". It is ASCII. Its domain is also in
	// message ids, and is what the server is greeted with.
	From string
	// Timeout limits a message with everything that it needs; zero: 20 seconds.
	Timeout time.Duration
	// MaxSize is the longest text of a message, plain and HTML together, in bytes; zero:
	// 256 KiB.
	MaxSize int
}

const (
	defaultTimeout = 20 * time.Second
	defaultMaxSize = 256 << 10
)

// ErrOptions: a mailer cannot be made of these options.
var ErrOptions = fault.New(fault.Invalid, "smtp: the mail server's settings cannot work").
	Hinted("Correct what the text names.")

var ports = map[Security]int{StartTLS: 587, Implicit: 465, Plain: 25}

// filled returns the options with their defaults, and everything that is wrong with them.
func (o Options) filled() (Options, *mail.Address, error) {
	var wrong []error
	say := func(bad bool, what string) {
		if bad {
			wrong = append(wrong, fmt.Errorf("%w: %s", ErrOptions, what))
		}
	}
	say(o.Host == "" || strings.ContainsAny(o.Host, " \t\r\n/@"), "the host")
	say(ports[o.Security] == 0, "the security")
	say(o.Port < 0 || o.Port > 65535, "the port")
	say(o.Security == Plain && !own(o.Host), "a plain line leaves this machine")
	say(o.Security == Plain && o.Username != "", "a password on a plain line")
	say((o.Username == "") != o.Password.IsZero(), "a username and a password go together")
	from, err := mail.ParseAddress(o.From)
	say(err != nil || !plain(from.Address) || !ascii(from.Address), "the sender")
	if o.Port == 0 {
		o.Port = ports[o.Security]
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxSize <= 0 {
		o.MaxSize = defaultMaxSize
	}
	return o, from, errors.Join(wrong...)
}

// own reports whether a host is this machine.
func own(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// address is where the server listens.
func (o Options) address() string { return net.JoinHostPort(o.Host, strconv.Itoa(o.Port)) }

// config is what the server has to prove.
func (o Options) config() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.Host, RootCAs: o.Roots}
	if o.Pin == (Pin{}) {
		return c
	}
	c.InsecureSkipVerify = true // VerifyConnection holds the key against the pin instead
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if got := PinOf(s.PeerCertificates[0]); subtle.ConstantTimeCompare(got[:], o.Pin[:]) != 1 {
			return errPin
		}
		return nil
	}
	return c
}

var errPin = errors.New("smtp: another key than the pinned one")
