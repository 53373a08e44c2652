package webpush

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	lib "github.com/SherClockHolmes/webpush-go"

	"github.com/seed-a2d3eaca/keyholder/notify"
)

// ErrSubscription: not what a browser gives when it registers, or its push service lies
// where nothing may be sent. It is a [notify.ErrRejected].
var ErrSubscription = fmt.Errorf("%w: not a push subscription", notify.ErrRejected)

// maxSubscription is the longest subscription, in bytes of JSON.
const maxSubscription = 4096

// subscription is where an app gets messages, and the keys to write for it alone.
type subscription struct {
	endpoint string
	keys     lib.Keys
}

// ParseSubscription reports whether text is a subscription as a browser gives it
// (PushSubscription.toJSON) to which a pusher with the zero [Reach] would send: call it
// when an app registers. The address behind the endpoint's name is looked at when a message
// is sent. Errors: [ErrSubscription].
func ParseSubscription(text string) error {
	_, err := Reach{}.parse(text)
	return err
}

func (r Reach) parse(text string) (subscription, error) {
	var s struct {
		Endpoint string `json:"endpoint"`
		Keys     struct {
			Auth   string `json:"auth"`
			P256dh string `json:"p256dh"`
		} `json:"keys"`
	}
	if len(text) > maxSubscription || json.Unmarshal([]byte(text), &s) != nil || !r.endpoint(s.Endpoint) {
		return subscription{}, ErrSubscription
	}
	auth, err := decode(s.Keys.Auth)
	if err != nil || len(auth) != 16 {
		return subscription{}, ErrSubscription
	}
	public, err := decode(s.Keys.P256dh)
	if err != nil {
		return subscription{}, ErrSubscription
	}
	if _, err := ecdh.P256().NewPublicKey(public); err != nil {
		return subscription{}, ErrSubscription
	}
	return subscription{endpoint: s.Endpoint, keys: lib.Keys{
		Auth: base64.RawURLEncoding.EncodeToString(auth), P256dh: base64.RawURLEncoding.EncodeToString(public),
	}}, nil
}

// decode reads base64url with or without its padding.
func decode(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
}

// endpoint reports whether a URL may be one.
func (r Reach) endpoint(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	if r.Private {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return (u.Port() == "" || u.Port() == "443") && (err != nil || Public(ip))
}
