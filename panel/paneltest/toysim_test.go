package paneltest_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// toyPanel is the simulated panel of the toy driver: it keeps the rules of a model.
type toyPanel struct {
	model   panel.Model
	network *paneltest.Network
	callsIn bool
	jobs    bool // edits are jobs that are polled
	immune  []paneltest.FaultKind
	faults  paneltest.Faults

	mu      sync.Mutex
	users   []paneltest.User
	results []frame
	ready   []time.Time
	conns   map[net.Conn]bool
	loud    bool // a quirk: says what changed twice
	held    time.Duration
	entered time.Time
}

func newToyPanel(s shape, network *paneltest.Network) *toyPanel {
	m := s.model
	p := &toyPanel{model: m, network: network, callsIn: s.callsIn, jobs: s.jobs, immune: s.immune, conns: map[net.Conn]bool{}}
	if m.MasterSlot != 0 {
		p.users = append(p.users, paneltest.User{Place: panel.Place{Slot: m.MasterSlot}, Code: strings.Repeat("1", m.Code.Lens[0]), Role: panel.Master, Partitions: m.AllPartitions(), Label: "Master"})
	}
	return p
}

func (p *toyPanel) Fault(f paneltest.Fault) {
	if !slices.Contains(p.immune, f.Do) {
		p.faults.Arm(f)
	}
}

func (p *toyPanel) Quirks() []string { return []string{"says changes twice"} }
func (p *toyPanel) Quirk(name string, on bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if name != p.Quirks()[0] {
		return false
	}
	p.loud = on
	return true
}

func (p *toyPanel) Users() []paneltest.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.users)
}

func (p *toyPanel) Held() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave()
	return p.held
}

func (p *toyPanel) leave() {
	if !p.entered.IsZero() {
		p.held = max(p.held, time.Since(p.entered))
	}
	p.entered = time.Time{}
}

func (p *toyPanel) Keypad(e panel.Edit) error {
	w := wireEdit{Place: e.Place, Do: e.Do, Set: e.Set, Code: e.Code.Reveal(), Label: e.Label, Role: e.Role, Partitions: e.Partitions, Keypads: e.Keypads, Locks: e.Locks, From: e.Window.From, Until: e.Window.Until}
	w.LegacyTags, w.Lock = make([]string, len(e.LegacyTags)), make([]string, len(e.LockTags))
	a := p.edit(w, func(panel.Field) bool { return false })
	if a.Done == 0 || a.Done != e.Set && e.Do != panel.Remove {
		return panel.ErrRefused
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_, _ = conn.Write(encode(frame{Do: "changed", Place: e.Place}))
		if p.loud {
			_, _ = conn.Write(encode(frame{Do: "changed", Place: e.Place}))
		}
	}
	return nil
}

func (p *toyPanel) edit(e wireEdit, refuses func(panel.Field) bool) (a frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, exists := slices.BinarySearchFunc(p.users, e.Place, func(u paneltest.User, q panel.Place) int {
		return max(-1, min(1, u.Slot-q.Slot+strings.Compare(u.ID, q.ID)))
	})
	master := p.model.MasterSlot != 0 && e.Slot == p.model.MasterSlot
	badCode := refuses(panel.FieldCode) || !slices.Contains(p.model.Code.Lens, len(e.Code))
	for _, u := range p.users {
		badCode = badCode || p.model.Code.Unique && u.Code == e.Code && u.Place != e.Place
	}
	var u paneltest.User
	if exists {
		u = p.users[at]
	}
	seen := p.model.Sight >= panel.Presence
	switch {
	case e.Do != panel.Change && master:
		return frame{}
	case e.Do == panel.Remove:
		if refuses(panel.FieldCode) {
			return frame{}
		}
		if exists {
			p.users = slices.Delete(p.users, at, at+1)
		}
		return frame{Done: panel.FieldCode}
	case e.Do == panel.Create && exists && seen:
		return frame{Taken: true}
	case e.Do == panel.Change && !exists && (seen || !e.Set.Has(panel.FieldCode)):
		return frame{}
	case (e.Do != panel.Change || !exists) && badCode:
		return frame{}
	case e.Do != panel.Change || !exists:
		u = paneltest.User{Place: e.Place, Role: p.model.Roles[len(p.model.Roles)-1], Partitions: p.model.AllPartitions()}
		if p.model.DefaultRole != "" {
			u.Role = p.model.DefaultRole
		}
	}
	for f := range e.Set.Each() {
		switch {
		case f == panel.FieldCode && badCode, f != panel.FieldCode && refuses(f), f == panel.FieldPartitions && master:
			continue
		case f == panel.FieldCode:
			u.Code = e.Code
		case f == panel.FieldLabel:
			u.Label = e.Label
		case f == panel.FieldRole:
			u.Role = e.Role
		case f == panel.FieldPartitions:
			u.Partitions = e.Partitions
		case f == panel.FieldLegacyTags, f == panel.FieldLockTags:
			u.Tags = len(e.LegacyTags) + len(e.Lock)
		case f == panel.FieldKeypads:
			u.Keypads = e.Keypads
		case f == panel.FieldLocks:
			u.Locks = e.Locks
		case f == panel.FieldFrom:
			u.Window.From = e.From
		case f == panel.FieldUntil:
			u.Window.Until = e.Until
		}
		a.Done |= f
	}
	if exists {
		p.users[at] = u
	} else {
		p.users = slices.Insert(p.users, at, u)
	}
	return a
}

func (p *toyPanel) Serve(ctx context.Context) error {
	var talks sync.WaitGroup
	defer talks.Wait()
	if p.callsIn {
		for ctx.Err() == nil {
			if conn, err := p.network.From("10.0.0.9:41000").DialContext(ctx, "tcp", toyAddr); err == nil && !p.faults.Strikes(paneltest.Away) {
				p.talk(ctx, conn)
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
		return ctx.Err()
	}
	l, err := p.network.Listen(toyAddr)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		if err != nil {
			return ctx.Err()
		}
		talks.Go(func() { p.talk(ctx, conn) })
	}
}

func (p *toyPanel) talk(ctx context.Context, conn net.Conn) {
	defer func() {
		_ = conn.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, conn)
		p.leave()
	}()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	for in := bufio.NewScanner(conn); in.Scan() && !p.faults.Strikes(paneltest.Away); {
		q, ok := decode(in.Text())
		if !ok {
			return
		}
		a := p.answer(conn, q)
		a.N = q.N
		if p.faults.Send(conn, encode(a), a.Done != 0 || a.Job != 0) != nil {
			return
		}
	}
}

func (p *toyPanel) answer(conn net.Conn, q frame) frame {
	p.mu.Lock()
	known := p.conns[conn]
	p.mu.Unlock()
	switch {
	case p.faults.Strikes(paneltest.Lockout):
		return frame{Error: "locked"}
	case q.Do == "login" && q.Key == toyKey && !p.faults.Strikes(paneltest.WrongSecret):
		p.mu.Lock()
		defer p.mu.Unlock()
		p.conns[conn] = true
		return frame{Digits: p.model.Code.Lens[0]}
	case !known:
		return frame{Error: "secret"}
	case q.Do == "list", q.Do == "get":
		return frame{Users: p.look(q)}
	case q.Do == "leave":
		p.mu.Lock()
		defer p.mu.Unlock()
		p.leave()
		return frame{}
	case p.faults.Strikes(paneltest.Busy):
		return frame{Error: "busy"}
	case p.faults.Strikes(paneltest.Armed):
		return frame{Error: "armed"}
	case q.Do == "enter":
		p.mu.Lock()
		defer p.mu.Unlock()
		p.leave()
		p.entered = time.Now()
		return frame{}
	case q.Do == "poll":
		p.mu.Lock()
		defer p.mu.Unlock()
		if time.Now().Before(p.ready[q.Job-1]) {
			return frame{Job: q.Job}
		}
		return p.results[q.Job-1]
	}
	a := p.edit(*q.Edit, func(f panel.Field) bool { return p.faults.Refuses(f, q.Edit.Slot) })
	if !p.jobs {
		return a
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.results, p.ready = append(p.results, a), append(p.ready, time.Now().Add(1500*time.Millisecond))
	return frame{Job: len(p.results)}
}

func (p *toyPanel) look(q frame) []wireUser {
	var out []wireUser
	for _, u := range p.Users() {
		behind := u.Slot > q.Place.Slot || u.ID > q.Place.ID
		if q.Do == "get" && u.Place != q.Place || q.Do == "list" && !behind {
			continue
		}
		w := wireUser{User: u, Mark: fmt.Sprintf("%x", sha256.Sum256([]byte(toyKey+u.Code)))[:12]}
		if !q.Disclose {
			w.Code = ""
		}
		out = append(out, w)
	}
	return out
}
