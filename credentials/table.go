package credentials

import (
	"math/bits"
	"strings"
)

// pageSize is how many elements a page of a pool holds.
const pageSize = 4096

// pool keeps elements of one kind under numbers from 1 on, in pages, so that growing
// copies nothing and wastes at most one page.
type pool[T any] struct {
	pages [][]T
	free  []uint32
	n     uint32 // numbers given out so far, with 0, which is nobody's
}

// take returns the number of a zero element.
func (p *pool[T]) take() uint32 {
	if last := len(p.free) - 1; last >= 0 {
		i := p.free[last]
		p.free = p.free[:last]
		return i
	}
	p.n++
	if int(p.n/pageSize) >= len(p.pages) {
		p.pages = append(p.pages, make([]T, pageSize))
	}
	return p.n
}

// give takes an element back.
func (p *pool[T]) give(i uint32) {
	var zero T
	*p.at(i) = zero
	p.free = append(p.free, i)
}

func (p *pool[T]) at(i uint32) *T { return &p.pages[i/pageSize][i%pageSize] }

// table finds references by a hash of what they stand for: open addressing with linear
// probing, at most two thirds full. A place holds a reference of 28 bits, never 0, below
// 4 bits of the hash, so that most of what is not meant need not be looked at.
type table struct {
	places []uint32
	used   int
	hash   func(ref uint32) uint64
}

const refBits = 28

func placeOf(h uint64, ref uint32) uint32 { return uint32(h)<<refBits | ref }

func refOf(place uint32) uint32 { return place & (1<<refBits - 1) }

// start is where looking for a hash begins.
func (t *table) start(h uint64) int {
	hi, _ := bits.Mul64(h, uint64(len(t.places)))
	return int(hi)
}

// find returns the reference under that hash for which same holds, or 0.
func (t *table) find(h uint64, same func(ref uint32) bool) uint32 {
	if t.used == 0 {
		return 0
	}
	for i, tag := t.start(h), placeOf(h, 0); t.places[i] != 0; i = after(i, len(t.places)) {
		if ref := refOf(t.places[i]); t.places[i] == tag|ref && same(ref) {
			return ref
		}
	}
	return 0
}

// add puts a reference in that is not in it.
func (t *table) add(ref uint32) {
	if 3*(t.used+1) > 2*len(t.places) {
		old := t.places
		t.places = make([]uint32, max(16, len(old)+len(old)/2))
		for _, p := range old {
			if p != 0 {
				t.place(refOf(p))
			}
		}
	}
	t.used++
	t.place(ref)
}

func (t *table) place(ref uint32) {
	h := t.hash(ref)
	i := t.start(h)
	for t.places[i] != 0 {
		i = after(i, len(t.places))
	}
	t.places[i] = placeOf(h, ref)
}

// remove takes a reference out that is in it, and moves those up that would no longer be
// found behind the gap.
func (t *table) remove(ref uint32) {
	h := t.hash(ref)
	gap := t.start(h)
	for t.places[gap] != placeOf(h, ref) {
		gap = after(gap, len(t.places))
	}
	t.used--
	for i := after(gap, len(t.places)); t.places[i] != 0; i = after(i, len(t.places)) {
		from := t.start(t.hash(refOf(t.places[i])))
		if gap < i && (from <= gap || from > i) || gap > i && from <= gap && from > i {
			t.places[gap] = t.places[i]
			gap = i
		}
	}
	t.places[gap] = 0
}

// chunkSize is how many bytes of names are kept together.
const chunkSize = 1 << 16

// names keeps short strings without a header and an allocation for each. What it returns
// shares its memory and never changes.
type names struct {
	chunks []string        // what was written so far
	last   strings.Builder // of the last chunk
	live   int             // bytes that are in use
	waste  int             // bytes that are not
}

// full reports whether there is no place for another chunk.
func (n *names) full() bool { return len(n.chunks) == 1<<32/chunkSize }

// keep returns where s was put; s has at most 255 bytes.
func (n *names) keep(s string) uint32 {
	if len(n.chunks) == 0 || n.last.Len()+len(s) > chunkSize {
		n.last.Reset()
		n.last.Grow(chunkSize)
		n.chunks = append(n.chunks, "")
	}
	begin, last := n.last.Len(), len(n.chunks)-1
	n.last.WriteString(s)
	n.chunks[last] = n.last.String()
	n.live += len(s)
	return uint32(last*chunkSize + begin)
}

func (n *names) at(place uint32, size uint8) string {
	begin := place % chunkSize
	return n.chunks[place/chunkSize][begin : begin+uint32(size)]
}

func (n *names) drop(size uint8) {
	n.live -= int(size)
	n.waste += int(size)
}
