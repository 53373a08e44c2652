package dsc

import (
	"net"
	"slices"
	"sync"
)

// provenPrefixes is how many prefixes are remembered for one panel.
const provenPrefixes = 4

// gate bounds the connections that have proven nothing. The oldest goes first; what
// comes from where a panel was proven before is never sent away for a stranger.
type gate struct {
	limits Limits

	mu      sync.Mutex
	waiting []*visitor          // unproven, oldest first
	homes   map[string][]string // by integration id: prefixes from which it was proven, newest last
}

// visitor is a connection before its proof.
type visitor struct {
	conn   net.Conn
	prefix string
	ident  string // what it claims, "" before its first frame
	home   bool   // its prefix has proven something
}

// enter admits a connection and sends away what is then too much.
func (g *gate) enter(c net.Conn) *visitor {
	v := &visitor{conn: c, prefix: prefixOf(c.RemoteAddr())}
	g.mu.Lock()
	for _, prefixes := range g.homes {
		v.home = v.home || slices.Contains(prefixes, v.prefix)
	}
	g.waiting = append(g.waiting, v)
	var out []*visitor
	if v.home {
		out = g.excess(out, g.limits.Unproven, func(w *visitor) bool { return w.prefix == v.prefix })
	} else {
		out = g.excess(out, g.limits.PerPrefix, func(w *visitor) bool { return w.prefix == v.prefix })
		out = g.excess(out, g.limits.Unproven, func(w *visitor) bool { return !w.home })
	}
	g.mu.Unlock()
	dismiss(out)
	return v
}

// claim notes which panel a visitor says it is.
func (g *gate) claim(v *visitor, ident string) {
	g.mu.Lock()
	v.ident = ident
	var out []*visitor
	if slices.Contains(g.homes[ident], v.prefix) {
		v.home = true
	} else {
		stranger := func(w *visitor) bool {
			return w.ident == ident && !slices.Contains(g.homes[ident], w.prefix)
		}
		out = g.excess(out, g.limits.PerPanel, stranger)
	}
	g.mu.Unlock()
	dismiss(out)
}

// excess takes the oldest of a group out until it keeps its limit. The caller holds g.mu.
func (g *gate) excess(out []*visitor, limit int, in func(*visitor) bool) []*visitor {
	n := 0
	for _, w := range g.waiting {
		if in(w) {
			n++
		}
	}
	g.waiting = slices.DeleteFunc(g.waiting, func(w *visitor) bool {
		if n <= limit || !in(w) {
			return false
		}
		n--
		out = append(out, w)
		return true
	})
	return out
}

// dismiss closes connections; their handshakes end with that.
func dismiss(out []*visitor) {
	for _, v := range out {
		_ = v.conn.Close()
	}
}

// leave takes a visitor off the list. It reports whether it was still on it, so that
// one that was sent away is told apart.
func (g *gate) leave(v *visitor) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, v)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}

// prove remembers from where a panel was proven.
func (g *gate) prove(v *visitor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.homes == nil {
		g.homes = map[string][]string{}
	}
	homes := slices.DeleteFunc(g.homes[v.ident], func(p string) bool { return p == v.prefix })
	if len(homes) == provenPrefixes {
		homes = homes[1:]
	}
	g.homes[v.ident] = append(homes, v.prefix)
}

func (g *gate) unproven() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}
