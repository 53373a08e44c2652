package visonicsim

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

const (
	callAgain = time.Second
	account   = "001234"
)

// call dials again whenever the connection has ended.
func (p *Panel) call(ctx context.Context) error {
	for ctx.Err() == nil {
		if !p.faults.Strikes(paneltest.Away) {
			if conn, err := p.o.Dial(ctx); err == nil {
				stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
				p.talkEnveloped(conn)
				stop()
				_ = conn.Close()
			}
		}
		timer := time.NewTimer(callAgain)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return ctx.Err()
}

// talkEnveloped says hello, then answers whatever comes.
func (p *Panel) talkEnveloped(conn net.Conn) {
	number := 5563
	envelope := func(kind string, id int, body []byte, closing string) bool {
		text := fmt.Sprintf("%q%04dL%s#%s[%s%s", kind, id, account, strings.ToUpper(p.o.Serial), body, closing)
		return p.faults.Send(conn, fmt.Appendf(nil, "\n%04X%04x%s\r", arc(text), len(text), text), false) == nil
	}
	c := &caller{Panel: p, send: func(payload ...byte) bool {
		number++
		if p.quirk(Reports) && !envelope("*ADM-CID", number, []byte("#001234|1602 00 000"), "]") {
			return false
		}
		return envelope("VIS-BBA", number, p.frame(payload...), "]")
	}}
	acknowledge := func(id int) bool {
		closing := "]"
		if p.quirk(PlainAck) {
			closing = ""
		}
		return envelope("VIS-ACK", id, p.frame(2, 0x43), closing)
	}
	if !c.send(0xB0, 3, 0x51, 8, 0xFF, 8, 0xFF, 3, 0x18, 0x24, 0x4B, 0x47, 0x43) {
		return
	}
	var have []byte
	for buf := make([]byte, 512); ; {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		for have = append(have, buf[:n]...); ; {
			kind, id, body, rest := unwrap(have)
			if rest == nil {
				break
			}
			have = rest
			if p.faults.Strikes(paneltest.Away) {
				return
			}
			in := intake{buf: body}
			if q := in.next(); kind == "VIS-BBA" && q != nil && (!acknowledge(id) || !c.answer(q)) {
				return
			}
		}
	}
}

// unwrap takes the first envelope off; rest is nil if it has not all come. An envelope that
// is wrong is passed over by its length.
func unwrap(b []byte) (kind string, id int, body, rest []byte) {
	if len(b) < 9 {
		return "", 0, nil, nil
	}
	size, err := strconv.ParseInt(string(b[5:9]), 16, 32)
	if err != nil || b[0] != '\n' {
		return "", 0, nil, b[1:]
	}
	end := 9 + int(size)
	if len(b) <= end {
		return "", 0, nil, nil
	}
	text, rest := b[9:end], b[end+1:]
	at := bytes.IndexByte(text, '[')
	if fmt.Sprintf("%04X", arc(string(text))) != string(b[1:5]) || b[end] != '\r' || at < 0 {
		return "", 0, nil, rest
	}
	if n, err := fmt.Sscanf(string(text[:at]), "%q%4d", &kind, &id); n != 2 || err != nil {
		return "", 0, nil, rest
	}
	return kind, id, bytes.TrimSuffix(text[at+1:], []byte("]")), rest
}

// arc is the CRC of an envelope, by table of half bytes: not the way the driver counts it.
func arc(text string) uint16 {
	table := [16]uint16{
		0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
		0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
	}
	crc := uint16(0)
	for _, c := range []byte(text) {
		crc = crc>>4 ^ table[crc&15] ^ table[c&15]
		crc = crc>>4 ^ table[crc&15] ^ table[c>>4]
	}
	return crc
}
