package dscsim

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// answer is what the panel says to a request: the messages, in order.
type answer struct {
	parts [][]byte
	write bool // it answers a write that was carried out
	bare  bool // an acknowledgement is all
	end   bool // the session ends behind it
}

// serve handles one packet of the server. It returns false when the session is over.
func (c *conn) serve(p itv2.Packet) bool {
	if p.Command == itv2.Ack {
		return true
	}
	if p.Sender == c.last.Sender && p.Command == c.last.Command && p.Seq == c.last.Seq {
		return c.ack()
	}
	c.last = p
	a := c.handle(p)
	return c.reply(a) && !a.end
}

// reply sends an answer in one of the ways that are known.
func (c *conn) reply(a answer) bool {
	if a.bare || len(a.parts) == 0 {
		return c.ack()
	}
	if c.p.quirk(AnswersLater) && !c.ack() {
		return false
	}
	advance := !c.p.quirk(SameSequence)
	for i, b := range a.parts {
		if c.p.quirk(AnswersTogether) {
			other := part(0x0210, number(3), []byte{1})
			b = part(0x0623, short(other), short(b))
		}
		if !c.send(b, advance || i > 0, a.write) {
			return false
		}
	}
	return true
}

// short puts a length of one or two bytes in front.
func short(b []byte) []byte {
	if n := len(b); n > 127 {
		return join([]byte{byte(n>>8) | 0x80, byte(n)}, b)
	}
	return join([]byte{byte(len(b))}, b)
}

func result(seq, code byte) answer { return answer{parts: [][]byte{part(0x0502, []byte{seq, code})}} }

// nack refuses a command as such. The caller does not hold the panel's lock.
func (c *conn) nack(of itv2.Command, code byte) answer {
	body := []byte{byte(of >> 8), byte(of), code}
	if c.p.quirk(NackSequence) {
		body = append([]byte{1}, body...)
	}
	return answer{parts: [][]byte{part(0x0501, body)}}
}

func (c *conn) handle(p itv2.Packet) answer {
	m, err := itv2.Parse(p.Command, p.Body)
	if err != nil {
		return c.nack(p.Command, 2)
	}
	switch m := m.(type) {
	case itv2.Bare:
		if m.Of == itv2.CmdEndSession {
			a := result(p.Seq, good)
			a.end = true
			return a
		}
		return answer{bare: true}
	case itv2.Request:
		return c.request(m)
	case itv2.Enter:
		return c.enter(p.Seq, m)
	case itv2.Exit:
		c.p.mu.Lock()
		on := c.p.mode.on
		c.p.leaveMode()
		if on {
			c.p.post(0x0702, join(number(1), []byte{1}, number(1), []byte{0, 1}, moment(time.Now())))
		}
		c.p.mu.Unlock()
		if !on {
			return result(p.Seq, invalid)
		}
		return result(p.Seq, good)
	case itv2.Range:
		return c.list(p.Seq, m)
	case itv2.Codes, itv2.Octets, itv2.Masks, itv2.WriteLabels:
		return c.write(p.Seq, m)
	}
	return answer{bare: true}
}

// request answers 0800, outside of programming too.
func (c *conn) request(m itv2.Request) answer {
	p := c.p
	switch {
	case m.Of == itv2.CmdCapabilities && !p.quirk(NoCapabilities):
		users, parts := number(p.opts.Users), number(p.opts.Partitions)
		return answer{parts: [][]byte{part(0x0613, number(64), users, parts, number(32), users, number(16))}}
	case m.Of == itv2.CmdCodeLength && !p.quirk(NoCodeLength):
		p.mu.Lock()
		defer p.mu.Unlock()
		return answer{parts: [][]byte{part(0x0236, []byte{byte(p.memory.digits)})}}
	case m.Of == itv2.CmdLabels && !p.quirk(NoLabelRead):
		return c.labels(m.Body)
	}
	return c.nack(m.Of, 0x0A)
}

func (c *conn) labels(body []byte) answer {
	parsed, err := itv2.Parse(itv2.CmdLabels, body)
	if err != nil {
		return c.nack(itv2.CmdRequest, 1)
	}
	m := parsed.(itv2.Labels)
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	var texts []byte
	for slot := m.Start; slot <= m.End && c.p.memory.has(slot); slot++ {
		texts = append(texts, wide(c.p.memory.slots[slot].label, 14)...)
	}
	if m.Collection != 0xD9 || len(texts) != 28*(m.End-m.Start+1) {
		return answer{bare: true}
	}
	return answer{parts: [][]byte{part(0x0771, number(0xD9), number(m.Start), number(m.End), number(28), texts)}}
}

// enter answers 0704.
func (c *conn) enter(seq byte, m itv2.Enter) answer {
	p := c.p
	p.mu.Lock()
	p.entered++
	locked := time.Now().Before(p.locked)
	taken := p.keypad || p.mode.on && p.mode.owner != c
	p.mu.Unlock()
	switch {
	case locked || p.faults.Strikes(paneltest.Lockout):
		return c.nack(itv2.CmdEnter, 9)
	case p.faults.Strikes(paneltest.WrongSecret):
		return result(seq, wrongCode)
	case p.faults.Strikes(paneltest.Armed):
		if p.quirk(ArmedIsBusy) {
			return result(seq, busy)
		}
		return result(seq, unavailable)
	case taken || p.faults.Strikes(paneltest.Busy):
		return result(seq, busy)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live != c {
		return result(seq, busy) // it came over a connection that has ended: nobody would leave
	}
	by := p.memory.holder(strings.ToUpper(hex.EncodeToString(m.Code)))
	if m.Mode != itv2.ModeCodes || by == 0 || by != 1 && p.memory.slots[by].role(by) != panel.Supervisor {
		if p.wrong++; p.wrong >= wrongLimit {
			p.wrong, p.locked = 0, time.Now().Add(lockedFor)
		}
		return result(seq, wrongCode)
	}
	p.wrong = 0
	p.leaveMode()
	p.mode = mode{on: true, write: m.Write, by: by, since: time.Now(), owner: c}
	lead := part(0x0702, number(1), []byte{0}, number(by), []byte{0, 1}, moment(time.Now()))
	a := result(seq, good)
	switch {
	case p.quirks[NoLeadIn]:
		p.mode.ready = true
	case p.quirks[EarlyLeadIn]:
		p.mode.ready = true
		a.parts = append([][]byte{lead}, a.parts...)
	default:
		since := p.mode.since
		time.AfterFunc(p.opts.LeadIn, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.mode.on && p.mode.since.Equal(since) && p.mode.owner == c {
				p.mode.ready = true
				p.post(0x0702, lead[2:])
			}
		})
	}
	return a
}

// list answers the reads that need programming.
func (c *conn) list(seq byte, m itv2.Range) answer {
	p := c.p
	p.mu.Lock()
	defer p.mu.Unlock()
	last := m.Start + m.Count - 1
	switch {
	case !p.mode.on || !p.mode.ready || p.mode.owner != c:
		return result(seq, outsideMode)
	case m.Count < 1 || !p.memory.has(m.Start) || !p.memory.has(last):
		return result(seq, invalid)
	}
	width := 1
	var data []byte
	for _, u := range p.memory.slots[m.Start : last+1] {
		switch m.Of {
		case itv2.CmdReadCodes:
			width = p.memory.digits / 2
			code := u.code
			if code == "" {
				code = strings.Repeat("A", p.memory.digits)
			}
			data = append(data, packed(code)...)
		case itv2.CmdReadFlags:
			data = append(data, u.flags)
		case itv2.CmdReadMasks:
			if width = (p.opts.Partitions + 7) / 8; p.quirks[WideMasks] {
				width = 4
			}
			data = append(data, mask(u.parts, width)...)
		case itv2.CmdReadKinds:
			data = append(data, p.kind(u))
		}
	}
	body := part(0x4000|uint16(m.Of), number(m.Start), number(m.Count), []byte{byte(width)}, data)
	a := answer{parts: [][]byte{body}}
	if p.quirks[OKBeforeData] {
		a.parts = append(result(seq, good).parts, body)
	}
	return a
}

// kind is what 473C says of a slot. The caller holds the panel's lock.
func (p *Panel) kind(u user) byte {
	switch {
	case u.code == "":
		return 0
	case u.tag && p.quirks[KindsAreBits]:
		return 3
	case u.tag:
		return 2
	}
	return 1
}

// write answers the writes: one user at a time, which is all that the driver sends.
func (c *conn) write(seq byte, m itv2.Message) answer {
	p := c.p
	p.mu.Lock()
	allowed := p.mode.on && p.mode.ready && p.mode.owner == c && p.mode.write
	by := p.mode.by
	p.mu.Unlock()
	if !allowed {
		return result(seq, outsideMode)
	}
	field, what, slot, count := subject(m)
	if count != 1 {
		return result(seq, invalid)
	}
	if p.faults.Refuses(field, slot) {
		return result(seq, invalid)
	}
	if field == panel.FieldLabel && p.quirk(NoLabelWrite) {
		return c.nack(m.Command(), 2)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code := good
	if !p.forgets.Has(field) {
		code = p.carryOut(by, slot, m)
	}
	if code == good && p.quirks[EchoesUpdates] {
		p.announce(what, slot)
	}
	a := result(seq, code)
	a.write = code == good
	return a
}

// subject is the field, the bit of 0250, the slot and the number of users of a write.
func subject(m itv2.Message) (f panel.Field, what byte, slot, count int) {
	switch m := m.(type) {
	case itv2.Codes:
		return panel.FieldCode, 1, m.Start, m.Count()
	case itv2.Octets:
		return panel.FieldRole, 2, m.Start, len(m.Values)
	case itv2.Masks:
		return panel.FieldPartitions, 4, m.Start, len(m.Sets)
	case itv2.WriteLabels:
		return panel.FieldLabel, 8, m.Start, len(m.Texts)
	}
	return 0, 0, 0, 0
}

// carryOut writes. The caller holds the panel's lock.
func (p *Panel) carryOut(by, slot int, m itv2.Message) byte {
	switch m := m.(type) {
	case itv2.Codes:
		code := strings.ToUpper(hex.EncodeToString(m.At(0)))
		if len(code) == p.memory.digits && strings.Trim(code, "A") == "" {
			code = ""
		}
		if strings.ContainsAny(code, "ABCDEF") {
			return invalid
		}
		return p.setCode(by, slot, code)
	case itv2.Octets:
		return p.setFlags(by, slot, m.Values[0])
	case itv2.Masks:
		return p.setParts(slot, m.Sets[0])
	case itv2.WriteLabels:
		return p.setLabel(slot, m.Texts[0])
	}
	return invalid
}
