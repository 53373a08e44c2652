package paneltest

import (
	"bytes"
	"context"
	"net"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// garbage is what no panel says.
var garbage = [][]byte{
	nil,
	{0},
	bytes.Repeat([]byte{0xFF}, 300),
	bytes.Repeat([]byte{0x7E, 0x7F}, 300),
	[]byte("\r\n\r\n\r\n"),
	[]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 99999999\r\n\r\n<html>"),
	[]byte("{}\n[]\nnull\n\"\"\n{\"a\":{\"a\":{\"a\":"),
	bytes.Repeat([]byte("0123456789abcdef"), 5000),
}

// proveGarbage: somebody who is no panel answers where the panel should be, or calls
// where panels call in. With hold he then says nothing instead of hanging up. The driver
// neither panics nor hangs nor takes him for the panel, and the panel is met afterwards.
func proveGarbage(k *rig, noise []byte, hold bool) {
	if !k.calls {
		k.within(bound, "Open to one who is no panel", func(ctx context.Context) {
			var babble sync.WaitGroup
			defer babble.Wait()
			for addr := range k.addresses() {
				l, err := k.Network.Listen(addr)
				if err != nil {
					k.t.Errorf("the kit cannot listen in the panel's place: %v", err)
					return
				}
				defer func() { _ = l.Close() }()
				babble.Go(func() { babbleTo(l, noise, hold) })
			}
			s, err := k.Driver.Open(ctx, k.Target)
			k.saw("Open's error", err)
			k.checkLine(ctx, "Open", err)
			if err == nil {
				// A driver that learns nothing from opening learns it from reading.
				if _, err = k.read(ctx, s, panel.Query{All: true}); err == nil {
					k.t.Error("the driver takes noise for a panel")
				}
				k.close(s)
			}
		})
	}
	for _, addr := range k.Network.Listening() {
		conn, err := k.Network.DialContext(context.Background(), "tcp", addr)
		if err != nil {
			k.t.Errorf("the driver listens at %s and cannot be reached: %v", addr, err)
			continue
		}
		_, _ = conn.Write(noise)
		if hold {
			time.Sleep(time.Minute)
		}
		_ = conn.Close()
	}
	k.started = false
	k.serve()
	k.all(k.session(), panel.Query{All: true})
}

// addresses are where the driver looks for the panel.
func (k *rig) addresses() map[string]bool {
	all := map[string]bool{}
	for _, r := range k.Target.Routes {
		if r.Addr != "" {
			all[r.Addr] = true
		}
	}
	return all
}

// babbleTo gives noise to everybody who comes.
func babbleTo(l net.Listener, noise []byte, hold bool) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Write(noise)
		if hold {
			// Until the driver has had enough: its own end of the connection closes.
			_ = conn.SetReadDeadline(time.Now().Add(2 * bound))
			for b := make([]byte, 512); ; {
				if _, err := conn.Read(b); err != nil {
					break
				}
			}
		}
		_ = conn.Close()
	}
}
