package powermanage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Names in a [panel.Target].
const (
	// Route is the name of this driver's route. Its address is the server's: "host:port", or
	// "host" for port 443.
	Route = "powermanage"
	// EmailSecret is the account's e-mail.
	EmailSecret = "email"
	// PasswordSecret is the account's password.
	PasswordSecret = "password"
	// SerialSecret is the panel's serial number at the server, where that is not the
	// identity in panel.Target.Ident: a panel with another route may be known by its address.
	SerialSecret = "serial"
)

// Pin is the SHA-256 of a certificate's public key (its SubjectPublicKeyInfo).
type Pin [sha256.Size]byte

// PinOf is a certificate's pin. It stays when the certificate is renewed for the same key.
func PinOf(c *x509.Certificate) Pin { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// Options of a [Driver]. The zero value is a driver of Visonic panels that trusts the
// system's certificate authorities and calls public addresses only.
type Options struct {
	// Model is the family of the panels: [Visonic], [NeoR], [DualPath] or [Qolsys], or one of
	// these cut down by the host. The zero value is Visonic.
	Model panel.Model

	// Pins are the keys that a server may have. A server whose certificate has none of them
	// is refused before anything secret is sent. Its certificate has to be trusted besides.
	// None: every trusted certificate is taken.
	Pins []Pin

	// AllowPrivate lets routes name loopback, link-local and private addresses, for servers
	// in the own network.
	AllowPrivate bool

	// Transport, if set, is cloned for its dialers, proxy and TLS settings: own authorities
	// go into its TLSClientConfig. What it dials is then the host's business: AllowPrivate
	// means nothing. With Pins its DialTLS functions are not used.
	Transport *http.Transport

	Answer time.Duration // time for one answer: 10 s
	// Wait is how long a job is waited for before it becomes a ticket: 1 min.
	Wait time.Duration
}

// Driver speaks to PowerManage servers. It implements [panel.Driver] and dials out.
type Driver struct {
	panel.Dials
	model  panel.Model
	client client
	wait   time.Duration
}

// New makes a driver.
func New(o Options) *Driver {
	if o.Model.Kind == "" {
		o.Model = Visonic()
	}
	if o.Answer == 0 {
		o.Answer = 10 * time.Second
	}
	if o.Wait == 0 {
		o.Wait = time.Minute
	}
	return &Driver{model: o.Model, client: client{wire: transport(o), answer: o.Answer}, wait: o.Wait}
}

// Format keeps what a driver works with out of every verb of fmt.
func (d *Driver) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "powermanage driver of "+d.model.Name)
}

// Model is the family's model. What one panel can do its session says.
func (d *Driver) Model() panel.Model { return d.model }

// Open signs in, finds the panel among the account's, logs in to it with the master
// user's code, and waits until the server has reached it. Secrets are presented once:
// a refusal is panel.ErrSecret. A panel that the account does not have gets no code.
func (d *Driver) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	s, err := d.session(ctx, t)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Grant lets an account use a panel user: the account with this e-mail sees the panel in
// its app as the user of the slot. Errors are those of [Driver.Open], and [ErrNotAllowed],
// [ErrAlreadyGranted], [ErrBadRequest] beside panel.ErrRefused.
func (d *Driver) Grant(ctx context.Context, t panel.Target, slot int, email panel.Secret) error {
	return d.access(ctx, t, "access/grant", grant{Slot: slot, Email: email.Reveal()})
}

// Revoke takes a panel user from the account that it was granted to.
func (d *Driver) Revoke(ctx context.Context, t panel.Target, slot int) error {
	return d.access(ctx, t, "access/revoke", grant{Slot: slot})
}

func (d *Driver) access(ctx context.Context, t panel.Target, path string, body grant) error {
	s, err := d.session(ctx, t)
	if err != nil {
		return err
	}
	_, err = s.call(ctx, http.MethodPost, path, body)
	if r, ok := errors.AsType[*refusalError](err); ok {
		m := r.ofWrite()
		return cmp.Or(m.field, m.line)
	}
	return err
}
