package locksim

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/lock"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// The quirks.
const (
	Unconfirmed  = "writes are not confirmed" // Z-Wave without Supervision
	Silent       = "a duplicate is dropped in silence"
	OwnDuplicate = "a code is a duplicate of itself" // seen on a ZigBee lock
	Masked       = "digits are hidden"
	LateReport   = "reports are late" // by three seconds, after a write over the radio
	NoCapacity   = "the lock does not say what it holds"
)

var quirkNames = [...]string{Unconfirmed, Silent, OwnDuplicate, Masked, LateReport, NoCapacity}

// lateBy is how long a late report shows what was.
const lateBy = 3 * time.Second

// Options of a simulated lock.
type Options struct {
	Node  string       // its name: "7"
	Slots panel.Slots  // 1 to 30
	Lens  [2]int       // shortest and longest code: 4 and 8
	Asked func(string) // told of every call by name, nil: nobody
}

// slot is what a slot holds, and what it held before.
type slot struct {
	code, before string
	at           time.Time // of a write over the radio
}

// Lock is a simulated lock. All methods are safe for concurrent use.
type Lock struct {
	opts   Options
	faults paneltest.Faults
	work   sync.WaitGroup

	mu     sync.Mutex
	quirks map[string]bool
	slots  map[int]slot
}

// New makes an empty lock.
func New(o Options) *Lock {
	if o.Node == "" {
		o.Node = "7"
	}
	if o.Slots.Len() == 0 {
		o.Slots = panel.Slots{First: 1, Last: 30}
	}
	if o.Lens == [2]int{} {
		o.Lens = [2]int{4, 8}
	}
	if o.Asked == nil {
		o.Asked = func(string) {}
	}
	return &Lock{opts: o, quirks: map[string]bool{}, slots: map[int]slot{}}
}

// Serve waits until ctx ends: a lock is asked through its methods.
func (l *Lock) Serve(ctx context.Context) error {
	<-ctx.Done()
	l.work.Wait()
	return ctx.Err()
}

// Fault arms a fault.
func (l *Lock) Fault(f paneltest.Fault) {
	if f.Do == paneltest.Corrupt {
		f.Do = paneltest.Drop
	}
	l.faults.Arm(f)
}

// Quirks lists the names.
func (*Lock) Quirks() []string { return quirkNames[:] }

// Quirk switches a reading of an open point. It returns false for an unknown name.
func (l *Lock) Quirk(name string, on bool) bool {
	if !slices.Contains(quirkNames[:], name) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quirks[name] = on
	return true
}

// Users lists the slots with a code.
func (l *Lock) Users() []paneltest.User {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []paneltest.User
	for n := l.opts.Slots.First; n <= l.opts.Slots.Last; n++ {
		if s := l.slots[n]; s.code != "" {
			out = append(out, paneltest.User{Place: panel.Place{Slot: n}, Code: s.code, Role: panel.User})
		}
	}
	return out
}

// Keypad is a person at the lock.
func (l *Lock) Keypad(e panel.Edit) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	lives := l.slots[e.Slot].code != ""
	switch {
	case e.Do == panel.Create && lives:
		return panel.ErrOccupied
	case (e.Do == panel.Change || e.Do == panel.Remove) && !lives, e.Set&^panel.FieldCode != 0:
		return panel.ErrRefused
	}
	digits := ""
	if e.Do != panel.Remove {
		digits = e.Code.Reveal()
	}
	if l.put(e.Slot, digits) != lock.Confirmed {
		return panel.ErrRefused
	}
	return nil
}

// put writes a slot, with the lock's rules. The caller holds l.mu.
func (l *Lock) put(n int, digits string) lock.Result {
	if n < l.opts.Slots.First || n > l.opts.Slots.Last {
		return lock.Full
	}
	if digits != "" {
		if len(digits) < l.opts.Lens[0] || len(digits) > l.opts.Lens[1] || strings.Trim(digits, "0123456789") != "" {
			return lock.Failed
		}
		for other, s := range l.slots {
			if s.code == digits && (other != n || l.quirks[OwnDuplicate]) {
				return lock.Duplicate
			}
		}
	}
	if was := l.slots[n].code; was != digits {
		l.slots[n] = slot{code: digits, before: was}
	}
	return lock.Confirmed
}

// sink takes what a fault lets through.
type sink struct {
	net.Conn
	got bool
}

func (s *sink) Write(b []byte) (int, error) { s.got = true; return len(b), nil }
func (*sink) Close() error                  { return nil }

// answer brings one answer back over the radio, or does to it what is armed.
func (l *Lock) answer(ctx context.Context, wrote bool) error {
	came := make(chan error, 1)
	l.work.Go(func() {
		var s sink
		switch err := l.faults.Send(&s, []byte{0x63}, wrote); {
		case err != nil:
			came <- panel.ErrUnreachable
		case s.got:
			came <- nil
		}
	})
	select {
	case err := <-came:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reach is what stands before every call.
func (l *Lock) reach(node, name string) error {
	l.opts.Asked(name)
	if node != l.opts.Node || l.faults.Strikes(paneltest.Away) {
		return panel.ErrUnreachable
	}
	return nil
}

// Capacity says what the lock can hold.
func (l *Lock) Capacity(ctx context.Context, node string) (lock.Capacity, error) {
	if err := l.reach(node, "capacity"); err != nil {
		return lock.Capacity{}, err
	}
	if l.faults.Strikes(paneltest.WrongSecret) {
		return lock.Capacity{}, panel.ErrSecret
	}
	l.mu.Lock()
	c := lock.Capacity{Slots: l.opts.Slots.Last, MinLen: l.opts.Lens[0], MaxLen: l.opts.Lens[1]}
	if l.quirks[NoCapacity] {
		c = lock.Capacity{}
	}
	l.mu.Unlock()
	return c, l.answer(ctx, false)
}

// UserCode reads a slot.
func (l *Lock) UserCode(ctx context.Context, node string, n int) (lock.UserCode, error) {
	if err := l.reach(node, "get"); err != nil {
		return lock.UserCode{}, err
	}
	l.mu.Lock()
	s := l.slots[n]
	digits := s.code
	if l.quirks[LateReport] && time.Since(s.at) < lateBy {
		digits = s.before
	}
	var u lock.UserCode
	switch {
	case n < l.opts.Slots.First || n > l.opts.Slots.Last:
		u.Status = lock.Unsupported
	case digits != "":
		u.Status = lock.Enabled
		if !l.quirks[Masked] {
			_ = u.Code.UnmarshalText([]byte(digits)) // digits they are
		}
	}
	l.mu.Unlock()
	return u, l.answer(ctx, false)
}

// SetUserCode writes a slot.
func (l *Lock) SetUserCode(ctx context.Context, node string, n int, code panel.Code) (lock.Result, error) {
	return l.write(ctx, node, "set", n, code.Reveal())
}

// ClearUserCode empties a slot.
func (l *Lock) ClearUserCode(ctx context.Context, node string, n int) (lock.Result, error) {
	return l.write(ctx, node, "clear", n, "")
}

func (l *Lock) write(ctx context.Context, node, name string, n int, digits string) (lock.Result, error) {
	if err := l.reach(node, name); err != nil {
		return lock.Failed, err
	}
	if l.faults.Strikes(paneltest.Busy) {
		return lock.Failed, panel.ErrBusy
	}
	l.mu.Lock()
	result := lock.Failed
	if digits == "" || !l.faults.Refuses(panel.FieldCode, n) {
		was := l.slots[n].code
		result = l.put(n, digits)
		if s := l.slots[n]; s.code != was {
			s.at = time.Now()
			l.slots[n] = s
		}
	}
	if l.quirks[Silent] && result == lock.Duplicate || l.quirks[Unconfirmed] {
		result = lock.Unconfirmed
	}
	l.mu.Unlock()
	return result, l.answer(ctx, true)
}
