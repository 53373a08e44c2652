package webpush_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/notify/webpush"
)

func TestPusherKeepsTheTransportsContract(t *testing.T) {
	notifytest.RunTransport(t, func(t *testing.T) notifytest.Bench {
		s := newService(t)
		p := s.pusher(true)
		return notifytest.Bench{
			Address: s.subscription(),
			Send: func(ctx context.Context, id, address, text string) (notify.Delivery, error) {
				d, err := p.SendNotice(ctx, notify.Notice{ID: id, Endpoint: address, Title: "t", Body: text})
				if err != nil {
					assert.NotContains(t, fmt.Sprintf("%+v", err), token)
				}
				return d, err
			},
			Set:  s.behave,
			Took: s.took,
		}
	})
}

// behave is the kit's mood in the service's words. Away takes every connection and breaks
// it off before TLS, which is how a closed port can come back under the same address.
func (s *service) behave(m notifytest.Mood) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.mute, s.wait = http.StatusCreated, m == notifytest.Mute, nil
	s.door.shut(m == notifytest.Away)
	switch m {
	case notifytest.Busy:
		s.status = http.StatusServiceUnavailable
	case notifytest.Refusing:
		s.status = http.StatusGone
	case notifytest.Hanging:
		s.wait = make(chan struct{})
	}
}

func TestANoticeIsReadByItsAppAlone(t *testing.T) {
	s := newService(t)
	p := s.pusher(true)
	d, err := p.SendNotice(t.Context(), notice(s))
	require.NoError(t, err)
	assert.Equal(t, "n-1", d.MessageID)
	require.Len(t, s.took(), 1)
	var got map[string]string
	require.NoError(t, json.Unmarshal([]byte(s.took()[0]), &got))
	assert.Equal(t, map[string]string{"id": "n-1", "title": "Front door", "body": "Opened at 9:00."}, got)
	_, err = p.SendNotice(t.Context(), notice(s))
	require.NoError(t, err)
	require.Len(t, s.topics, 2)
	assert.Equal(t, s.topics[0], s.topics[1], "a second try takes the place of the first")
	assert.Len(t, s.topics[0], 32)
}

// What a push service answers, told apart: 404 and 410 end the registration.
//
// Rules: G207
func TestAnswersAreToldApart(t *testing.T) {
	for status, want := range map[int]struct {
		err   error
		ended bool
	}{
		404: {notify.ErrRejected, true}, 410: {notify.ErrRejected, true},
		400: {notify.ErrRejected, false}, 403: {notify.ErrRejected, false}, 413: {notify.ErrRejected, false},
		307: {notify.ErrRejected, false},
		429: {notify.ErrUnavailable, false}, 500: {notify.ErrUnavailable, false}, 503: {notify.ErrUnavailable, false},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			s := newService(t)
			p := s.pusher(true)
			s.set(status, false)
			_, err := p.SendNotice(t.Context(), notice(s))
			require.ErrorIs(t, err, want.err)
			r, ok := errors.AsType[*notify.RejectedError](err)
			assert.Equal(t, want.ended, ok && r.Ended)
			assert.Equal(t, errors.Is(want.err, notify.ErrUnavailable), fault.Temporary(err))
		})
	}
}

// An app cannot have this program talk to the network that it runs in.
//
// Rules: G207, R248
func TestOnlyPublicAddressesAreReached(t *testing.T) {
	s := newService(t)
	p := s.pusher(false)
	inside := func(endpoint string) string {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(s.subscription()), &m))
		m["endpoint"] = endpoint
		b, err := json.Marshal(m)
		require.NoError(t, err)
		return string(b)
	}
	for _, endpoint := range []string{
		s.http.URL, "https://localhost/x", "https://127.0.0.1/x", "https://[::1]/x", "https://10.1.2.3/x",
		"https://169.254.169.254/x", "https://[::ffff:10.0.0.1]/x", "https://example.com:22/x", "http://example.com/x",
		"https://user:secret@example.com/x", "https://example.com/x#y", "file:///x", "https:///x", "", "x",
	} {
		_, err := p.SendNotice(t.Context(), notify.Notice{ID: "n", Endpoint: inside(endpoint)})
		require.ErrorIs(t, err, webpush.ErrSubscription, endpoint)
		require.ErrorIs(t, err, notify.ErrRejected, endpoint)
	}
	assert.Empty(t, s.took())
}

// Rules: R248
func TestPublicAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "10.0.0.1": false, "100.64.0.1": false, "127.0.0.1": false, "169.254.1.1": false,
		"172.16.0.1": false, "192.0.2.1": false, "192.168.1.1": false, "198.18.0.1": false, "224.0.0.1": false,
		"240.0.0.1": false, "255.255.255.255": false, "::": false, "::1": false, "::ffff:10.0.0.1": false,
		"64:ff9b::a00:1": false, "fc00::1": false, "fe80::1": false, "fe80::1%eth0": false, "ff02::1": false,
		"2001:db8::1": false, "2002:a00:1::": false, "2001::1": false,
	} {
		assert.Equal(t, want, webpush.Public(netip.MustParseAddr(text)), text)
	}
	assert.False(t, webpush.Public(netip.Addr{}))
}

func TestSubscriptionsAreChecked(t *testing.T) {
	s := newService(t)
	good := strings.Replace(s.subscription(), s.http.URL, "https://push.example.com", 1)
	require.NoError(t, webpush.ParseSubscription(good))
	for name, bad := range map[string]string{
		"nothing": "", "no JSON": "x", "long": good + strings.Repeat(" ", 5000),
		"no keys":     `{"endpoint":"https://push.example.com/x"}`,
		"a short key": strings.Replace(good, `"auth":"`, `"auth":"AA`, 1),
		"no point":    strings.Replace(good, `"p256dh":"B`, `"p256dh":"C`, 1),
	} {
		require.ErrorIs(t, webpush.ParseSubscription(bad), webpush.ErrSubscription, name)
	}
	p := s.pusher(true)
	n := notice(s)
	n.Body = strings.Repeat("x", 4000)
	_, err := p.SendNotice(t.Context(), n)
	require.ErrorIs(t, err, notify.ErrMessage)
}

func FuzzParseSubscription(f *testing.F) {
	f.Add(`{"endpoint":"https://push.example.com/x","keys":{"auth":"AAAAAAAAAAAAAAAAAAAAAA==","p256dh":"BA"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if err := webpush.ParseSubscription(text); err != nil {
			require.ErrorIs(t, err, webpush.ErrSubscription)
			assert.Equal(t, webpush.ErrSubscription.Error(), err.Error())
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	key, err := webpush.NewKey()
	require.NoError(t, err)
	good := webpush.Options{Key: key, Contact: "push@example.com"}
	p, err := webpush.New(good)
	require.NoError(t, err)
	assert.Len(t, p.PublicKey(), 87)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %v", p, p, p, p.LogValue()), key.Reveal())
	for name, spoil := range map[string]func(o *webpush.Options){
		"no key":      func(o *webpush.Options) { o.Key = notify.Secret{} },
		"another key": func(o *webpush.Options) { o.Key = notify.NewSecret("AAAA") },
		"no base64":   func(o *webpush.Options) { o.Key = notify.NewSecret("=") },
		"no contact":  func(o *webpush.Options) { o.Contact = "" },
		"a link":      func(o *webpush.Options) { o.Contact = "https:" },
		"a long life": func(o *webpush.Options) { o.Life = 1000 * time.Hour },
	} {
		o := good
		spoil(&o)
		_, err := webpush.New(o)
		require.ErrorIs(t, err, webpush.ErrOptions, name)
	}
}

func Example() {
	key, _ := webpush.NewKey() // once; keep it
	p, err := webpush.New(webpush.Options{Key: key, Contact: "push@example.com"})
	fmt.Println(p, len(p.PublicKey()), err)
	// Output: pusher 87 <nil>
}
