package twonsim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// history is how many events a device remembers.
const history = 10000

// event is one entry of the event log.
type event struct {
	id     uint32
	utc    int64
	name   string
	params map[string]any
}

func (e event) tell() map[string]any {
	return map[string]any{"id": e.id, "tzShift": 0, "utcTime": e.utc, "upTime": e.id, "event": e.name, "params": e.params}
}

// channel is a subscription: what it filters and what it has not told.
type channel struct {
	filter []string
	queue  []event
	until  time.Time
	life   time.Duration
}

// eventLog is what a device remembers of what happened, until it starts anew.
type eventLog struct {
	last     uint32
	events   []event
	channels map[uint32]*channel
	made     uint32
	news     chan struct{} // closed by the next event
}

// next is closed by the next event.
func (l *eventLog) next() <-chan struct{} {
	if l.news == nil {
		l.news = make(chan struct{})
	}
	return l.news
}

// Enter is somebody who keys a PIN in at the door. It reports whether the door opens. As a
// device does, it writes down the code that was entered and who was let in, or that nobody
// was.
func (d *Device) Enter(pin string) bool {
	now := time.Now().Add(d.opts.Skew)
	opens := d.Opens(pin, now)
	d.mu.Lock()
	defer d.mu.Unlock()
	var who *record
	for _, r := range d.records {
		if !r.deleted && pin != "" && r.code(d.opts.Uni) == pin {
			who = r
		}
	}
	entered := map[string]any{"ap": "0", "session": "1", "direction": "in", "code": pin, "type": "user", "uuid": "", "valid": opens}
	d.happens("CodeEntered", now, entered)
	if who == nil {
		return false
	}
	params := map[string]any{"ap": "0", "session": "1", "name": who.name, "uuid": d.spell(who.uuid)}
	if !opens {
		params["reason"] = "invalidTime"
		d.happens("UserRejected", now, params)
		return false
	}
	d.happens("UserAuthenticated", now, params)
	return true
}

// Restart is the device starting anew: its event log is empty, and nobody listens.
func (d *Device) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = eventLog{made: d.log.made}
}

// The methods below are called with d.mu held.

func (d *Device) happens(name string, at time.Time, params map[string]any) {
	d.log.last++
	e := event{d.log.last, at.Unix(), name, params}
	d.log.events = append(d.log.events, e)
	d.log.events = d.log.events[max(0, len(d.log.events)-history):]
	if d.log.news != nil {
		close(d.log.news)
		d.log.news = nil
	}
	for _, c := range d.log.channels {
		if slices.Contains(c.filter, name) {
			c.queue = append(c.queue, e)
		}
	}
}

// logging answers below /api/log; nil is a path or a number that is not known.
func (d *Device) logging(req *http.Request) map[string]any {
	q := req.URL.Query()
	switch req.URL.Path {
	case "/api/log/caps":
		all := []string{"DeviceState", "ConfigurationChanged", "CodeEntered", "CardEntered", "UserRejected"}
		if !d.quirks[NoAuthenticated] {
			all = append(all, "UserAuthenticated")
		}
		return map[string]any{"events": all}
	case "/api/log/subscribe":
		seconds, err := strconv.Atoi(q.Get("duration"))
		if err != nil || seconds < 10 || seconds > 3600 {
			return nil
		}
		c := &channel{filter: strings.Split(q.Get("filter"), ","), life: time.Duration(seconds) * time.Second}
		c.until = time.Now().Add(c.life)
		back, err := strconv.ParseInt(q.Get("include"), 10, 64)
		if q.Get("include") != "new" && (err != nil || back >= 0) {
			return nil
		}
		for _, e := range d.log.events {
			if back < 0 && e.utc >= time.Now().Add(d.opts.Skew).Unix()+back && slices.Contains(c.filter, e.name) {
				c.queue = append(c.queue, e)
			}
		}
		if d.log.channels == nil {
			d.log.channels = map[uint32]*channel{}
		}
		d.log.made++
		d.log.channels[d.log.made] = c
		return map[string]any{"id": d.log.made}
	case "/api/log/pull":
		id, err := strconv.ParseUint(q.Get("id"), 10, 32)
		c := d.log.channels[uint32(id)]
		if err != nil || c == nil || time.Now().After(c.until) {
			return nil
		}
		c.until = time.Now().Add(c.life)
		n := min(len(c.queue), 128)
		told := []map[string]any{}
		for _, e := range c.queue[:n] {
			told = append(told, e.tell())
		}
		c.queue = c.queue[n:]
		return map[string]any{"events": told}
	}
	return nil
}

// waits is for how long a pull with nothing to tell may wait.
func (d *Device) waits(req *http.Request) time.Duration {
	q := req.URL.Query()
	id, err := strconv.ParseUint(q.Get("id"), 10, 32)
	c := d.log.channels[uint32(id)]
	if req.URL.Path != "/api/log/pull" || err != nil || c == nil || len(c.queue) > 0 || d.quirks[HastyPull] {
		return 0
	}
	seconds, err := strconv.Atoi(q.Get("timeout"))
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
