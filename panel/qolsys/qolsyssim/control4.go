package qolsyssim

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// serveControl4 is the interface for home automation.
func (p *Panel) serveControl4(ctx context.Context, l net.Listener, work *sync.WaitGroup) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		work.Go(func() {
			if !p.take(conn) {
				return
			}
			defer p.forget(conn)
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			if c, ok := p.secure(conn, p.config()); ok {
				p.converse(c)
			}
		})
	}
}

// converse answers each write of the client. A client need not end its line.
func (p *Panel) converse(c net.Conn) {
	var text string
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		text += string(b[:n])
		if n == 1 && strings.Count(text, "{") != strings.Count(text, "}") {
			continue // a network that delivers byte by byte
		}
		if _, err := c.Write([]byte("ACK\n")); err != nil {
			return
		}
		request := text
		text = ""
		answer, ok := p.info(request)
		if !ok {
			return
		}
		if len(answer) == 0 {
			continue
		}
		if _, err := c.Write(append(answer, '\n')); err != nil {
			return
		}
	}
}

// info answers a question for the summary: with ok false the token is wrong and the panel
// hangs up.
func (p *Panel) info(request string) (answer []byte, ok bool) {
	var r struct {
		Action string `json:"action"`
		Kind   string `json:"info_type"`
		Nonce  string `json:"nonce"`
		Token  string `json:"token"`
	}
	if json.Unmarshal([]byte(request), &r) != nil || r.Action != "INFO" || r.Kind != "SUMMARY" {
		return nil, true
	}
	p.present()
	if r.Token != p.o.Token || p.faults.Strikes(paneltest.WrongSecret) {
		return nil, p.quirk(SilentToken)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	status := "DISARM"
	if p.armed {
		status = "ARM_AWAY"
	}
	a := object{"event": "INFO", "info_type": "SUMMARY", "requestID": "00000000-0000-4000-8000-000000000001"}
	if !p.quirks[NoNonce] {
		a["nonce"] = r.Nonce
	}
	var list []object
	for n := range partitions {
		list = append(list, object{
			"partition_id": n, "name": "partition", "status": status, "secure_arm": false,
			"zone_list": []object{{"id": "door", "type": "Door_Window", "name": "Front/Hall", "status": "Closed", "zone_id": 1}},
		})
		status = "DISARM"
	}
	a["partition_list"] = list
	return android(a), true
}
