package credentials

import (
	"encoding/binary"
	"time"
)

// Presented is what somebody held or typed, and where.
type Presented struct {
	Point  string
	Medium Medium
	Prints []Fingerprint // under each fingerprint key of the epoch
	With   []Shown       // what else was shown for the same entry
	// Locked: the point takes nothing on this medium before then, after wrong codes.
	Locked time.Time
	// Opened is when the point opened last, for rules with a cooldown.
	Opened time.Time
	// Lockdown: the point is in a lockdown.
	Lockdown bool
	// Needs is how many credentials the point asks of everybody for now; 0 and 1: one.
	Needs int
}

// Shown is another credential of the same entry: the PIN after the card.
type Shown struct {
	Medium Medium
	Prints []Fingerprint
}

// matched is what of a record was shown.
type matched struct {
	found    *Secret // by what was presented first
	shown    int     // how many credentials, all together
	needs    int     // how many the record and the point ask for
	duress   bool    // one of them was a duress code
	tagTyped bool
}

// lacks reports whether the rule asks for more credentials than were shown. The most that
// anybody asks for counts.
func (m *matched) lacks(r *Rule) bool { return m.shown < max(m.needs, r.Needs) }

// match finds the secrets that were presented. It compares every one of them, so that the
// time tells neither which matched nor whether. What a holder knows counts once, however
// many codes were typed; each tag counts once.
func match(secrets []Secret, p *Presented) (m matched) {
	knows, has := 0, 0
	for i := range secrets {
		s := &secrets[i]
		same, typed := s.shownIn(p.Prints)
		hit := same && s.Kind.on(p.Medium)
		if hit {
			m.found = s
		}
		for j := range p.With {
			also, _ := s.shownIn(p.With[j].Prints)
			hit = hit || also && s.Kind.on(p.With[j].Medium) && !s.Lost
		}
		m.tagTyped = m.tagTyped || typed && s.Kind == TagNumber && PIN.on(p.Medium)
		m.duress = m.duress || hit && s.Kind == DuressPIN
		switch {
		case hit && s.Kind == TagNumber:
			has++
		case hit:
			knows = 1
		}
	}
	m.shown = knows + has
	return m
}

// shownIn compares with each of the prints: the secret itself, and its number typed.
func (s *Secret) shownIn(prints []Fingerprint) (same, typed bool) {
	for i := range prints {
		a, b := s.Print.same(&prints[i]), s.Typed.same(&prints[i])
		same, typed = same || a, typed || b
	}
	return same, typed
}

// same compares all bytes in any case.
func (f *Fingerprint) same(g *Fingerprint) bool {
	a := binary.LittleEndian.Uint64(f[:]) ^ binary.LittleEndian.Uint64(g[:])
	b := binary.LittleEndian.Uint64(f[8:]) ^ binary.LittleEndian.Uint64(g[8:])
	return a|b == 0
}
