package smtpsim

import (
	"io"
	"strings"

	"github.com/emersion/go-smtp"
)

// session is one client's conversation.
type session struct {
	server   *Server
	conn     *smtp.Conn
	in       bool // signed in
	from, to string
}

func (x *session) Reset()        { x.from, x.to = "", "" }
func (x *session) Logout() error { return nil }

func (x *session) Mail(from string, _ *smtp.MailOptions) error {
	if !x.in && x.server.now() != NoTLS {
		return smtp.ErrAuthRequired
	}
	if x.server.now() == BadSender {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not as " + from}
	}
	x.from = from
	return nil
}

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch x.server.now() {
	case Busy:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted, try again: " + to}
	case Refusing:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "unknown user <" + to + ">"}
	}
	x.to = to
	return nil
}

func (x *session) Data(r io.Reader) error {
	if x.server.now() == Cut {
		_ = x.conn.Conn().Close()
		return io.ErrUnexpectedEOF
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	switch x.server.now() {
	case BusyData:
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "no room for " + oneLine(body)}
	case RefusedData:
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "spam: " + x.to + " " + oneLine(body)}
	}
	x.server.mu.Lock()
	x.server.took = append(x.server.took, Message{From: x.from, To: x.to, Data: string(body)})
	x.server.mu.Unlock()
	if x.server.now() == Mute {
		_ = x.conn.Conn().Close()
	}
	return nil
}

// oneLine is a message as a server might quote it in its answer.
func oneLine(body []byte) string {
	s := strings.Join(strings.Fields(string(body)), " ")
	return s[max(0, len(s)-200):]
}
