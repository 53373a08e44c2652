package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/lock"
	"github.com/seed-a2d3eaca/keyholder/panel/lock/locksim"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
)

// desk is somebody at the keyboard of a simulator that runs on a port.
type desk struct {
	*testing.T
	said map[string]string // what it says of itself, by the word before the colon
	in   io.Writer
	out  *bufio.Reader
}

// sit starts the whole program and reads how to reach it.
func sit(t *testing.T, args ...string) *desk {
	t.Helper()
	keys, in := io.Pipe()
	screen, out := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = run(ctx, args, keys, out) }) // what it says is read below
	t.Cleanup(func() {
		cancel()
		_ = screen.Close()
		_ = in.Close()
		running.Wait()
	})
	d := &desk{T: t, said: map[string]string{}, in: in, out: bufio.NewReader(screen)}
	for {
		line := d.line()
		if strings.HasPrefix(line, "type help") {
			return d
		}
		what, text, _ := strings.Cut(line, ": ")
		value, _, _ := strings.Cut(text, " (")
		d.said[what] = value
	}
}

func (d *desk) line() string {
	d.Helper()
	line, err := d.out.ReadString('\n')
	require.NoError(d, err)
	return strings.TrimSuffix(line, "\n")
}

// types a line and returns the first of the answer.
func (d *desk) types(line string) string {
	d.Helper()
	_, err := fmt.Fprintln(d.in, line)
	require.NoError(d, err)
	return d.line()
}

// secrets are what the simulator has said under these names.
func (d *desk) secrets(names ...string) map[string]panel.Secret {
	d.Helper()
	out := map[string]panel.Secret{}
	for _, n := range names {
		require.NotEmpty(d, d.said[n], n)
		out[n] = panel.SecretOf(d.said[n])
	}
	return out
}

// reads opens the panel with the driver and reads who is there, by label or place.
func (d *desk) reads(driver panel.Driver, route string, secrets map[string]panel.Secret) map[panel.Place]panel.Report {
	d.Helper()
	target := panel.Target{Panel: "p", Ident: d.said["ident"], Routes: map[string]panel.Route{route: {Addr: d.said["address"], Secrets: secrets}}}
	var s panel.Session
	var err error
	require.Eventually(d, func() bool { s, err = driver.Open(d.Context(), target); return err == nil }, 10*time.Second, 50*time.Millisecond, "%v", err)
	defer func() { require.NoError(d, s.Close()) }()
	out := map[panel.Place]panel.Report{}
	for e, err := range s.Read(d.Context(), panel.Query{All: true}) {
		require.NoError(d, err)
		if e.User != nil && e.User.Exists {
			out[e.User.Place] = *e.User
		}
	}
	return out
}

// works keys users in at the simulator and looks at them through the driver.
func (d *desk) works(n int, place panel.Place, named bool, driver panel.Driver, route string, secrets map[string]panel.Secret) {
	d.Helper()
	require.NotContains(d, d.reads(driver, route, secrets), place)
	require.Equal(d, "done", d.types(fmt.Sprintf("set %d 6137", n)))
	if named {
		require.Equal(d, "done", d.types(fmt.Sprintf("label %d Night shift", n)))
	}
	got := d.reads(driver, route, secrets)
	require.Contains(d, got, place)
	if named {
		require.Equal(d, "Night shift", got[place].Label)
	}
	require.Equal(d, "done", d.types(fmt.Sprintf("remove %d", n)))
	require.NotContains(d, d.reads(driver, route, secrets), place)
}

func TestDSC(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := sit(t, "-kind", "dsc", "-dial", l.Addr().String())
	driver := dsc.New(dsc.Options{
		Listen: func(context.Context) (net.Listener, error) { return l, nil }, Quiet: 20 * time.Millisecond,
		Allow: func(context.Context, string) (dsc.Key, error) {
			return dsc.Key{Encryption: dsc.Type2, Secret: panel.SecretOf(d.said["key"])}, nil
		},
	})
	d.arrive(driver)
	d.works(4, panel.Place{Slot: 4}, true, driver, dsc.Route, d.secrets("master"))
}

// arrive lets the panel call the driver until the test ends.
func (d *desk) arrive(driver panel.Driver) {
	ctx, cancel := context.WithCancel(d.Context())
	var listening sync.WaitGroup
	listening.Go(func() {
		for _, err := range driver.Arrivals(ctx) {
			assert.NoError(d, err)
		}
	})
	d.Cleanup(func() { cancel(); listening.Wait() })
}

func TestVisonic(t *testing.T) {
	t.Parallel()
	d := sit(t, "-kind", "visonic")
	driver := visonic.NewFrames(visonic.Options{Dial: func(ctx context.Context, addr string) (io.ReadWriteCloser, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}})
	d.works(4, panel.Place{Slot: 4}, false, driver, visonic.FramesRoute, d.secrets("download"))
}

func TestVisonicRPC(t *testing.T) {
	t.Parallel()
	d := sit(t, "-kind", "visonic-rpc")
	driver := visonic.NewRPC(visonic.RPCOptions{Client: "127.0.0.1"})
	d.works(4, panel.Place{Slot: 4}, false, driver, visonic.RPCRoute, d.secrets("master"))
}

func TestVisonicPowerLink(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := sit(t, "-kind", "visonic-powerlink", "-dial", l.Addr().String())
	driver := visonic.NewPowerLink(visonic.PowerLinkOptions{
		Listen: func(context.Context) (net.Listener, error) { return l, nil },
		Allow:  func(context.Context, string, net.Addr) error { return nil },
	})
	d.arrive(driver)
	d.works(4, panel.Place{Slot: 4}, false, driver, visonic.PowerLinkRoute, nil)
}

func TestLock(t *testing.T) {
	t.Parallel()
	d := sit(t, "-kind", "lock")
	driver := lock.New(locksim.Radio(d.said["radio"]), lock.ZWave(), lock.Options{})
	d.works(4, panel.Place{Slot: 4}, false, driver, lock.Route, nil)
	require.Equal(t, "done", d.types("fault away"))
	_, err := driver.Open(t.Context(), panel.Target{Routes: map[string]panel.Route{lock.Route: {Addr: "7"}}})
	require.ErrorIs(t, err, panel.ErrUnreachable)
}

func TestQolsys(t *testing.T) {
	t.Parallel()
	d := sit(t, "-kind", "qolsys")
	paired, err := qolsys.Pair(t.Context(), qolsys.PairOptions{
		Panel: d.said["ident"],
		Listen: func(ctx context.Context) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		},
		Announce: func(_ context.Context, a qolsys.Announcement) (io.Closer, error) {
			_, err := fmt.Fprintf(d.in, "pair 127.0.0.1:%d\n", a.Port)
			return io.NopCloser(nil), err
		},
	})
	require.NoError(t, err)
	require.Equal(t, "paired with "+paired.Remote, d.line())
	d.works(4, panel.Place{Slot: 4}, true, qolsys.NewIQRemote(qolsys.Options{}), qolsys.Route, map[string]panel.Secret{qolsys.PairingSecret: paired.Secret})
}

func TestPowerManage(t *testing.T) {
	t.Parallel()
	d := sit(t, "-kind", "powermanage")
	text, err := os.ReadFile(d.said["certificate"])
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(text))
	driver := powermanage.New(powermanage.Options{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}})
	d.works(4, panel.Place{Slot: 4}, true, driver, powermanage.Route, d.secrets("email", "password", "master"))
}

func TestTwoN(t *testing.T) {
	t.Parallel()
	d := sit(t, "-kind", "twon")
	place := panel.Place{ID: "00000000-0000-4000-8000-000000000004"}
	d.works(4, place, true, twon.New(twon.Options{}), twon.Route, d.secrets("user", "password", "pin"))
}

func TestTheKeyboard(t *testing.T) {
	d := sit(t, "-kind", "visonic")
	for _, c := range []struct{ line, answer string }{
		{"users", "# 1 code 4729  Master partitions 1, 2, 3 tags 1"},
		{"set 4 47290", "refused: panel: refused by the panel"},
		{"set x 6137", `refused: strconv.Atoi: parsing "x": invalid syntax`},
		{"fault busy 1m", "done"},
		{"fault busy soon", `refused: time: invalid duration "soon"`},
		{"fault nothing", `refused: no fault "nothing"`},
		{"refuse code", "done"},
		{"refuse everything", `refused: no field "everything"`},
		{"quirk short blocks on", "done"},
		{"quirk short blocks off", "done"},
		{"quirk none on", `refused: no quirk "none"`},
		{"pair 127.0.0.1:1", "this panel does not pair"},
		{"jump", "not understood; type help"},
		{"quit", "unplugged"},
	} {
		require.Equal(t, c.answer, d.types(c.line), c.line)
	}
}

func TestOnlyThisMachineIsReached(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "localhost:0", "example.com:0"} {
		for _, name := range []string{"-listen", "-dial"} {
			err := run(t.Context(), []string{"-kind", "twon", name, addr}, strings.NewReader(""), io.Discard)
			require.ErrorIs(t, err, ErrNotLoopback, addr)
		}
	}
	require.ErrorIs(t, run(t.Context(), []string{"-kind", "toaster"}, strings.NewReader(""), io.Discard), ErrKind)
	d := sit(t, "-kind", "twon", "-listen", "0.0.0.0:0", "-anywhere")
	require.Equal(t, "nobody", d.types("users"))
}
