// Package webpush sends push messages to browsers and apps.
//
// It is for hosts whose apps register for push messages: give a [Pusher] to whatever sends
// a [notify.Notice]. The payload is encrypted for the app (RFC 8291), the host proves who
// it is (VAPID, RFC 8292), and the message goes to the push service that the app named
// (RFC 8030). Because an app names it, its address is looked up once and has to be public.
package webpush

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	lib "github.com/SherClockHolmes/webpush-go"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/notify"
)

// Errors of this package.
var (
	// ErrOptions: a pusher cannot be made of these options.
	ErrOptions = fault.New(fault.Invalid, "webpush: the settings cannot work").
			Hinted("Correct what the text names.")
	// ErrService: the push service is out of reach or takes nothing now. It comes with
	// [notify.ErrUnavailable].
	ErrService = fault.New(fault.Unavailable, "webpush: the push service does not take messages now").
			Hinted("It is tried again. If it stays so, check that this program can reach the internet.")
)

// Options are what a pusher can be told. Key and Contact are required.
type Options struct {
	// Key is the host's own, from [NewKey]. Apps register with its public half, so another
	// key loses every registration.
	Key notify.Secret
	// Contact is whom a push service asks if messages trouble it: a mail address, or an
	// https URL.
	Contact string
	// Life is how long a push service keeps a message for an app that is away; zero: an
	// hour, at most 28 days.
	Life time.Duration
	// Timeout limits a message; zero: 15 seconds.
	Timeout time.Duration
	// Reach widens where endpoints may lie; zero: public addresses, at port 443.
	Reach Reach
}

const (
	defaultLife    = time.Hour
	longestLife    = 28 * 24 * time.Hour
	defaultTimeout = 15 * time.Second
)

// Pusher sends push messages. It is safe for concurrent use, and prints without its key.
type Pusher struct {
	o      Options
	public string
	client *http.Client
}

var _ notify.Push = (*Pusher)(nil)

// New makes a pusher. It does no I/O. Errors: [ErrOptions].
func New(o Options) (*Pusher, error) {
	public, err := publicOf(o.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: the key", ErrOptions)
	}
	if !contact(o.Contact) {
		return nil, fmt.Errorf("%w: the contact", ErrOptions)
	}
	if o.Life < 0 || o.Life > longestLife {
		return nil, fmt.Errorf("%w: the life", ErrOptions)
	}
	if o.Life == 0 {
		o.Life = defaultLife
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	return &Pusher{o: o, public: public, client: o.Reach.client()}, nil
}

// PublicKey is what apps register with (applicationServerKey), in base64url.
func (p *Pusher) PublicKey() string { return p.public }

// payload is what the app gets, as JSON.
type payload struct {
	ID    string `json:"id"` // the same if the message comes twice
	Title string `json:"title"`
	Body  string `json:"body"`
}

// longest is the longest payload: a record of 4096 bytes without its header, tag and end.
const longest = 4096 - 86 - 16 - 1

// SendNotice implements [notify.Push]. The notice's Endpoint is the subscription as the
// browser gives it, see [ParseSubscription]; the app gets {"id", "title", "body"}. Tries of
// one notice share a topic, so a push service that still holds the first replaces it.
// Errors: [notify.ErrMessage] and [ErrSubscription] (a [notify.ErrRejected]) before anything
// is sent; a [notify.RejectedError], Ended if the app is not registered any more;
// [ErrService]; [notify.ErrUnsure].
func (p *Pusher) SendNotice(ctx context.Context, n notify.Notice) (notify.Delivery, error) {
	s, err := p.o.Reach.parse(n.Endpoint)
	if err != nil {
		return notify.Delivery{}, err
	}
	body, err := json.Marshal(payload{ID: n.ID, Title: n.Title, Body: n.Body})
	if err != nil || n.ID == "" || len(body) > longest {
		return notify.Delivery{}, notify.ErrMessage
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	resp, err := lib.SendNotificationWithContext(ctx, body, &lib.Subscription{Endpoint: s.endpoint, Keys: s.keys}, &lib.Options{
		HTTPClient: p.client, Subscriber: p.o.Contact, Topic: topic(n.ID), TTL: int(p.o.Life.Seconds()),
		VAPIDPublicKey: p.public, VAPIDPrivateKey: p.o.Key.Reveal(),
	})
	switch {
	case errors.Is(err, errPrivate):
		return notify.Delivery{}, ErrSubscription
	case err != nil && connected.Load():
		return notify.Delivery{}, notify.ErrUnsure
	case err != nil:
		return notify.Delivery{}, fmt.Errorf("%w: %w", notify.ErrUnavailable, ErrService)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096)) // so that the connection can be used again
	_ = resp.Body.Close()
	if err := verdict(resp.StatusCode); err != nil {
		return notify.Delivery{}, err
	}
	return notify.Delivery{MessageID: n.ID, At: time.Now()}, nil
}

// topic is of the form that RFC 8030 asks for: at most 32 characters of base64url.
func topic(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}

// verdict is what a push service's status says (RFC 8030, 5 and 7.3).
func verdict(status int) error {
	switch {
	case status/100 == 2:
		return nil
	case status == http.StatusNotFound, status == http.StatusGone:
		return &notify.RejectedError{Status: strconv.Itoa(status), Ended: true}
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status/100 == 5:
		return fmt.Errorf("%w: %w: %d", notify.ErrUnavailable, ErrService, status)
	}
	return &notify.RejectedError{Status: strconv.Itoa(status)}
}

// Format keeps the key out of every verb of fmt.
func (p *Pusher) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "pusher") }

// LogValue keeps the key out of slog.
func (p *Pusher) LogValue() slog.Value { return slog.StringValue("pusher") }
