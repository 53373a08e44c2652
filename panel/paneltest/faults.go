package paneltest

import (
	"net"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Faults is the list of armed faults of a simulated panel, for simulators to embed or
// hold: they send every message with [Faults.Send] and ask [Faults.Strikes] where the
// panel decides. The zero value is ready.
type Faults struct {
	mu    sync.Mutex
	armed []*fault
}

type fault struct {
	Fault
	until time.Time // end of a fault that lasts For, once it has begun
}

// lasting are the faults that hold for a time or until they are ended, not for Times.
func (k FaultKind) lasting() bool {
	switch k {
	case Busy, Armed, Lockout, Away:
		return true
	}
	return false
}

// Arm is what [Sim.Fault] does. Disarm and Back end Armed and Away.
func (f *Faults) Arm(x Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch x.Do {
	case Disarm:
		f.end(Armed)
	case Back:
		f.end(Away)
	default:
		x.Times = max(x.Times, 1)
		f.armed = append(f.armed, &fault{Fault: x})
	}
}

// end takes every fault of a kind away. The caller holds f.mu.
func (f *Faults) end(do FaultKind) {
	f.armed = slices.DeleteFunc(f.armed, func(a *fault) bool { return a.Do == do })
}

// Strikes reports whether a fault of this kind happens now, and counts the occasion.
func (f *Faults) Strikes(do FaultKind) bool {
	_, ok := f.strike(func(a *fault) bool { return a.Do == do })
	return ok
}

// Refuses reports whether a write of one field of a slot is refused now, and counts
// the occasion.
func (f *Faults) Refuses(field panel.Field, slot int) bool {
	_, ok := f.strike(func(a *fault) bool {
		return a.Do == Refuse && a.Field.Has(field) && (a.Slot == 0 || a.Slot == slot)
	})
	return ok
}

// Left is how long a Busy or Lockout that has begun goes on, 0 if there is none.
func (f *Faults) Left(do FaultKind) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.armed {
		if a.Do == do && !a.until.IsZero() {
			return max(0, time.Until(a.until))
		}
	}
	return 0
}

// strike finds the first fault that matches and whose time has come.
func (f *Faults) strike(match func(*fault) bool) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.armed = slices.DeleteFunc(f.armed, func(a *fault) bool { return passed(a.until, now) })
	for i, a := range f.armed {
		if a.After > 0 || !match(a) {
			continue
		}
		switch {
		case !a.Do.lasting():
			if a.Times--; a.Times == 0 {
				f.armed = slices.Delete(f.armed, i, i+1)
			}
		case a.For > 0 && a.until.IsZero():
			a.until = now.Add(a.For)
		}
		return a.Fault, true
	}
	return Fault{}, false
}

// pass counts a message for the faults that wait for some.
func (f *Faults) pass() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.armed {
		a.After = max(0, a.After-1)
	}
}

// Send writes one message to conn, or does to it what is armed. answersWrite says that
// it is the answer to a write that was carried out. An error means that the connection
// is over.
func (f *Faults) Send(conn net.Conn, message []byte, answersWrite bool) error {
	x, _ := f.strike(func(a *fault) bool {
		switch a.Do {
		case Drop, Delay, Corrupt, Duplicate, Cut:
			return true
		case Late, CutBefore:
			return answersWrite
		}
		return false
	})
	if x.Do == NoFault {
		f.pass()
	}
	switch x.Do {
	case Drop:
		return nil
	case Delay, Late:
		time.Sleep(x.wait())
	case Corrupt:
		message = slices.Clone(message)
		message[len(message)/2] ^= 0x15
	case Duplicate:
		message = append(slices.Clone(message), message...)
	case Cut, CutBefore:
		_ = conn.Close()
		return net.ErrClosed
	}
	_, err := conn.Write(message)
	return err
}

// wait is how long a message is held back: For, else longer than any driver is patient.
func (x Fault) wait() time.Duration {
	if x.For > 0 {
		return x.For
	}
	return 10 * time.Minute
}
