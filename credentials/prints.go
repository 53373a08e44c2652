package credentials

import "encoding/binary"

// span is a window in seconds.
type span struct{ from, until int64 }

// What a span has without a beginning and without an end.
const (
	noFrom  = -1 << 63
	noUntil = 1<<63 - 1
)

func spanOf(w Window) span {
	s := span{noFrom, noUntil}
	if !w.From.IsZero() {
		s.from = w.From.Unix()
	}
	if !w.Until.IsZero() {
		s.until = w.Until.Unix()
	}
	return s
}

// entry is a fingerprint in an index, with all that is asked about its holder if that is
// as little as most holders have. Two of them fill a line of the processor's cache, so
// that one look decides.
type entry struct {
	print Fingerprint
	from  uint32 // second, 0 without; of a full holder its number
	until uint32 // second, entryNoUntil without
	name  uint32 // the holder's id, which no other has
	roles uint16
	size  uint8 // of the id
	bits  uint8 // never 0
}

const entryNoUntil = 1<<32 - 1

// The bits of an entry begin with the kind of its secret. Those from isDisabled on are the
// holder's.
const (
	bitsOfKind = 1<<3 - 1
	isLost     = 1 << 3
	isDisabled = 1 << 4
	isRevoked  = 1 << 5
	isFull     = 1 << 6 // what decides is in a fullRow
	hasExtra   = 1 << 7
)

func bit(b uint8, set bool) uint8 {
	if set {
		return b
	}
	return 0
}

// holds writes into the entry when its holder may enter and as whom, and reports whether
// there is room for that.
func (e *entry) holds(w span, roles uint32) bool {
	e.from, e.until, e.roles = 0, entryNoUntil, uint16(roles)
	if w.from != noFrom {
		e.from = uint32(w.from)
	}
	if w.until != noUntil {
		e.until = uint32(w.until)
	}
	return e.span() == w && uint32(e.roles) == roles
}

// span is when the holder may enter, who is not full.
func (e *entry) span() span {
	s := span{int64(e.from), int64(e.until)}
	if e.from == 0 {
		s.from = noFrom
	}
	if e.until == entryNoUntil {
		s.until = noUntil
	}
	return s
}

// printTable finds entries by their fingerprints: open addressing with linear probing, at
// most three quarters full. It grows in 256 parts, so that nobody waits long for one.
type printTable [256]printPart

type printPart struct {
	entries []entry
	used    int
}

// printHash is enough of a fingerprint: nobody without its key can choose it.
func printHash(f *Fingerprint) uint32 { return binary.LittleEndian.Uint32(f[4:]) }

// start is where looking for a hash begins among so many entries of its part.
func start(h uint32, n int) int { return int(uint64(h<<8) * uint64(n) >> 32) }

func after(i, n int) int {
	if i++; i < n {
		return i
	}
	return 0
}

// find returns the entry of a fingerprint, or nil. It is valid until the next change.
func (t *printTable) find(f *Fingerprint) *entry {
	h := printHash(f)
	all := t[h>>24].entries
	if len(all) == 0 {
		return nil
	}
	for i := start(h, len(all)); all[i].bits != 0; i = after(i, len(all)) {
		if all[i].print == *f {
			return &all[i]
		}
	}
	return nil
}

// of returns the only entry of a holder, whose hash is known.
func (t *printTable) of(h, name uint32) *entry {
	all := t[h>>24].entries
	i := start(h, len(all))
	for all[i].name != name || all[i].bits == 0 {
		i = after(i, len(all))
	}
	return &all[i]
}

// add puts an entry in whose fingerprint is not in it.
func (t *printTable) add(e *entry) {
	p := &t[printHash(&e.print)>>24]
	if 4*(p.used+1) > 3*len(p.entries) {
		old := p.entries
		p.entries = make([]entry, len(old)+len(old)/4+4)
		for i := range old {
			if old[i].bits != 0 {
				p.place(&old[i])
			}
		}
	}
	p.used++
	p.place(e)
}

func (p *printPart) place(e *entry) {
	i := start(printHash(&e.print), len(p.entries))
	for p.entries[i].bits != 0 {
		i = after(i, len(p.entries))
	}
	p.entries[i] = *e
}

// remove takes out the entry of a fingerprint that is in it, and moves those up that would
// no longer be found behind the gap.
func (t *printTable) remove(f *Fingerprint) {
	h := printHash(f)
	p := &t[h>>24]
	all := p.entries
	gap := start(h, len(all))
	for all[gap].print != *f || all[gap].bits == 0 {
		gap = after(gap, len(all))
	}
	for i := after(gap, len(all)); all[i].bits != 0; i = after(i, len(all)) {
		from := start(printHash(&all[i].print), len(all))
		if gap < i && (from <= gap || from > i) || gap > i && from <= gap && from > i {
			all[gap] = all[i]
			gap = i
		}
	}
	all[gap] = entry{}
	p.used--
}
