package dscsim

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// Options of a simulated panel. Dial is required.
type Options struct {
	// Dial reaches the driver's listener.
	Dial func(ctx context.Context) (net.Conn, error)

	Ident  string // integration id, 12 digits: "298765432101"
	Type1  bool   // Type 1 encryption; the default is Type 2
	Key    string // 32 hexadecimal digits, or 8 for Type 1: a key of the simulator's own
	Master string // the master code, whose length is that of every code: "4729"

	Users      int           // slots: 95
	Partitions int           // 8
	Redial     time.Duration // pause before it dials again: 1 s
	LeadIn     time.Duration // from the answer to 0704 until programming is on: 200 ms
	Patience   time.Duration // until a handshake that goes nowhere is given up: 30 s
}

// The keys of simulated panels that are given none.
const (
	DefaultType1 = "5a5b7c9d"
	DefaultType2 = "8f1e2d3c4b5a69788796a5b4c3d2e1f0"
)

func (o Options) withDefaults() Options {
	text := func(s *string, usual string) {
		if *s == "" {
			*s = usual
		}
	}
	duration := func(d *time.Duration, usual time.Duration) {
		if *d == 0 {
			*d = usual
		}
	}
	text(&o.Ident, "298765432101")
	text(&o.Master, "4729")
	if o.Type1 {
		text(&o.Key, DefaultType1)
	} else {
		text(&o.Key, DefaultType2)
	}
	if o.Users == 0 {
		o.Users = 95
	}
	if o.Partitions == 0 {
		o.Partitions = 8
	}
	duration(&o.Redial, time.Second)
	duration(&o.LeadIn, 200*time.Millisecond)
	duration(&o.Patience, 30*time.Second)
	return o
}

// wrongLimit is how many wrong codes lock 0704 out, and lockedFor for how long.
const (
	wrongLimit = 3
	lockedFor  = time.Minute
)

// Panel is a simulated panel. All methods are safe for concurrent use.
type Panel struct {
	opts   Options
	faults paneltest.Faults

	mu     sync.Mutex
	memory memory
	quirks map[string]bool
	queue  []notice      // notifications not yet sent; they survive a connection
	wake   chan struct{} // room for one: the queue has grown
	live   *conn         // the connection, nil while there is none
	recall chan struct{} // closed and renewed when a fault changes

	mode      mode      // programming
	keypad    bool      // somebody programs at a keypad
	wrong     int       // wrong codes in a row
	locked    time.Time // until when 0704 is locked out
	held      time.Duration
	entered   int
	connected int
	received  map[uint16]int
	highest   byte // sequence of the server behind a handshake
	zeroes    int  // packets of the server with sequence 0
	frozen    bool
	forgets   panel.Field // writes of these are acknowledged and not stored
}

// mode is a programming session that we gave to somebody.
type mode struct {
	on    bool
	ready bool // the lead-in was sent
	write bool
	by    int // slot whose code opened it
	since time.Time
	owner *conn
}

// notice is a notification under way.
type notice struct {
	command uint16
	body    []byte
}

// New makes a panel with a Master and nobody else.
func New(o Options) *Panel {
	o = o.withDefaults()
	return &Panel{
		opts: o, memory: newMemory(o), quirks: map[string]bool{},
		wake: make(chan struct{}, 1), recall: make(chan struct{}), received: map[uint16]int{},
	}
}

// Serve calls in again and again until ctx ends.
func (p *Panel) Serve(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	for ctx.Err() == nil {
		if !p.away(ctx) {
			if raw, err := p.opts.Dial(ctx); err == nil {
				p.converse(ctx, raw, &work)
			}
		}
		p.sleep(ctx, p.opts.Redial)
	}
	return ctx.Err()
}

// away waits while the panel is unplugged. It reports whether it was.
func (p *Panel) away(ctx context.Context) bool {
	p.mu.Lock()
	recall := p.recall
	p.mu.Unlock()
	if !p.faults.Strikes(paneltest.Away) {
		return false
	}
	select {
	case <-recall:
	case <-ctx.Done():
	}
	return true
}

func (p *Panel) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Fault arms a fault.
func (p *Panel) Fault(f paneltest.Fault) {
	p.faults.Arm(f)
	p.mu.Lock()
	close(p.recall)
	p.recall = make(chan struct{})
	live := p.live
	p.mu.Unlock()
	switch {
	case f.Do == paneltest.Away && live != nil:
		live.close()
	case f.Do == paneltest.Armed:
		p.Notify(0x0232, join(number(1), []byte{1, 1}, number(1)))
	case f.Do == paneltest.Disarm:
		p.Notify(0x0232, join(number(1), []byte{0, 1}, number(1)))
	}
}

// Notify sends a notification as soon as there is a connection.
func (p *Panel) Notify(command uint16, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.post(command, body)
}

// post queues a notification. The caller holds p.mu.
func (p *Panel) post(command uint16, body []byte) {
	p.queue = append(p.queue, notice{command, body})
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Hold lets somebody begin or end programming at a keypad.
func (p *Panel) Hold(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keypad = on
	out := byte(1)
	if on {
		out = 0
	}
	p.post(0x0702, join(number(1), []byte{out}, number(1), []byte{2, 1}, moment(time.Now())))
}

// SetCodeLength changes the length of every code; the codes that are there go, except
// the Master's, which is given anew.
func (p *Panel) SetCodeLength(master string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for slot := range p.memory.slots {
		p.memory.slots[slot].code = ""
	}
	p.memory.slots[1].code, p.memory.digits = master, len(master)
	p.post(0x0236, []byte{byte(len(master))})
}

// programming reports whether a session holds programming. The caller holds p.mu.
func (p *Panel) programming() bool { return p.mode.on }

// leaveMode ends programming. The caller holds p.mu.
func (p *Panel) leaveMode() {
	if p.mode.on {
		p.held = max(p.held, time.Since(p.mode.since))
	}
	p.mode = mode{}
}

// Held is the longest time for which keypads were locked out at a stretch.
func (p *Panel) Held() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode.on {
		return max(p.held, time.Since(p.mode.since))
	}
	return p.held
}

// Programming reports whether a session holds programming now.
func (p *Panel) Programming() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode.on
}

// Entered counts the attempts to start programming (0704).
func (p *Panel) Entered() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.entered
}

// Connected counts the connections whose handshake was completed.
func (p *Panel) Connected() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connected
}

// Received counts the messages of a command that were received.
func (p *Panel) Received(command uint16) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.received[command]
}

// Highest is the highest sequence with which a packet of the server came after a
// handshake.
func (p *Panel) Highest() byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.highest
}

// Zeroes counts the packets of the server that had sequence 0 after a handshake, which
// none may have.
func (p *Panel) Zeroes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.zeroes
}

// Freeze makes the panel read and say nothing, as one whose program hangs.
func (p *Panel) Freeze(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = on
}

// Forget makes the panel acknowledge writes of some fields without storing them.
func (p *Panel) Forget(f panel.Field) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgets = f
}

// Waiting counts the notifications that were not sent yet.
func (p *Panel) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue)
}
