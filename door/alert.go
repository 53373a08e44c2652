package door

import (
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Alert is something that a person should look at. It names nobody, and is never about
// duress.
type Alert struct {
	At     time.Time // of an outage: when the edge decided
	Kind   AlertKind
	Site   string
	Reader string             // where it was noticed
	Point  string             // of a lock-out
	Medium credentials.Medium // of a lock-out
	Until  time.Time          // of a lock-out
	Late   bool               // it happened during an outage
}

// AlertKind names what happened.
type AlertKind string

// The alerts. Each is an entry too.
const (
	Locked   AlertKind = "locked"   // wrong codes have locked a medium of a reader
	Guessing AlertKind = "guessing" // wrong codes have used up a site's budget of the day
)

// mostAlerts is how many alerts wait for the host's function. Beyond, the oldest go: their
// entries stay.
const mostAlerts = 1000

// bell calls the host's function beside what decides, one alert after the other.
type bell struct {
	ring func(Alert)

	mu  sync.Mutex
	due []Alert
	on  bool // somebody rings
}

func (b *bell) tell(news ...Alert) {
	if b.ring == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.due = append(b.due, news...)
	b.due = b.due[max(0, len(b.due)-mostAlerts):]
	if !b.on && len(b.due) > 0 {
		b.on = true
		go b.run()
	}
}

func (b *bell) run() {
	for a, more := b.next(); more; a, more = b.next() {
		b.ring(a)
	}
}

func (b *bell) next() (Alert, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.on = len(b.due) > 0; !b.on {
		return Alert{}, false
	}
	a := b.due[0]
	b.due = b.due[1:]
	return a, true
}
