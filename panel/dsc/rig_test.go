package dsc_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// rig is a listening driver with panels that call it, in memory or over TCP.
type rig struct {
	t       *testing.T
	driver  *dsc.Driver
	network *paneltest.Network // nil over TCP
	log     *record
	addr    string // over TCP

	mu       sync.Mutex
	keys     map[string]dsc.Key
	arrivals []panel.Arrival
}

// record is a log that can be read while it is written.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// listen starts a driver in memory, in a bubble.
func listen(t *testing.T, o dsc.Options) *rig {
	r := &rig{t: t, network: new(paneltest.Network)}
	o.Listen = func(context.Context) (net.Listener, error) { return r.network.Listen(dsc.DefaultAddr) }
	r.start(o)
	synctest.Wait()
	return r
}

// listenTCP starts a driver on loopback.
func listenTCP(t *testing.T, o dsc.Options) *rig {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &rig{t: t, addr: l.Addr().String()}
	o.Listen = func(context.Context) (net.Listener, error) { return l, nil }
	if o.Quiet == 0 {
		o.Quiet = 20 * time.Millisecond
	}
	r.start(o)
	return r
}

func (r *rig) start(o dsc.Options) {
	r.log = new(record)
	r.keys = map[string]dsc.Key{}
	o.Log = slog.New(slog.NewTextHandler(r.log, nil))
	o.Allow = func(_ context.Context, id string) (dsc.Key, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if key, ok := r.keys[id]; ok {
			return key, nil
		}
		return dsc.Key{}, dsc.ErrUnlisted
	}
	r.driver = dsc.New(o)
	r.background(func(ctx context.Context) {
		for a, err := range r.driver.Arrivals(ctx) {
			if err != nil {
				r.t.Errorf("Arrivals: %v", err)
				return
			}
			r.mu.Lock()
			r.arrivals = append(r.arrivals, a)
			r.mu.Unlock()
		}
	})
}

// background runs f until the test ends.
func (r *rig) background(f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { f(ctx) })
	r.t.Cleanup(func() { cancel(); work.Wait() })
}

// arrived returns what Arrivals has said so far.
func (r *rig) arrived() []panel.Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]panel.Arrival(nil), r.arrivals...)
}

// dial connects to the driver from an address of its own.
func (r *rig) dial(from string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		if r.network != nil {
			return r.network.From(from).DialContext(ctx, "tcp", "10.0.0.1:3072")
		}
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		return d.DialContext(ctx, "tcp", r.addr)
	}
}

// allow puts a panel on the host's list.
func (r *rig) allow(ident string, key dsc.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[ident] = key
}

// call starts a panel that the host knows.
func (r *rig) call(o dscsim.Options) *dscsim.Panel {
	if o.Ident == "" {
		o.Ident = ident
	}
	key := dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(dscsim.DefaultType2)}
	if o.Type1 {
		key = dsc.Key{Encryption: dsc.Type1, Secret: panel.SecretOf(dscsim.DefaultType1)}
	}
	r.allow(o.Ident, key)
	return r.stranger(o)
}

// stranger starts a panel of which the host knows nothing more than it does already.
func (r *rig) stranger(o dscsim.Options) *dscsim.Panel {
	if o.Dial == nil {
		from := "127.0.0.1"
		if r.network != nil {
			from = "192.0.2.10:1025"
		}
		o.Dial = r.dial(from)
	}
	if o.Redial == 0 && r.network == nil {
		o.Redial = 10 * time.Millisecond
	}
	if o.LeadIn == 0 && r.network == nil {
		o.LeadIn = 5 * time.Millisecond
	}
	p := dscsim.New(o)
	r.background(func(ctx context.Context) { _ = p.Serve(ctx) })
	return p
}

func target(id string) panel.Target {
	return panel.Target{Panel: "p-1", Ident: id, Routes: map[string]panel.Route{
		dsc.Route: {Secrets: map[string]panel.Secret{dsc.MasterSecret: panel.SecretOf(masterCode)}},
	}}
}

// open waits for a panel and opens it.
func (r *rig) open(id string) panel.Session {
	r.t.Helper()
	var s panel.Session
	var err error
	for range 400 {
		if s, err = r.driver.Open(r.t.Context(), target(id)); !errors.Is(err, panel.ErrAbsent) {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = s.Close() })
	return s
}

func code(t testing.TB, digits string) panel.Code {
	t.Helper()
	c, err := credentials.ParseCode(digits)
	require.NoError(t, err)
	return c
}

// apply carries out one edit.
func apply(t testing.TB, s panel.Session, e panel.Edit) (out panel.Outcome, line error) {
	t.Helper()
	for o, err := range s.Apply(t.Context(), []panel.Edit{e}) {
		if err != nil {
			return out, err
		}
		out = o
	}
	return out, nil
}

// read collects users.
func read(t testing.TB, s panel.Session, q panel.Query) (out []panel.Report, line error) {
	t.Helper()
	for e, err := range s.Read(t.Context(), q) {
		if err != nil {
			return out, err
		}
		if e.User != nil {
			out = append(out, *e.User)
		}
	}
	return out, nil
}

func create(t testing.TB, slot int, digits string) panel.Edit {
	return panel.Edit{
		Place: panel.Place{Slot: slot}, Do: panel.Create,
		Set:    panel.FieldCode | panel.FieldRole | panel.FieldPartitions | panel.FieldLabel,
		Values: panel.Values{Code: code(t, digits), Role: panel.User, Partitions: panel.PartitionsOf(1, 3), Label: "Cleaner"},
	}
}

const everything = panel.FieldCode | panel.FieldRole | panel.FieldPartitions | panel.FieldLabel
