package visonicsim

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// Options says which panel is simulated. The zero value is a PowerMaster-10 with its
// factory settings.
type Options struct {
	// Type is the number by which the panel names itself; 0 is 7, a PowerMaster-10. Use
	// PowerMax for type 0.
	Type     byte
	PowerMax bool
	// Unpartitioned: partitions are turned off, as they leave the factory.
	Unpartitioned bool
	// Download is the download code in hexadecimal; "" is the factory code of the family.
	Download string
	// Master is the code of user 1; "" is MasterCode.
	Master string
	// Serial are the six digits of the serial number; "" is 2a4cc3.
	Serial string
	// Unknown are PowerMaster messages that this panel does not know.
	Unknown []byte
	// Wire is how the panel is reached.
	Wire Wire
	// Listen is where Serve waits for the driver.
	Listen func(ctx context.Context) (net.Listener, error)
	// Dial is how Serve calls the driver, with the wire PowerLink.
	Dial func(ctx context.Context) (net.Conn, error)
}

// Wire is one of the ways to a panel.
type Wire uint8

// The wires.
const (
	Serial    Wire = iota // the panel's own frames
	RPC                   // the service inside a PowerLink 3 module
	PowerLink             // PowerLink 3.1 hardware, which calls in
)

// Factory settings.
const (
	MasterCode = "1111" // published: give a panel another
	duress     = "2580"
)

// slot is one user's place.
type slot struct {
	code   string // "" for none
	access byte   // partitions, bit 0 is the first
	tag    bool
}

// Panel is a simulated panel. Its methods are safe for concurrent use.
type Panel struct {
	o      Options
	faults paneltest.Faults

	mu     sync.Mutex
	slots  []slot
	quirks map[string]bool
	held   time.Duration
	since  time.Time // when download mode began, zero outside it
	tries  int       // how often a code was presented to us
	denied int       // how often access was denied
	known  bool      // a client is registered at the service
}

// New makes a panel with a Master who has a tag.
func New(o Options) *Panel {
	if o.Type == 0 && !o.PowerMax {
		o.Type = 7
	}
	if o.Serial == "" {
		o.Serial = "2a4cc3"
	}
	if o.Download == "" {
		o.Download = "5650"
		if o.Type > 6 {
			o.Download = "aaaa"
		}
	}
	if o.Master == "" {
		o.Master = MasterCode
	}
	p := &Panel{o: o, quirks: map[string]bool{}, slots: make([]slot, 8)}
	if o.Type > 7 {
		p.slots = make([]slot, 48)
	}
	for i := range p.slots {
		p.slots[i].access = 1
	}
	p.slots[0] = slot{code: o.Master, access: 7, tag: p.master()}
	return p
}

// master reports whether this is a PowerMaster.
func (p *Panel) master() bool { return p.o.Type > 6 }

// Fault arms a fault.
func (p *Panel) Fault(f paneltest.Fault) { p.faults.Arm(f) }

// Users lists the users in order of slot.
func (p *Panel) Users() []paneltest.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []paneltest.User
	for i, s := range p.slots {
		if s.code == "" {
			continue
		}
		u := paneltest.User{Place: panel.Place{Slot: i + 1}, Code: s.code, Role: panel.User, Partitions: panel.Partitions(s.access)}
		if i == 0 {
			u.Role = panel.Master
		}
		if s.tag {
			u.Tags = 1
		}
		out = append(out, u)
	}
	return out
}

// Keypad is the master user in the menu of the user codes. Tags are held to the reader by
// [Panel.Tag].
func (p *Panel) Keypad(e panel.Edit) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Slot < 1 || e.Slot > len(p.slots) || e.ID != "" {
		return panel.ErrRefused
	}
	s := p.slots[e.Slot-1]
	switch {
	case e.Do == panel.Remove:
		if e.Slot == 1 {
			return panel.ErrRefused
		}
		p.slots[e.Slot-1] = slot{access: 1}
		return nil
	case e.Do == panel.Create && s.code != "", e.Do == panel.Change && s.code == "":
		return panel.ErrRefused
	case e.Do != panel.Change:
		s = slot{access: 1}
	}
	for f := range e.Set.Each() {
		switch {
		case f == panel.FieldCode && p.free(e.Code.Reveal(), e.Slot):
			s.code = e.Code.Reveal()
		case f == panel.FieldPartitions && e.Slot != 1 && e.Partitions != 0 && e.Partitions < 8 && !p.o.Unpartitioned:
			s.access = byte(e.Partitions)
		default:
			return panel.ErrRefused
		}
	}
	p.slots[e.Slot-1] = s
	return nil
}

// free reports whether the panel takes a code: four digits, not 0000, not the duress code,
// and nobody else's.
func (p *Panel) free(code string, slot int) bool {
	if len(code) != 4 || code == "0000" || code == duress {
		return false
	}
	for i, s := range p.slots {
		if i+1 != slot && s.code == code {
			return false
		}
	}
	return true
}

// Tag enrols the tag of a user, or deletes it.
func (p *Panel) Tag(slot int, enrolled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slots[slot-1].tag = enrolled
}

// Held is the longest time for which download mode locked the keypads out so far.
func (p *Panel) Held() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := p.held
	if !p.since.IsZero() {
		held = max(held, time.Since(p.since))
	}
	return held
}

// Downloading reports whether the panel is in download mode.
func (p *Panel) Downloading() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.since.IsZero()
}

// present counts a code that is presented, right or wrong.
func (p *Panel) present() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
}

// Presented is how often a download code, or a user's code for reading, was presented.
func (p *Panel) Presented() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tries
}

// deny counts a refusal.
func (p *Panel) deny() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.denied++
}

// Denied is how often the panel denied access over its own frames, for a wrong code or
// because the line is not enrolled.
func (p *Panel) Denied() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.denied
}

func (p *Panel) download(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.since.IsZero() {
		p.held = max(p.held, time.Since(p.since))
	}
	p.since = time.Time{}
	if on {
		p.since = time.Now()
	}
}

// codes are the codes of n slots as the panel stores them: two digits in a byte.
func (p *Panel) codes(n int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]byte, 0, 2*n)
	for i := range n {
		code := "0000"
		if i < len(p.slots) && p.slots[i].code != "" {
			code = p.slots[i].code
		}
		out = append(out, packed(code)...)
	}
	return out
}

// access are the partitions of every slot.
func (p *Panel) access() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]byte, len(p.slots))
	for i, s := range p.slots {
		out[i] = s.access
	}
	return out
}

// tags has a bit for each tag.
func (p *Panel) tags() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]byte, 4)
	for i, s := range p.slots {
		if s.tag {
			out[i/8] |= 1 << (i % 8)
		}
	}
	return out
}

// packed writes hexadecimal digits two to a byte.
func packed(digits string) []byte {
	var out []byte
	for pair := range slices.Chunk([]byte(digits), 2) {
		var b byte
		for _, c := range pair {
			if b <<= 4; c >= 'a' {
				b |= c - 'a' + 10
			} else {
				b |= c - '0'
			}
		}
		out = append(out, b)
	}
	return out
}
