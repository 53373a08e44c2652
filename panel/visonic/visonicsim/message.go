package visonicsim

import (
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// reply sends one message: 02 with more pages to come, 03 for the last.
func (c *caller) reply(kind, cmd byte, data ...byte) bool {
	out := append([]byte{0xB0, kind, cmd, byte(len(data) + 1)}, data...)
	c.counter++
	return c.send(append(out, c.counter, 0x43)...)
}

// Reasons for which a panel does not take a message.
const (
	unknown = 2
	notNow  = 0x0D // inferred
)

// invalid says why the panel does not take a message.
func (c *caller) invalid(reason, cmd byte) bool { return c.send(0xB0, 3, 6, 2, reason, cmd, 0x43) }

// message answers a PowerMaster message.
func (c *caller) message(q []byte) bool {
	if !c.master() {
		return true // a PowerMax has never heard of these
	}
	if len(q) < 9 || q[1] != 1 || slices.Contains(c.o.Unknown, q[2]) {
		return c.invalid(unknown, q[2])
	}
	if c.faults.Strikes(paneltest.WrongSecret) {
		return c.control(accessDenied)
	}
	if c.faults.Strikes(paneltest.Busy) {
		return c.invalid(notNow, q[2])
	}
	switch q[2] {
	case 0x35:
		return c.settings(q[9 : len(q)-1])
	case 0x42:
		return c.items(int(q[9]) + int(q[10])<<8)
	case 0x17:
		for _, cmd := range q[9 : len(q)-1] {
			if !c.poll(cmd) {
				return false
			}
		}
		return true
	}
	return c.invalid(unknown, q[2])
}

func (c *caller) poll(cmd byte) bool {
	switch cmd {
	case 0x1D:
		zones := []byte{0xFF, 1, 3, 8, 0xFF, 3, 0, 0, 0, 0, 0, 0}
		return c.reply(3, cmd, append(append(zones, 0xFF, 1, 0x0A, 4), c.tags()...)...)
	case 0x24:
		now := time.Now()
		return c.reply(3, cmd, 0xFF, 8, 0xFF, 21, 2, 0, 0, 0, 0, 0, 0, 0,
			byte(now.Second()), byte(now.Minute()), byte(now.Hour()), byte(now.Day()), byte(now.Month()), byte(now.Year()%100), byte(now.Year()/100),
			6, 1, 0, 0x81, 0, 0)
	}
	return c.invalid(unknown, cmd)
}

// settings answers with one message for each setting.
func (c *caller) settings(ids []byte) bool {
	for ; len(ids) >= 2; ids = ids[2:] {
		var kind byte
		var value []byte
		switch int(ids[0]) + int(ids[1])<<8 {
		case 0x08:
			n := 48
			if c.quirk(OwnSize) {
				n = len(c.slots)
			}
			kind, value = 1, c.codes(n)
		case 0x24:
			kind, value = 4, []byte{0xAE, c.o.Type}
		case 0x30:
			kind, value = 4, []byte{1}
			if c.o.Unpartitioned {
				value[0] = 0
			}
		default:
			return c.invalid(unknown, 0x35)
		}
		data := append([]byte{0xFF, 8, 0xFF, byte(len(value) + 3), ids[0], ids[1], kind}, value...)
		if !c.reply(3, 0x35, data...) {
			return false
		}
	}
	return true
}

// items answers with the items of a setting.
func (c *caller) items(id int) bool {
	if id != 0xE2 {
		return c.invalid(unknown, 0x42)
	}
	all := c.access()
	page := func(kind, number byte, from, to int) bool {
		data := []byte{number, 8, 0xFF, byte(14 + to - from), 0xE2, 0, byte(len(all)), 0, 8, 0, 0, 0, 4, 0x1E, byte(from), 0, byte(to - from), 0}
		return c.reply(kind, 0x42, append(data, all[from:to]...)...)
	}
	if half := len(all) / 2; c.quirk(Pages) {
		return page(2, 1, 0, half) && page(3, 0xFF, half, len(all))
	}
	return page(3, 0xFF, 0, len(all))
}
