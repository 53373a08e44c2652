package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/lock/locksim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim"
	"github.com/seed-a2d3eaca/keyholder/panel/twon/twonsim"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic/visonicsim"
)

// device is a simulated panel that is about to serve.
type device struct {
	paneltest.Sim
	says  []string // how to reach it
	ids   bool     // its users have ids instead of slots
	pair  func(ctx context.Context, addr string) (string, error)
	files []string // that are of no use without it
}

// tells adds a line about how to reach the panel.
func (d *device) tells(what, format string, args ...any) {
	d.says = append(d.says, what+": "+fmt.Sprintf(format, args...))
}

// close takes away what would be left over.
func (d *device) close() error {
	for _, name := range d.files {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// kinds are the panels that can be simulated.
var kinds = map[string]func(context.Context, where) (*device, error){
	"dsc": plugDSC, "visonic": plugVisonic, "visonic-rpc": plugVisonicRPC, "visonic-powerlink": plugVisonicPowerLink,
	"qolsys": plugQolsys, "powermanage": plugPowerManage, "twon": plugTwoN, "lock": plugLock,
}

// The demo identity and secrets of simulators that have none of their own.
const (
	dscIdent        = "298765432101"
	master          = "4729"
	visonicSerial   = "2a4cc3"
	visonicDownload = "9c4e"
	qolsysAddress   = "02:00:00:00:00:01"
	lockNode        = "7"
)

func plugDSC(_ context.Context, w where) (*device, error) {
	d := &device{Sim: dscsim.New(dscsim.Options{
		Ident: dscIdent, Master: master, Users: 48, Partitions: 4,
		Dial: func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", w.dial) },
	})}
	d.tells("panel", "DSC PowerSeries Neo with 48 slots and 4 partitions, over ITv2")
	d.tells("calls", "%s, again and again", w.dial)
	d.tells("ident", "%s (integration id)", dscIdent)
	d.tells("key", "%s (Type 2, section [851][700])", dscsim.DefaultType2)
	d.tells("master", "%s", master)
	return d, nil
}

func plugVisonic(ctx context.Context, w where) (*device, error) {
	l, err := w.listener(ctx)
	if err != nil {
		return nil, err
	}
	d := &device{Sim: visonicsim.New(visonicsim.Options{
		Download: visonicDownload, Master: master, Serial: visonicSerial,
		Listen: func(context.Context) (net.Listener, error) { return l, nil },
	})}
	d.tells("panel", "Visonic PowerMaster-10 with 8 users, over its serial frames on a TCP port")
	d.tells("address", "%s", l.Addr())
	d.tells("ident", "%s (serial number)", visonicSerial)
	d.tells("download", "%s (download code)", visonicDownload)
	d.tells("master", "%s", master)
	return d, nil
}

func plugVisonicRPC(ctx context.Context, w where) (*device, error) {
	l, err := w.listener(ctx)
	if err != nil {
		return nil, err
	}
	d := &device{Sim: visonicsim.New(visonicsim.Options{
		Wire: visonicsim.RPC, Type: 8, Master: master, Serial: visonicSerial,
		Listen: func(context.Context) (net.Listener, error) { return l, nil },
	})}
	d.tells("panel", "Visonic PowerMaster-30 with 48 users, over the service of its PowerLink 3 module")
	d.tells("address", "%s", l.Addr())
	d.tells("ident", "%s (serial number)", strings.ToUpper(visonicSerial))
	d.tells("master", "%s", master)
	return d, nil
}

func plugVisonicPowerLink(_ context.Context, w where) (*device, error) {
	d := &device{Sim: visonicsim.New(visonicsim.Options{
		Wire: visonicsim.PowerLink, Master: master, Serial: visonicSerial,
		Dial: func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", w.dial) },
	})}
	d.tells("panel", "Visonic PowerMaster-10 with 8 users, over PowerLink 3.1")
	d.tells("calls", "%s, again and again", w.dial)
	d.tells("ident", "%s (serial number)", strings.ToUpper(visonicSerial))
	d.tells("master", "%s", master)
	return d, nil
}

func plugQolsys(ctx context.Context, w where) (*device, error) {
	identity, err := qolsyssim.NewIdentity(qolsysAddress)
	if err != nil {
		return nil, err
	}
	remote, err := w.listener(ctx)
	if err != nil {
		return nil, err
	}
	// Home automation has a port of its own, on the same host.
	host, _, err := net.SplitHostPort(w.listen)
	if err != nil {
		return nil, err
	}
	home, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	d := &device{Sim: qolsyssim.New(qolsyssim.Options{Identity: identity, Master: master, Listen: func(port string) (net.Listener, error) {
		if port == qolsyssim.BrokerAddr {
			return remote, nil
		}
		return home, nil
	}})}
	d.pair = func(ctx context.Context, addr string) (string, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return "", err
		}
		return identity.Pair(ctx, conn)
	}
	d.tells("panel", "Qolsys IQ Panel 4 with 242 users, over IQ Remote")
	d.tells("address", "%s", remote.Addr())
	d.tells("ident", "%s", qolsysAddress)
	d.tells("control4", "%s (home automation), token %s", home.Addr(), qolsyssim.DefaultToken)
	d.tells("master", "%s", master)
	d.tells("pairing", "start it in your program, then type: pair HOST:PORT, with the port that it announces")
	return d, nil
}

func plugPowerManage(ctx context.Context, w where) (*device, error) {
	l, own, err := w.overTLS(ctx)
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "panelsim-*.pem")
	if err != nil {
		return nil, err
	}
	if err := pem.Encode(file, &pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]}); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	d := &device{
		Sim:   powermanagesim.New(powermanagesim.Options{Listen: func(context.Context) (net.Listener, error) { return l, nil }}),
		files: []string{file.Name()},
	}
	d.tells("panel", "PowerMaster-360R with 48 users, behind a PowerManage server")
	d.tells("address", "%s", l.Addr())
	d.tells("certificate", "%s (trust it as an authority)", file.Name())
	d.tells("ident", "%s (serial number)", powermanagesim.DefaultSerial)
	d.tells("email", "%s", powermanagesim.DefaultEmail)
	d.tells("password", "%s", powermanagesim.DefaultPassword)
	d.tells("master", "%s", powermanagesim.DefaultMaster)
	return d, nil
}

func plugTwoN(ctx context.Context, w where) (*device, error) {
	l, own, err := w.overTLS(ctx)
	if err != nil {
		return nil, err
	}
	d := &device{Sim: twonsim.New(twonsim.Options{Listen: func() (net.Listener, error) { return l, nil }}), ids: true}
	pin := sha256.Sum256(own.Certificate[0])
	d.tells("panel", "2N intercom with an empty directory, over its HTTP API")
	d.tells("address", "%s", l.Addr())
	d.tells("pin", "%s (SHA-256 of its certificate)", strings.ToUpper(hex.EncodeToString(pin[:])))
	d.tells("ident", "%s (serial number)", twonsim.DefaultSerial)
	d.tells("user", "%s", twonsim.DefaultUser)
	d.tells("password", "%s", twonsim.DefaultPassword)
	return d, nil
}

// radioed is a lock that programs reach through a port in a radio's place.
type radioed struct {
	*locksim.Lock
	l net.Listener
}

func (r radioed) Serve(ctx context.Context) error { return r.ServeRadio(ctx, r.l) }

func plugLock(ctx context.Context, w where) (*device, error) {
	l, err := w.listener(ctx)
	if err != nil {
		return nil, err
	}
	d := &device{Sim: radioed{locksim.New(locksim.Options{Node: lockNode}), l}}
	d.tells("panel", "Z-Wave lock with 30 slots, behind a controller: locksim.Radio in your program, with the address of radio")
	d.tells("radio", "%s", l.Addr())
	d.tells("address", "%s (the lock's node)", lockNode)
	d.tells("ident", "%s", lockNode)
	return d, nil
}

// overTLS listens with a certificate that the simulator has made for its host.
func (w where) overTLS(ctx context.Context) (net.Listener, tls.Certificate, error) {
	host, _, err := net.SplitHostPort(w.listen)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	own, err := powermanagesim.Certificate(host)
	if err != nil {
		return nil, own, err
	}
	l, err := w.listener(ctx)
	if err != nil {
		return nil, own, err
	}
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}}), own, nil
}
