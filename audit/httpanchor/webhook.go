package httpanchor

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// Errors of webhooks.
var (
	// ErrSecret: the secret of a webhook is too short.
	ErrSecret = fault.New(fault.Invalid, "httpanchor: the secret has less than 24 bytes")
	// ErrSignature: a call is not signed with the secret, or was signed too long ago.
	ErrSignature = fault.New(fault.Denied, "httpanchor: the call is not signed, or too old")
)

// Secret is what both sides of a webhook share. It cannot print.
type Secret struct{ key hidden.Text }

// SecretOf makes a secret of at least 24 bytes.
func SecretOf(key []byte) (Secret, error) {
	if len(key) < 24 {
		return Secret{}, ErrSecret
	}
	return Secret{key: hidden.Of(key)}, nil
}

const redacted = "[redacted]"

// Format keeps the secret out of every verb of fmt.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue keeps the secret out of slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps the secret out of JSON and every other text form.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// WebhookOptions say where checkpoints go. URL and Secret are required.
type WebhookOptions struct {
	// Name of the anchor in reports; "": the host of the URL.
	Name   string
	URL    string
	Secret Secret
	Reach  Reach
	// Keep remembers the last checkpoint that was taken; nil: an [audit.Memory].
	Keep audit.Anchor
}

// NewWebhook returns an anchor that posts every checkpoint as text/plain. The call is
// signed as https://www.standardwebhooks.com says, with HMAC-SHA256 over the id, the time
// and the body; any answer from 200 to 299 means that the checkpoint was kept. Receivers
// check a call with [CheckWebhook] and the checkpoint with [audit.OpenCheckpoint].
func NewWebhook(o WebhookOptions) (*audit.Relay, error) {
	to, err := parse(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Secret.key.IsZero() {
		return nil, ErrSecret
	}
	if o.Name == "" {
		o.Name = "webhook " + to.Host
	}
	c := o.Reach.client()
	return audit.NewRelay(o.Name, o.Keep, func(ctx context.Context, checkpoint []byte, at time.Time) error {
		got, err := c.post(ctx, to, o.Secret.sign(checkpoint, at), checkpoint)
		if err == nil && (got.code < 200 || got.code > 299) {
			err = fmt.Errorf("%w: answer %d", ErrRefused, got.code)
		}
		return err
	}), nil
}

// The headers of a call.
const (
	headerID        = "Webhook-Id"
	headerTime      = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// sign returns the headers of a call. The same checkpoint at the same time is the same
// message: its id says so to a receiver who gets it twice.
func (s Secret) sign(body []byte, at time.Time) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256(append([]byte(stamp+"\n"), body...))
	id := "checkpoint_" + hex.EncodeToString(sum[:16])
	h := http.Header{}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set(headerID, id)
	h.Set(headerTime, stamp)
	h.Set(headerSignature, s.signature(id, stamp, body))
	return h
}

func (s Secret) signature(id, stamp string, body []byte) string {
	m := hmac.New(sha256.New, []byte(s.key.Open()))
	_, _ = fmt.Fprintf(m, "%s.%s.%s", id, stamp, body) // a hash takes everything
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// webhookWithin is how far the time of a call may be from now.
const webhookWithin = 5 * time.Minute

// CheckWebhook is for receivers: it reports with [ErrSignature] if a call was not signed
// with the secret, or more than five minutes away from now.
func CheckWebhook(s Secret, h http.Header, body []byte, now time.Time) error {
	seconds, err := strconv.ParseInt(h.Get(headerTime), 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > webhookWithin || s.key.IsZero() {
		return ErrSignature
	}
	want := []byte(s.signature(h.Get(headerID), h.Get(headerTime), body))
	for given := range strings.FieldsSeq(h.Get(headerSignature)) {
		if hmac.Equal(want, []byte(given)) {
			return nil
		}
	}
	return ErrSignature
}
