package smsgateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/examples/smsgateway"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
)

const number = "+491701234567"

var key = notify.NewSecret("planted-gateway-key")

// provider is the other side on loopback: it checks every signature, and takes an id once.
type provider struct {
	net.Listener
	t      *testing.T
	http   *httptest.Server
	closed atomic.Bool

	mu    sync.Mutex
	mood  notifytest.Mood
	texts []string
	ids   map[string]bool
}

func newProvider(t *testing.T) *provider {
	p := &provider{t: t, ids: map[string]bool{}}
	p.http = httptest.NewUnstartedServer(http.HandlerFunc(p.take))
	p.http.Config.ErrorLog = log.New(io.Discard, "", 0) // broken lines are what is tested
	p.Listener, p.http.Listener = p.http.Listener, p
	p.http.StartTLS()
	t.Cleanup(p.http.Close)
	return p
}

// Accept sends whoever comes while the provider is away back at once.
func (p *provider) Accept() (net.Conn, error) {
	for {
		c, err := p.Listener.Accept()
		if err != nil || !p.closed.Load() {
			return c, err
		}
		_ = c.Close()
	}
}

func (p *provider) set(m notifytest.Mood) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mood = m
	p.closed.Store(m == notifytest.Away)
}

func (p *provider) took() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.texts...)
}

func (p *provider) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	assert.NoError(p.t, err)
	if r.Header.Get("X-Signature") != smsgateway.Sign(key, r.Header.Get("X-Timestamp"), string(body)) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var m map[string]string
	if r.Header.Get("Content-Type") == "application/json" {
		assert.NoError(p.t, json.Unmarshal(body, &m))
	} else {
		form, err := url.ParseQuery(string(body))
		assert.NoError(p.t, err)
		m = map[string]string{"from": form.Get("from"), "to": form.Get("to"), "text": form.Get("text")}
	}
	assert.Equal(p.t, number, m["to"])
	assert.Equal(p.t, "Codes", m["from"])
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.mood {
	case notifytest.Busy:
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case notifytest.Refusing:
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = fmt.Fprintf(w, "no such number: %s %s", m["to"], m["text"])
		return
	case notifytest.Hanging:
		<-r.Context().Done()
		return
	}
	if id := r.Header.Get("Idempotency-Key"); !p.ids[id] {
		p.ids[id] = true
		p.texts = append(p.texts, m["text"])
	}
	if p.mood == notifytest.Mute {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"id":"gateway-0001"}`)
}

func (p *provider) gateway(edit ...func(o *smsgateway.Options)) *smsgateway.Gateway {
	o := smsgateway.Options{URL: p.http.URL, Key: key, From: "Codes", Client: p.http.Client(), Timeout: 3 * time.Second}
	for _, e := range edit {
		e(&o)
	}
	g, err := smsgateway.New(o)
	require.NoError(p.t, err)
	return g
}

func TestGatewayKeepsTheTransportsContract(t *testing.T) {
	for name, form := range map[string]smsgateway.Form{"JSON": smsgateway.JSON, "form": smsgateway.URLEncoded} {
		t.Run(name, func(t *testing.T) {
			notifytest.RunTransport(t, func(t *testing.T) notifytest.Bench {
				p := newProvider(t)
				g := p.gateway(func(o *smsgateway.Options) { o.Form = form })
				return notifytest.Bench{
					Address: number,
					Send: func(ctx context.Context, id, address, text string) (notify.Delivery, error) {
						return g.SendText(ctx, notify.Text{ID: id, To: address, Body: text})
					},
					Set:  p.set,
					Took: p.took,
				}
			})
		})
	}
}

// After an answer that got lost the second try is the same message to the gateway.
func TestASecondTryIsTheSameMessage(t *testing.T) {
	p := newProvider(t)
	g := p.gateway()
	p.set(notifytest.Mute)
	_, err := g.SendText(t.Context(), notify.Text{ID: "m-1", To: number, Body: "Hello"})
	require.ErrorIs(t, err, notify.ErrUnsure)
	p.set(notifytest.Well)
	d, err := g.SendText(t.Context(), notify.Text{ID: "m-1", To: number, Body: "Hello"})
	require.NoError(t, err)
	assert.Equal(t, "gateway-0001", d.MessageID)
	assert.Equal(t, []string{"Hello"}, p.took())
}

// Rules: G207
func TestOnlyNumbersOfServedCountries(t *testing.T) {
	p := newProvider(t)
	g := p.gateway(func(o *smsgateway.Options) { o.Countries = []string{"49", "1"} })
	for _, to := range []string{"", "0170123456", "+0491234567", "+49 170 1234567", "+491701234567\n", "+881612345678", "+441234567890"} {
		_, err := g.SendText(t.Context(), notify.Text{ID: "m-1", To: to, Body: "Hello"})
		require.ErrorIs(t, err, notify.ErrRejected, to)
	}
	assert.Empty(t, p.took())
	_, err := g.SendText(t.Context(), notify.Text{ID: "m-1", To: number, Body: "Hello"})
	require.NoError(t, err)
}

func TestAWrongKeyWaitsForTheRightOne(t *testing.T) {
	p := newProvider(t)
	g := p.gateway(func(o *smsgateway.Options) { o.Key = notify.NewSecret("another") })
	_, err := g.SendText(t.Context(), notify.Text{ID: "m-1", To: number, Body: "Hello"})
	require.ErrorIs(t, err, notify.ErrUnavailable)
	require.ErrorIs(t, err, smsgateway.ErrKey)
}

func TestOptionsAreChecked(t *testing.T) {
	good := smsgateway.Options{URL: "https://sms.example.com/send", Key: key, From: "Codes"}
	g, err := smsgateway.New(good)
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %v", g, g, g, g.LogValue()), "planted")
	for name, spoil := range map[string]func(o *smsgateway.Options){
		"no URL":    func(o *smsgateway.Options) { o.URL = "" },
		"no TLS":    func(o *smsgateway.Options) { o.URL = "http://sms.example.com/" },
		"no key":    func(o *smsgateway.Options) { o.Key = notify.Secret{} },
		"no sender": func(o *smsgateway.Options) { o.From = "" },
	} {
		o := good
		spoil(&o)
		_, err := smsgateway.New(o)
		require.ErrorIs(t, err, smsgateway.ErrOptions, name)
	}
}

func Example() {
	g, err := smsgateway.New(smsgateway.Options{
		URL: "https://sms.example.com/send", Key: notify.NewSecret("from the host's configuration"), From: "Codes",
		Countries: []string{"49", "43", "41"},
	})
	fmt.Println(g, err) // give g to signin.Options and notices.Options
	// Output: sms gateway <nil>
}
