package qolsys

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/internal/iqremote"
)

const (
	// goodbye is how long a client may take to leave, in milliseconds.
	goodbye = 250
	// writing is how long a command may take to leave. It holds also where ctx ends.
	writing = 4 * time.Second
)

// errClosed: the session was closed on our side.
var errClosed = errors.New("qolsys: session is closed")

// link is an MQTT session with one panel.
type link struct {
	opts   Options
	client mqtt.Client
	conn   *tls.Conn
	mac    string
	local  string
	shown  []byte // pin of the key that the panel showed
	box    *mailbox

	mu      sync.Mutex
	pending map[string]chan []byte
	why     error // what ended the link
	over    chan struct{}
	work    sync.WaitGroup
}

// dial connects, proves who we are, and subscribes. ctx bounds all of it.
func dial(ctx context.Context, o Options, addr string, p pairing, pinned []byte) (*link, error) {
	l := &link{opts: o, mac: p.remote, box: newMailbox(), pending: map[string]chan []byte{}, over: make(chan struct{})}
	if err := l.connect(ctx, addr, p, pinned); err != nil {
		return nil, err
	}
	l.client = mqtt.NewClient(l.options(p.remote))
	// What ends ctx ends the connection, and with it whatever waits for an answer.
	stop := context.AfterFunc(ctx, func() { _ = l.conn.Close() })
	defer stop()
	if err := l.enter(ctx); err != nil {
		l.end(err)
		return nil, err
	}
	l.work.Go(l.ping)
	return l, nil
}

// connect makes the connection and TLS.
func (l *link) connect(ctx context.Context, addr string, p pairing, pinned []byte) error {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Dial)
	defer cancel()
	conn, err := l.opts.Dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return lineError(err)
	}
	verify := trust(p.authority, pinned)
	l.conn = shake(conn, &tls.Config{
		// Whatever authorities the panel names: there is one certificate to show.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &p.own, nil },
		VerifyConnection:     verify,
	})
	if err := l.conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return lineError(err)
	}
	l.shown = pin(leaf(l.conn))
	l.local, _, _ = net.SplitHostPort(conn.LocalAddr().String())
	return nil
}

func leaf(c *tls.Conn) *x509.Certificate { return c.ConnectionState().PeerCertificates[0] }

func (l *link) options(mac string) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions()
	o.AddBroker("tls://panel") // the connection is there already
	o.SetClientID("keyholder-" + iqremote.NewID())
	o.SetProtocolVersion(4) // 3.1.1, and nothing else after a refusal: one attempt
	o.SetCleanSession(true)
	o.SetAutoReconnect(false)
	o.SetConnectRetry(false)
	o.SetKeepAlive(l.opts.KeepAlive)
	o.SetPingTimeout(l.opts.Answer)
	o.SetConnectTimeout(l.opts.Answer)
	o.SetWriteTimeout(writing)
	o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
		return &framing{Conn: l.conn, limit: l.opts.MaxMessage, topics: len(topics(mac)), lost: func(err error) { l.fail(lineError(err)) }}, nil
	})
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { l.fail(lineError(err)) })
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { l.hear(m, mac) })
	return o
}

// topics are those that we listen to, with the quality of delivery: at most once.
func topics(mac string) map[string]byte {
	return map[string]byte{iqremote.TopicChanges: 0, iqremote.ResponseTopic(mac): 0}
}

// enter makes the MQTT session.
func (l *link) enter(ctx context.Context) error {
	err := l.await(ctx, l.client.Connect())
	if errors.Is(err, packets.ErrorRefusedNotAuthorised) || errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword) {
		return fmt.Errorf("%w: %w", panel.ErrSecret, err)
	}
	if err != nil {
		return err
	}
	token := l.client.SubscribeMultiple(topics(l.mac), nil)
	if err := l.await(ctx, token); err != nil {
		return err
	}
	if t, ok := token.(*mqtt.SubscribeToken); ok {
		for _, granted := range t.Result() {
			if granted > 2 {
				return fmt.Errorf("%w: a topic is refused", panel.ErrSecret)
			}
		}
	}
	return nil
}

// await waits for the client.
func (l *link) await(ctx context.Context, token mqtt.Token) error {
	timer := time.NewTimer(l.opts.Answer)
	defer timer.Stop()
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			switch why := l.reason(); {
			case ctx.Err() != nil:
				return ended(ctx)
			case why != nil:
				return why
			}
			return lineError(err)
		}
		return nil
	case <-l.over:
		return l.reason()
	case <-ctx.Done():
		return ended(ctx)
	case <-timer.C:
		return panel.ErrTimeout
	}
}

// ended is the line error for a context that is over.
func ended(ctx context.Context) error {
	return fmt.Errorf("%w: %w", panel.ErrTimeout, context.Cause(ctx))
}

// ask sends a command and waits for the answer to it.
func (l *link) ask(ctx context.Context, id string, command []byte) ([]byte, error) {
	answer := make(chan []byte, 1)
	l.mu.Lock()
	l.pending[id] = answer
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.pending, id)
	}()
	if err := l.await(ctx, l.client.Publish(iqremote.TopicRequest, 0, false, command)); err != nil {
		return nil, err
	}
	timer := time.NewTimer(l.opts.Answer)
	defer timer.Stop()
	select {
	case b := <-answer:
		return b, nil
	case <-l.over:
		return nil, l.reason()
	case <-ctx.Done():
		return nil, ended(ctx)
	case <-timer.C:
		return nil, panel.ErrTimeout
	}
}

// hear takes what the panel publishes. It never waits: the client reads nothing else
// meanwhile.
func (l *link) hear(m mqtt.Message, mac string) {
	switch m.Topic() {
	case iqremote.TopicChanges:
		n, err := iqremote.DecodeNotice(m.Payload())
		switch {
		case err != nil || n.Doubt:
			l.box.doubt()
		case n.Leaving:
			l.fail(fmt.Errorf("%w: the panel ends the session", panel.ErrUnreachable))
		case n.User != 0:
			l.box.changed(n.User)
		}
	case iqremote.ResponseTopic(mac):
		a, err := iqremote.DecodeAnswer(m.Payload())
		if err != nil {
			return // an answer that cannot be matched is one that does not come
		}
		if a.Deleted {
			l.fail(fmt.Errorf("%w: %w", panel.ErrSecret, ErrDeleted))
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if waiting := l.pending[a.ID]; waiting != nil {
			delete(l.pending, a.ID) // a second answer with this id is nobody's
			waiting <- m.Payload()
		}
	}
}

// ping is the remote's sign of life. Whether it is answered says nothing that MQTT's own
// does not.
func (l *link) ping() {
	ticker := time.NewTicker(l.opts.Ping)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.client.Publish(iqremote.TopicRequest, 0, false, iqremote.Ping(iqremote.NewID(), l.mac, l.local))
		case <-l.over:
			return
		}
	}
}

// fail ends the link's use: the first reason counts.
func (l *link) fail(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		l.why = why
		close(l.over)
	}
}

func (l *link) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// end closes the connection and waits for what runs on it.
func (l *link) end(why error) {
	l.fail(why)
	l.client.Disconnect(goodbye)
	_ = l.conn.Close()
	l.work.Wait()
}
