package qolsyssim

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// newBroker makes the panel's MQTT broker.
func (p *Panel) newBroker() (*mqtt.Server, error) {
	l, err := p.o.Listen(BrokerAddr)
	if err != nil {
		return nil, err
	}
	broker := mqtt.New(&mqtt.Options{
		InlineClient: true, Logger: slog.New(slog.DiscardHandler), SysTopicResendInterval: 3600,
	})
	if err := broker.AddHook(&hook{panel: p}, nil); err != nil {
		return nil, err
	}
	return broker, broker.AddListener(&listener{panel: p, l: l})
}

// publish sends a message to whoever listens. The caller holds p.mu.
func (p *Panel) publish(topic string, payload []byte) {
	if p.broker == nil {
		return
	}
	times := 1
	if p.quirks[TwiceTold] {
		times = 2
	}
	for range times {
		_ = p.broker.Publish(topic, payload, false, 0)
	}
}

// Publish sends bytes on a topic, as a broken or foreign panel might.
func (p *Panel) Publish(topic string, payload []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publish(topic, payload)
}

// listener is the panel's port: TLS, and the faults, between it and the broker.
type listener struct {
	panel *Panel
	l     net.Listener
	work  sync.WaitGroup
}

func (l *listener) Init(*slog.Logger) error { return nil }
func (l *listener) ID() string              { return "iqremote" }
func (l *listener) Address() string         { return l.l.Addr().String() }
func (l *listener) Protocol() string        { return "tcp" }

func (l *listener) Serve(establish listeners.EstablishFn) {
	for {
		conn, err := l.l.Accept()
		if err != nil {
			return
		}
		l.work.Go(func() {
			if !l.panel.take(conn) {
				return
			}
			defer l.panel.forget(conn)
			c, ok := l.panel.secure(conn, l.panel.remoteConfig())
			if ok {
				_ = establish(l.ID(), c) // how a client leaves is no concern of the panel's
			}
		})
	}
}

func (l *listener) Close(closeClients listeners.CloseFn) {
	_ = l.l.Close()
	closeClients(l.ID())
	l.work.Wait()
}

// remoteConfig asks for a paired remote's certificate.
func (p *Panel) remoteConfig() *tls.Config {
	c := p.config()
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyConnection = func(cs tls.ConnectionState) error {
		p.present()
		if p.quirk(RefusedLate) {
			return p.o.Identity.signed(cs)
		}
		if p.faults.Strikes(paneltest.WrongSecret) || p.o.Identity.unpaired() {
			return errUnpaired
		}
		return p.o.Identity.signed(cs)
	}
	return c
}

// config is what both ports have.
func (p *Panel) config() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{p.o.Identity.leaf}} //nolint:gosec // as panels are thought to speak
	if p.quirk(NewTLS) {
		c.MaxVersion = tls.VersionTLS13
	}
	if p.quirk(SHA256) {
		c.Certificates[0] = p.o.Identity.modern
	}
	return c
}

// secure makes TLS out of a connection, with the panel's faults above and below it.
func (p *Panel) secure(conn net.Conn, config *tls.Config) (net.Conn, bool) {
	wire := &damaged{Conn: conn}
	c := tls.Server(wire, config)
	ctx, cancel := context.WithTimeout(context.Background(), handshake)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, false
	}
	return &faulty{Conn: c, wire: wire, faults: &p.faults}, true
}

// damaged flips a bit of what TLS sends, once.
type damaged struct {
	net.Conn
	mu   sync.Mutex
	next bool
}

func (d *damaged) damage() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next = true
}

func (d *damaged) Write(b []byte) (int, error) {
	d.mu.Lock()
	hit := d.next
	d.next = false
	d.mu.Unlock()
	if hit {
		b = bytes.Clone(b)
		b[len(b)/2] ^= 0x15
	}
	return d.Conn.Write(b)
}

// faulty sends each message as the armed faults have it.
type faulty struct {
	net.Conn
	wire   *damaged
	faults *paneltest.Faults
}

func (f *faulty) Write(b []byte) (int, error) {
	if f.faults.Strikes(paneltest.Corrupt) {
		f.wire.damage()
	}
	if err := f.faults.Send(f.Conn, b, false); err != nil {
		return 0, err
	}
	return len(b), nil
}

// hook answers commands.
type hook struct {
	mqtt.HookBase
	panel *Panel
}

func (*hook) ID() string { return "panel" }

func (*hook) Provides(b byte) bool {
	return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck || b == mqtt.OnPublished
}

func (h *hook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool {
	p := h.panel
	return !p.quirk(RefusedLate) || !p.faults.Strikes(paneltest.WrongSecret) && !p.o.Identity.unpaired()
}

func (*hook) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

func (h *hook) OnPublished(_ *mqtt.Client, pk packets.Packet) {
	if pk.TopicName == "mastermeid" {
		h.panel.command(pk.Payload)
	}
}

// command is one command of a remote.
func (p *Panel) command(b []byte) {
	var c struct {
		ID     string `json:"requestID"`
		Topic  string `json:"responseTopic"`
		Event  string `json:"eventName"`
		Remote string `json:"remoteMacAddress"`
	}
	if json.Unmarshal(b, &c) != nil || c.ID == "" || c.Topic == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := object{"requestID": c.ID, "responseTopic": c.Topic, "eventName": c.Event, "remoteMacAddress": c.Remote}
	switch c.Event {
	case "connect_v204":
		a["eventName"], a["responseStatus"], a["DEVICES_SUPPORTED"] = "connect", "success", "zwave"
		a["primary_product_type"], a["primary_sdk_version"] = p.o.Board, "4.4.1"
		if !p.quirks[Nameless] {
			a["master_mac"] = p.o.Identity.MAC
		}
		if p.quirks[UnknownBoard] {
			a["primary_product_type"] = "unheard_of"
		}
	case "syncdatabase":
		a["fulldbdata"] = p.tables()
	case "pingevent":
		p.pings++
		a["primaryPanelTimeInMills"] = time.Now().UnixMilli()
	default:
		return
	}
	if p.quirks[StaleAnswers] && p.last != nil {
		p.publish(c.Topic, p.last)
	}
	p.last = android(a)
	p.publish(c.Topic, p.last)
}
