// Package smtp sends mail through a mail server.
//
// It is for hosts whose people get codes by mail: give a [Mailer] to people.Options and
// signin.Options. A mailer opens a connection for each message, protects it with TLS, and
// tells apart what decides whether a message is sent again: nothing was handed over
// ([notify.ErrUnavailable], with [ErrLine], [ErrTLS] or [ErrLogin]), it was refused for
// good ([notify.RejectedError]), or nobody knows ([notify.ErrUnsure]).
//
// The protocol is RFC 5321 with RFC 3207 (STARTTLS), RFC 8314 (implicit TLS) and RFC 4954
// (signing in).
package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/mail"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/notify"
)

// Why nothing was handed over. Each comes with [notify.ErrUnavailable].
var (
	// ErrLine: the server does not answer, breaks off, or takes nothing now.
	ErrLine = fault.New(fault.Unavailable, "smtp: the mail server does not take mail now").
		Hinted("Check that the mail server runs, its name and port, and that this program can reach it.")
	// ErrTLS: the line cannot be protected: no TLS, or not the server's certificate.
	ErrTLS = fault.New(fault.Unavailable, "smtp: the line to the mail server cannot be protected").
		Hinted("Check the mail server's certificate, its name, and whether the port is the one for this kind of TLS.")
	// ErrLogin: the server does not let this program sign in.
	ErrLogin = fault.New(fault.Unavailable, "smtp: the mail server refuses the username or password").
			Hinted("Correct the mail server's username and password.")
	// ErrSender: the server does not let this program send as this sender.
	ErrSender = fault.New(fault.Unavailable, "smtp: the mail server refuses the sender").
			Hinted("Use a sender's address that the mail server lets this username use.")
)

// Mailer sends mail. It is safe for concurrent use, and prints without its settings.
type Mailer struct {
	o    Options
	from *mail.Address
}

var _ notify.Mailer = (*Mailer)(nil)

// New makes a mailer. It does no I/O: [Mailer.Check] tries the settings. Errors:
// [ErrOptions], once for everything that is wrong.
func New(o Options) (*Mailer, error) {
	o, from, err := o.filled()
	if err != nil {
		return nil, err
	}
	return &Mailer{o: o, from: from}, nil
}

// Send implements [notify.Mailer]. The message's header has the id <ID@domain of From>, the
// same at every try, so that a reader can drop what came twice. A refused status is the
// server's answer to the address or to the text. Errors: [notify.ErrMessage] and
// [notify.ErrRejected] before anything is sent; those of the package's comment.
func (m *Mailer) Send(ctx context.Context, msg notify.Message) (notify.Delivery, error) {
	written, err := m.write(msg, time.Now())
	if err != nil {
		return notify.Delivery{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, m.o.Timeout)
	defer cancel()
	l, err := m.dial(ctx)
	if err != nil {
		return notify.Delivery{}, err
	}
	defer l.close()
	if err := l.hand(m.from.Address, written); err != nil {
		return notify.Delivery{}, err
	}
	d := notify.Delivery{MessageID: "<" + written.id + ">", At: time.Now()}
	l.leave()
	return d, nil
}

// Check implements [notify.Mailer].
func (m *Mailer) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, m.o.Timeout)
	defer cancel()
	l, err := m.dial(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	l.leave()
	return nil
}

// Format keeps the settings out of every verb of fmt.
func (m *Mailer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "smtp mailer") }

// LogValue keeps the settings out of slog.
func (m *Mailer) LogValue() slog.Value { return slog.StringValue("smtp mailer") }

// down is what is answered if nothing was handed over: the cause, and of the server's own
// words nothing but the status.
func down(cause, err error) error {
	if s := status(err); s != "" {
		return fmt.Errorf("%w: %w: %s", notify.ErrUnavailable, cause, s)
	}
	return errors.Join(notify.ErrUnavailable, cause)
}
