// Package notify is how keyholder reaches people outside: by mail, text message or push.
//
// It is for host developers, who bring a transport, and for the services, which post
// messages. Package notify/notifytest has a transport that keeps what it is given, for
// tests and demos; the module notify/smtp sends mail, notify/webpush sends push messages,
// and examples/smsgateway shows text messages through a provider's HTTP gateway.
//
// # What a transport must do
//
// Its errors say what is known of the message, because that decides whether it is sent
// again: [ErrUnavailable] if nothing was handed over, a [*RejectedError] if the other
// side refused the message for good, and [ErrUnsure], or any other error, if it is not
// known. No error carries an address, a text or a password: servers repeat addresses in
// their answers. The kit in notify/notifytest says whether a transport keeps to this.
package notify

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of transports.
var (
	// ErrUnavailable: nothing was handed over, and a later try may succeed.
	ErrUnavailable = fault.New(fault.Unavailable, "notify: transport is out of reach").
			Hinted("Check the server that sends messages, and that this program can reach it.")
	// ErrRejected: the other side refused the message for good; see [RejectedError].
	ErrRejected = fault.New(fault.Conflict, "notify: address rejected").
			Hinted("Check the address.")
	// ErrUnsure: the message was handed over and no answer came, so it may have left. If
	// it is sent again it may arrive twice.
	ErrUnsure = fault.New(fault.Unknown, "notify: the message may have been sent")
	// ErrMessage: it cannot be sent as it is: its id or its sender's address is malformed,
	// or it is too long.
	ErrMessage = fault.New(fault.Invalid, "notify: not a message that can be sent")
)

// RejectedError is [ErrRejected] with the other side's status, such as SMTP's "550 5.1.1".
// It is a number and never the other side's words, which repeat the address.
type RejectedError struct {
	Status string
	Ended  bool // a push registration has ended and will not come back: forget it
}

// Error names the status.
func (e *RejectedError) Error() string { return fmt.Sprintf("%v: %s", ErrRejected, e.Status) }

// Unwrap returns the sentinel.
func (e *RejectedError) Unwrap() error { return ErrRejected }

// Delivery is what a transport knows of a message that it handed over.
type Delivery struct {
	MessageID string    // the other side's id, else the message's own
	At        time.Time // when it was handed over
}

// Message is a mail, ready to be sent. It prints as its id: address and text are
// personal, and the text may hold a one-time code.
type Message struct {
	ID      string // the same at every try: make the Message-ID header of it
	To      string // one bare address
	Subject string
	Text    string // plain text, lines end with \n
	HTML    string // the same as HTML, "" for none
}

// Text is a text message to a phone. It prints as its id.
type Text struct {
	ID   string // the same at every try
	To   string // in international form: +1234567890
	Body string
}

// Notice is a push message to an app. It prints as its id.
type Notice struct {
	ID       string // the same at every try
	Endpoint string // what the app registered with, see the transport
	Title    string
	Body     string
}

// Mailer sends mail. It is safe for concurrent use.
type Mailer interface {
	// Send hands a message to the next mail server and waits until that has taken it.
	Send(ctx context.Context, m Message) (Delivery, error)
	// Check connects and authenticates as Send does, and sends nothing.
	Check(ctx context.Context) error
}

// SMS sends text messages. It is safe for concurrent use.
type SMS interface {
	SendText(ctx context.Context, t Text) (Delivery, error)
}

// Push sends push messages. It is safe for concurrent use.
type Push interface {
	SendNotice(ctx context.Context, n Notice) (Delivery, error)
}

// Format keeps address and text out of every verb of fmt.
func (m Message) Format(f fmt.State, _ rune) { printID(f, m.ID) }

// LogValue keeps address and text out of slog.
func (m Message) LogValue() slog.Value { return slog.StringValue(shown(m.ID)) }

// MarshalText keeps address and text out of JSON and every other text form.
func (m Message) MarshalText() ([]byte, error) { return []byte(shown(m.ID)), nil }

// Format keeps number and text out of every verb of fmt.
func (t Text) Format(f fmt.State, _ rune) { printID(f, t.ID) }

// LogValue keeps number and text out of slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(shown(t.ID)) }

// MarshalText keeps number and text out of JSON and every other text form.
func (t Text) MarshalText() ([]byte, error) { return []byte(shown(t.ID)), nil }

// Format keeps endpoint and text out of every verb of fmt.
func (n Notice) Format(f fmt.State, _ rune) { printID(f, n.ID) }

// LogValue keeps endpoint and text out of slog.
func (n Notice) LogValue() slog.Value { return slog.StringValue(shown(n.ID)) }

// MarshalText keeps endpoint and text out of JSON and every other text form.
func (n Notice) MarshalText() ([]byte, error) { return []byte(shown(n.ID)), nil }

func shown(id string) string { return "message " + id }

func printID(w io.Writer, id string) { _, _ = io.WriteString(w, shown(id)) }
