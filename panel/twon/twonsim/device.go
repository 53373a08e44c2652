package twonsim

import (
	"cmp"
	"context"
	"encoding/hex"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// The account and the serial number of a device that is given none.
const (
	DefaultSerial   = "54-0000-0005"
	DefaultUser     = "integration"
	DefaultPassword = "a-device-password"
)

// Options of a simulated device. Listen is required.
type Options struct {
	Listen   func() (net.Listener, error)
	Serial   string        // [DefaultSerial]
	User     string        // [DefaultUser]
	Password string        // [DefaultPassword]
	Uni      bool          // 2N IP Uni: no validity, no PIN, no cards, one switch code
	Skew     time.Duration // how far the clock is ahead
}

// Device is a simulated device. All methods are safe for concurrent use.
type Device struct {
	opts   Options
	faults paneltest.Faults

	mu        sync.Mutex
	quirks    map[string]bool
	records   map[string]*record
	series    int
	stamp     int64
	nonces    map[string]int // how often each was used
	issued    int
	presented int
	asked     map[string]int
	log       eventLog
}

// New makes a device with an empty directory.
func New(o Options) *Device {
	o.Serial = cmp.Or(o.Serial, DefaultSerial)
	o.User = cmp.Or(o.User, DefaultUser)
	o.Password = cmp.Or(o.Password, DefaultPassword)
	return &Device{
		opts: o, quirks: map[string]bool{}, records: map[string]*record{}, series: 1,
		nonces: map[string]int{}, asked: map[string]int{},
	}
}

// Serve takes connections until ctx ends.
func (d *Device) Serve(ctx context.Context) error {
	l, err := d.opts.Listen()
	if err != nil {
		return err
	}
	var talks sync.WaitGroup
	defer talks.Wait()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		if err != nil {
			return ctx.Err()
		}
		talks.Go(func() {
			defer func() { _ = conn.Close() }()
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			d.talk(conn)
		})
	}
}

// Fault arms a fault.
func (d *Device) Fault(f paneltest.Fault) {
	if f.Do == paneltest.Corrupt {
		f.Do = paneltest.Cut
	}
	d.faults.Arm(f)
}

// Users lists the entries in which something opens, by uuid.
func (d *Device) Users() []paneltest.User {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []paneltest.User
	for _, r := range d.records {
		if !r.deleted && r.opens() {
			out = append(out, r.user(d.opts.Uni))
		}
	}
	slices.SortFunc(out, func(a, b paneltest.User) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Keypad is a person at the device's web page. Whoever restores a backup there makes
// entries with uuids of their own choice; they have no owner.
func (d *Device) Keypad(e panel.Edit) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	uuid := strings.ToLower(e.ID)
	old := d.records[uuid]
	lives := old != nil && !old.deleted
	switch {
	case !wellFormed(uuid), e.Do == panel.Change && !lives, e.Do == panel.Remove && !lives:
		return panel.ErrRefused
	case e.Do == panel.Create && lives:
		return panel.ErrOccupied
	case e.Do == panel.Remove:
		d.bury(uuid, d.tick())
		return nil
	}
	r := record{uuid: uuid}
	if e.Do == panel.Change {
		r = *old
	}
	for f := range e.Set.Each() {
		switch f {
		case panel.FieldLabel:
			r.name = e.Label
		case panel.FieldCode:
			r.setCode(e.Code.Reveal(), d.opts.Uni)
		case panel.FieldLegacyTags:
			r.cards = [2]string{}
			for i, t := range e.LegacyTags[:min(2, len(e.LegacyTags))] {
				r.cards[i] = strings.ToUpper(hex.EncodeToString(t.Reveal()))
			}
		case panel.FieldFrom:
			r.from = unix(e.Window.From)
		case panel.FieldUntil:
			if r.to = unix(e.Window.Until); r.to > 0 {
				r.to-- // the page shows the last second
			}
		default:
			return panel.ErrUnsupported
		}
	}
	r.stamp = d.tick()
	d.records[uuid] = &r
	return nil
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// Entry is a telephone-book entry, or one that another system looks after.
func (d *Device) Entry(uuid, owner, name, pin string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &record{uuid: strings.ToLower(uuid), owner: owner, name: name, stamp: d.tick()}
	r.setCode(pin, d.opts.Uni)
	d.records[r.uuid] = r
}

// Block keeps an entry out at every access point, or lets it in again.
func (d *Device) Block(uuid string, on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.records[uuid]; r != nil {
		r.shut, r.stamp = on, d.tick()
	}
}

// Owner is whose an entry is.
func (d *Device) Owner(uuid string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.records[uuid]; r != nil {
		return r.owner
	}
	return ""
}

// FactoryReset empties the directory and begins a new series.
func (d *Device) FactoryReset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.records)
	d.series++
	d.stamp = 0
}

// Opens reports whether a code opens at an instant of the device's clock.
func (d *Device) Opens(code string, at time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := at.Unix()
	for _, r := range d.records {
		last := r.to
		if d.quirks[ExclusiveEnd] {
			last--
		}
		if !r.deleted && !r.shut && r.code(d.opts.Uni) == code && now >= r.from && (r.to == 0 || now <= last) {
			return true
		}
	}
	return false
}

// Presented is how often an account was presented.
func (d *Device) Presented() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.presented
}

// Asked is how often a path was asked for by somebody who was let in.
func (d *Device) Asked(path string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[path]
}

// tick is the timestamp of the next change. The caller holds d.mu.
func (d *Device) tick() int64 {
	d.stamp++
	return d.stamp
}

// bury deletes an entry. The caller holds d.mu.
func (d *Device) bury(uuid string, stamp int64) {
	if d.quirks[NoTombstones] {
		delete(d.records, uuid)
		return
	}
	d.records[uuid] = &record{uuid: uuid, deleted: true, stamp: stamp}
}

// Valid makes an entry with a PIN and a validity as the API writes it. It reports whether
// the device takes them.
func (d *Device) Valid(uuid, pin, validFrom, validTo string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	var first int64
	told, _ := d.store(&record{uuid: uuid}, map[string]any{
		"access": map[string]any{"pin": pin, "validFrom": validFrom, "validTo": validTo},
	}, &first)
	return told["errors"] == nil
}
