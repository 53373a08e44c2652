package acmedriver

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// Ident is how the simulated panel names itself.
const Ident = "ACME-0001"

// Panel is a simulated Acme panel with four partitions, codes of four digits, and a
// Master in slot 1. It keeps the panel's rules and is the truth that tests ask.
type Panel struct {
	listen func() (net.Listener, error)
	key    string
	faults paneltest.Faults

	mu    sync.Mutex
	users map[int]paneltest.User
}

// NewPanel makes a panel that takes connections from listen and opens to key.
func NewPanel(listen func() (net.Listener, error), key string) *Panel {
	master := paneltest.User{Place: panel.Place{Slot: 1}, Code: "1111", Label: "Master", Role: panel.Master, Partitions: Model().AllPartitions()}
	return &Panel{listen: listen, key: key, users: map[int]paneltest.User{1: master}}
}

// Quirks and Quirk: whoever invents a wire leaves nothing open. A simulator of a real
// panel has one for every fact that its sources do not settle.
func (*Panel) Quirks() []string { return nil }

// Quirk knows none.
func (*Panel) Quirk(string, bool) bool { return false }

// Fault arms a fault.
func (p *Panel) Fault(f paneltest.Fault) { p.faults.Arm(f) }

// Users lists the users in order of slot.
func (p *Panel) Users() []paneltest.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Values(p.users), func(a, b paneltest.User) int { return a.Slot - b.Slot })
}

// Keypad is a person at the wall. Only there are tags enrolled.
func (p *Panel) Keypad(e panel.Edit) error {
	done, _ := p.edit(e, func(panel.Field) bool { return false })
	if done != e.Set && e.Do != panel.Remove || done == 0 {
		return panel.ErrRefused
	}
	return nil
}

// edit keeps the panel's rules.
func (p *Panel) edit(e panel.Edit, refuses func(panel.Field) bool) (done panel.Field, taken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, exists := p.users[e.Slot]
	code := e.Code.Reveal()
	for slot, other := range p.users {
		if slot != e.Slot && other.Code == code {
			code = "" // another user has it
		}
	}
	badCode := len(code) != 4 || refuses(panel.FieldCode)
	switch {
	case e.Do == panel.Create && exists:
		return 0, true
	case e.Do == panel.Change && !exists, e.Do != panel.Change && u.Role == panel.Master:
		return 0, false
	case e.Do == panel.Remove:
		if refuses(panel.FieldCode) {
			return 0, false
		}
		delete(p.users, e.Slot)
		return panel.FieldCode, false
	case e.Do != panel.Change:
		if badCode || !e.Set.Has(panel.FieldCode) {
			return 0, false
		}
		u = paneltest.User{Place: e.Place, Label: fmt.Sprintf("User %d", e.Slot), Role: panel.User, Partitions: 0b1111}
	}
	for f := range e.Set.Each() {
		master := u.Role == panel.Master
		switch {
		case f == panel.FieldCode && !badCode:
			u.Code = code
		case refuses(f):
			continue
		case f == panel.FieldLabel && len([]rune(e.Label)) <= 24:
			u.Label = e.Label
		case f == panel.FieldRole && !master && (e.Role == panel.User || e.Role == panel.Guest):
			u.Role = e.Role
		case f == panel.FieldPartitions && !master && e.Partitions != 0 && e.Partitions <= 0b1111:
			u.Partitions = e.Partitions
		case f == panel.FieldLegacyTags:
			u.Tags = len(e.LegacyTags)
		default:
			continue
		}
		done |= f
	}
	p.users[e.Slot] = u
	return done, false
}

// Serve takes connections until ctx ends.
func (p *Panel) Serve(ctx context.Context) error {
	l, err := p.listen()
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
			p.talk(conn)
		})
	}
}

// talk answers one connection. It writes its lines without the driver's encoder, so
// that both cannot be wrong in the same way unseen.
func (p *Panel) talk(conn net.Conn) {
	open := false
	for in := bufio.NewScanner(conn); in.Scan() && !p.faults.Strikes(paneltest.Away); {
		body, sum, ok := split(in.Bytes())
		var q request
		if !ok || sum != crc32.ChecksumIEEE(body) || json.Unmarshal(body, &q) != nil {
			return
		}
		a := p.answer(q, open)
		open = open || a["digits"] != nil
		a["n"] = q.N
		raw, _ := json.Marshal(a)
		_, wrote := a["done"]
		if p.faults.Send(conn, fmt.Appendf(raw, " %08x\n", crc32.ChecksumIEEE(raw)), wrote) != nil {
			return
		}
	}
}

func (p *Panel) answer(q request, open bool) map[string]any {
	do := slices.Index([]string{"change", "create", "replace", "remove"}, q.Do)
	switch {
	case p.faults.Strikes(paneltest.Lockout):
		return map[string]any{"error": "locked", "seconds": int(p.faults.Left(paneltest.Lockout).Seconds())}
	case q.Do == "login" && q.Key == p.key && !p.faults.Strikes(paneltest.WrongSecret):
		return map[string]any{"ident": Ident, "digits": 4}
	case !open:
		return map[string]any{"error": "key"}
	case do < 0:
		return p.look(q)
	case p.faults.Strikes(paneltest.Busy):
		return map[string]any{"error": "busy"}
	case p.faults.Strikes(paneltest.Armed):
		return map[string]any{"error": "armed"}
	}
	e := panel.Edit{Place: panel.Place{Slot: q.Slot}, Do: panel.Do(do)}
	for f := range panel.AllFields.Each() {
		if _, ok := q.Set[f.String()]; ok {
			e.Set |= f
		}
	}
	_ = e.Code.UnmarshalText([]byte(q.Set["code"])) // what is no code stays none and is refused
	e.Label, e.Role = q.Set["label"], panel.Role(q.Set["role"])
	e.Partitions, _ = panel.ParsePartitions(q.Set["partitions"])
	done, taken := p.edit(e, func(f panel.Field) bool { return p.faults.Refuses(f, q.Slot) })
	names := []string{}
	for f := range done.Each() {
		names = append(names, f.String())
	}
	if taken {
		return map[string]any{"error": "taken"}
	}
	return map[string]any{"done": names}
}

// look answers get and next. A mark is a hash under a salt, as a careful panel shows it.
func (p *Panel) look(q request) map[string]any {
	for _, u := range p.Users() {
		if u.Slot == q.Slot && q.Do == "get" || u.Slot > q.Slot && q.Do == "next" {
			return map[string]any{"slot": u.Slot, "user": map[string]string{
				"label": u.Label, "role": string(u.Role), "partitions": u.Partitions.String(),
				"tags": strconv.Itoa(u.Tags), "mark": fmt.Sprintf("%x", sha256.Sum256([]byte(p.key+u.Code)))[:16],
			}}
		}
	}
	return map[string]any{}
}
