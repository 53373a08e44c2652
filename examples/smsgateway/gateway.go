// Package smsgateway sends text messages through a provider's HTTP gateway.
//
// It is for hosts that bring their own provider: copy it, change the wire to the
// provider's, and keep the test. Nearly every provider has a gateway of this kind, and no
// two are the same, so keyholder links none. What to keep in mind:
//
//   - Numbers are in the form of E.164, and only to countries that the host serves: foreign
//     premium numbers are how text messages are turned into somebody's money. keyholder
//     sends within budgets for each number, account, country and store; the countries here
//     are a second lock.
//   - What was not sent is [notify.ErrUnavailable]. From the first byte of a request on,
//     only the gateway's answer says whether a message was taken; without it, it is
//     [notify.ErrUnsure].
//   - The message's id goes along as the idempotency key, so that a gateway that took a
//     message already takes it once.
//   - Errors have the status and nothing of the answer's words: they repeat the number.
//
// The wire is one POST for each message, to the path of the provider's URL, as JSON or as a
// form:
//
//	{"from":"Codes","to":"+491701234567","text":"…"}       from=Codes&text=…&to=%2B491701234567
//
// with the headers Idempotency-Key (the message's id), X-Timestamp (Unix seconds) and
// X-Signature: the HMAC-SHA256, in hexadecimal, of the timestamp, a dot and the body under
// the key that the provider gave. The answer is 202 {"id":"…"}; 400, 404 and 422 refuse the
// number for good; 401 and 403 the key; 429 and 5xx mean later.
package smsgateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/notify"
)

// Errors of the gateway.
var (
	// ErrOptions: the settings cannot work.
	ErrOptions = fault.New(fault.Invalid, "smsgateway: the settings cannot work").
			Hinted("Correct what the text names.")
	// ErrKey: the gateway does not take the key. It comes with [notify.ErrUnavailable]: the
	// messages wait for the right one.
	ErrKey = fault.New(fault.Unavailable, "smsgateway: the gateway refuses the key").
		Hinted("Correct the gateway's key.")
)

// Form is how a message is written on the wire.
type Form uint8

// The forms.
const (
	JSON Form = iota
	URLEncoded
)

// Options are what a gateway can be told. URL, Key and From are required.
type Options struct {
	// URL takes the messages. It is https.
	URL string
	// Key signs them.
	Key notify.Secret
	// From is the sender that a phone shows.
	From string
	// Form is the wire's; zero: JSON.
	Form Form
	// Countries are the calling codes to which messages go, such as "49"; nil: all.
	Countries []string
	// Timeout limits a message; zero: 10 seconds.
	Timeout time.Duration
	// Client makes the connections; nil: one of its own.
	Client *http.Client
}

// Gateway sends text messages. It is safe for concurrent use, and prints without its key.
type Gateway struct{ o Options }

var _ notify.SMS = (*Gateway)(nil)

// New makes a gateway. It does no I/O. Errors: [ErrOptions].
func New(o Options) (*Gateway, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("%w: the URL", ErrOptions)
	case o.Key.IsZero():
		return nil, fmt.Errorf("%w: the key", ErrOptions)
	case o.From == "":
		return nil, fmt.Errorf("%w: the sender", ErrOptions)
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	client := &http.Client{}
	if o.Client != nil {
		*client = *o.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.Client = client
	return &Gateway{o: o}, nil
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// SendText implements [notify.SMS].
func (g *Gateway) SendText(ctx context.Context, t notify.Text) (notify.Delivery, error) {
	if !e164.MatchString(t.To) || !g.serves(t.To) {
		return notify.Delivery{}, fmt.Errorf("%w: not a number to which messages go", notify.ErrRejected)
	}
	ctx, cancel := context.WithTimeout(ctx, g.o.Timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := g.request(ctx, t, time.Now())
	if err != nil {
		return notify.Delivery{}, notify.ErrMessage
	}
	resp, err := g.o.Client.Do(req)
	switch {
	case err != nil && connected.Load():
		return notify.Delivery{}, notify.ErrUnsure
	case err != nil:
		return notify.Delivery{}, notify.ErrUnavailable
	}
	defer func() { _ = resp.Body.Close() }()
	if err := verdict(resp.StatusCode); err != nil {
		return notify.Delivery{}, err
	}
	d := notify.Delivery{MessageID: t.ID, At: time.Now()}
	var answer struct {
		ID string `json:"id"`
	}
	// It is taken whatever else the answer says, so an answer that cannot be read is none.
	if json.NewDecoder(io.LimitReader(resp.Body, 4096)).Decode(&answer) == nil && answerID.MatchString(answer.ID) {
		d.MessageID = answer.ID
	}
	return d, nil
}

// answerID keeps a gateway's id from being anything else, such as the number.
var answerID = regexp.MustCompile(`^[A-Za-z0-9-]{8,64}$`)

// serves reports whether messages go to a number's country.
func (g *Gateway) serves(number string) bool {
	return g.o.Countries == nil || slices.ContainsFunc(g.o.Countries, func(code string) bool { return strings.HasPrefix(number, "+"+code) })
}

// request writes a message and signs it.
func (g *Gateway) request(ctx context.Context, t notify.Text, now time.Time) (*http.Request, error) {
	body, kind := url.Values{"from": {g.o.From}, "to": {t.To}, "text": {t.Body}}.Encode(), "application/x-www-form-urlencoded"
	if g.o.Form == JSON {
		b, err := json.Marshal(map[string]string{"from": g.o.From, "to": t.To, "text": t.Body})
		if err != nil {
			return nil, err
		}
		body, kind = string(b), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.o.URL, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	at := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Idempotency-Key", t.ID)
	req.Header.Set("X-Timestamp", at)
	req.Header.Set("X-Signature", Sign(g.o.Key, at, body))
	return req, nil
}

// Sign is the signature of a body at a time.
func Sign(key notify.Secret, at, body string) string {
	m := hmac.New(sha256.New, []byte(key.Reveal()))
	m.Write([]byte(at + "." + body))
	return hex.EncodeToString(m.Sum(nil))
}

// verdict is what the gateway's status says.
func verdict(status int) error {
	switch {
	case status/100 == 2:
		return nil
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return errors.Join(notify.ErrUnavailable, ErrKey)
	case status == http.StatusTooManyRequests, status/100 == 5:
		return fmt.Errorf("%w: %d", notify.ErrUnavailable, status)
	}
	return &notify.RejectedError{Status: strconv.Itoa(status)}
}

// Format keeps the key out of every verb of fmt.
func (g *Gateway) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "sms gateway") }

// LogValue keeps the key out of slog.
func (g *Gateway) LogValue() slog.Value { return slog.StringValue("sms gateway") }
