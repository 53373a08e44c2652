package smtp

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/seed-a2d3eaca/keyholder/notify"
)

// line is a connection to the mail server on which mail can be handed over.
type line struct {
	conn   net.Conn // without its protection
	client *smtp.Client
	free   func() bool // takes the context's hand off the connection
}

// dial connects, protects the line and signs in.
func (m *Mailer) dial(ctx context.Context) (_ *line, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.o.address())
	if err != nil {
		return nil, down(ErrLine, err)
	}
	// The protocol's reads and writes know no context: its end is the connection's.
	l := &line{conn: conn}
	l.free = context.AfterFunc(ctx, func() { _ = l.conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if m.o.Security == Implicit {
		secured := tls.Client(conn, m.o.config())
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, down(ErrTLS, err)
		}
		conn = secured
	}
	if l.client, err = smtp.NewClient(conn, m.o.Host); err != nil {
		return nil, down(ErrLine, err)
	}
	if err := l.client.Hello(domain(m.from.Address)); err != nil {
		return nil, down(ErrLine, err)
	}
	if m.o.Security == StartTLS {
		if err := l.protect(ctx, m.o.config()); err != nil {
			return nil, err
		}
	}
	return l, l.signIn(m.o)
}

// protect turns the line into a protected one.
func (l *line) protect(ctx context.Context, c *tls.Config) error {
	if ok, _ := l.client.Extension("STARTTLS"); !ok {
		return down(ErrTLS, nil)
	}
	if err := l.client.StartTLS(c); err != nil {
		if ctx.Err() != nil {
			return down(ErrLine, err)
		}
		return down(ErrTLS, err)
	}
	return nil
}

// signIn signs in with PLAIN or LOGIN: the line is protected, so the others add nothing.
func (l *line) signIn(o Options) error {
	if o.Username == "" {
		return nil
	}
	_, offered := l.client.Extension("AUTH")
	var auth smtp.Auth
	switch ways := " " + strings.ToUpper(offered) + " "; {
	case strings.Contains(ways, " PLAIN "):
		auth = smtp.PlainAuth("", o.Username, o.Password.Reveal(), o.Host, false)
	case strings.Contains(ways, " LOGIN "):
		auth = smtp.LoginAuth(o.Username, o.Password.Reveal(), o.Host, false)
	default:
		return down(ErrLogin, nil)
	}
	switch err := l.client.Auth(auth); {
	case err == nil:
		return nil
	case answer(err) == 0 || answer(err)/100 == 4: // the line broke, or later is better
		return down(ErrLine, err)
	default:
		return down(ErrLogin, err)
	}
}

// hand hands a message over. Until the final dot is on its way nothing was handed over;
// from then on only the server's answer says whether it was.
func (l *line) hand(from string, w written) error {
	utf8, _ := l.client.Extension("SMTPUTF8")
	if !ascii(w.to) && !utf8 {
		return &notify.RejectedError{Status: "553 5.6.7"} // what RFC 6531 has a server say
	}
	l.client.SkipSMTPUTF8(ascii(w.to))
	if err := l.client.Mail("<" + from + ">"); err != nil {
		if refusal(err) {
			return down(ErrSender, err)
		}
		return down(ErrLine, err)
	}
	if err := l.client.Rcpt("<" + w.to + ">"); err != nil {
		return no(err)
	}
	body, err := l.client.Data()
	if err != nil {
		return no(err)
	}
	if _, err := body.Write(w.text); err != nil {
		return down(ErrLine, err)
	}
	if err := body.Close(); err != nil {
		if answer(err) == 0 {
			return notify.ErrUnsure
		}
		return no(err)
	}
	return nil
}

// no is what the server's no comes to: for good, or for now.
func no(err error) error {
	if refusal(err) {
		return &notify.RejectedError{Status: status(err)}
	}
	return down(ErrLine, err)
}

// leave says goodbye; what the server answers changes nothing.
func (l *line) leave() { _ = l.client.Quit() }

func (l *line) close() {
	l.free()
	_ = l.conn.Close()
}
