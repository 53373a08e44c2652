package otp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// ErrSecret: not the secret of an authenticator.
var ErrSecret = fault.New(fault.Invalid, "otp: not an authenticator's secret")

// What every authenticator app does (RFC 6238 with SHA-1, as apps ignore other wishes).
const (
	Period = 30 * time.Second // a code's life
	Digits = 6
	skew   = 1 // steps that an app's clock may be ahead or behind
)

// secretSize is RFC 4226's recommended length in bytes.
const secretSize = 20

// Secret is what an authenticator app and keyholder share. It cannot print. The zero value
// is none.
type Secret struct{ raw hidden.Text }

// NewSecret makes a random secret of 160 bits.
func NewSecret() Secret {
	b := make([]byte, secretSize)
	_, _ = rand.Read(b) // never fails and never reads short
	return Secret{raw: hidden.Of(b)}
}

// SecretOf is a secret of 16 to 64 bytes, as it was kept. Errors: [ErrSecret].
func SecretOf(raw []byte) (Secret, error) {
	if len(raw) < 16 || len(raw) > 64 {
		return Secret{}, ErrSecret
	}
	return Secret{raw: hidden.Of(raw)}, nil
}

// Reveal returns the bytes, to be sealed.
func (s Secret) Reveal() []byte { return []byte(s.raw.Open()) }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.raw.IsZero() }

// Text is the secret as a person types it into an app: base32. Show it once, over a
// connection that nobody reads, to the owner and to nobody else.
func (s Secret) Text() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(s.raw.Open()))
}

// URI is the secret as a picture for an app's camera says it (otpauth, Google's key URI
// format). issuer is the host's name, account what the app shows below it. It holds the
// secret: what is said of [Secret.Text] holds here.
func (s Secret) URI(issuer, account string) string {
	q := url.Values{"secret": {s.Text()}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {fmt.Sprint(Digits)}, "period": {fmt.Sprint(int(Period.Seconds()))}}
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account, RawQuery: strings.ReplaceAll(q.Encode(), "+", "%20")}
	return u.String()
}

// Format keeps the secret out of every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credentials.Redacted) }

// LogValue keeps the secret out of slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(credentials.Redacted) }

// MarshalText keeps the secret out of JSON and every other text form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(credentials.Redacted), nil }

// Step is the number of the 30 seconds in which now lies.
func Step(now time.Time) int64 { return now.Unix() / int64(Period.Seconds()) }

// At is what the owner's app shows at a time.
func (s Secret) At(now time.Time) credentials.Code { return s.code(Step(now)) }

func (s Secret) code(step int64) credentials.Code {
	text, _ := hotp.GenerateCode(s.Text(), uint64(step)) // fails only for what is not base32
	c, _ := credentials.ParseCode(text)
	return c
}

// Match compares what somebody typed with the codes of the step of now and of its
// neighbours, and returns the step that it belongs to. last is the newest step that was
// ever accepted, 0 for none: that one and all before it are never accepted again. Every
// step is compared, whichever fits. The caller keeps the step in the very commit that the
// match leads to.
func (s Secret) Match(typed Answer, now time.Time, last int64) (step int64, ok bool) {
	for n := Step(now) - skew; n <= Step(now)+skew; n++ {
		equal := subtle.ConstantTimeCompare([]byte(s.code(n).Reveal()), []byte(typed.text.Open())) == 1
		if equal && n > last && !ok {
			step, ok = n, true
		}
	}
	return step, ok && !s.IsZero()
}
