package credentials

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of an index.
var (
	// ErrHolderID: a record's holder is "" or has more than 255 bytes.
	ErrHolderID = fault.New(fault.Invalid, "credentials: not a holder's id").
			Hinted("Give every record the id of its holder, at most 255 bytes.")
	// ErrIndexFull: an index holds 134 million secrets or holders.
	ErrIndexFull = fault.New(fault.Unsupported, "credentials: index is full").
			Hinted("Keep an index for each site.")
)

// Index answers at a keypad or reader from memory: which record has this fingerprint,
// may it enter, and which records begin or end now. It keeps no code, only fingerprints;
// a node that commits nothing gets those of a key made for its site, see [SiteKey].
//
// A holder with one code and a window takes less than 100 bytes, not counting what is
// shared: each different set of groups once, and each record that has a type, hours or
// limits another 200 bytes. An Index is safe for use by many goroutines.
type Index struct {
	mu      sync.RWMutex
	holders pool[holderRow]
	secrets pool[secretRow]
	prints  table // of holders and secrets
	ids     table // of holders
	seed    maphash.Seed
	names   *names
	extras  map[uint32]*extra
	roles   []roles
	roleNos map[string]uint32
	due     timetable
	done    int64 // transitions up to this second were told
	rows    []secretRow
	key     []byte
}

// holderRow is a record without what few records have, and its first secret. It has 64
// bytes, so that a look at it loads one line of the processor's cache.
type holderRow struct {
	print       Fingerprint
	from, until int64 // seconds; noFrom and noUntil without
	id          uint32
	roles       uint32
	more        uint32 // the second secret
	prev, next  uint32 // in the timetable
	size        uint8  // of the id
	flags       uint8
	turn        turn // what is next in the timetable
	kind        Kind // of the first secret, 0 without
	_           [8]byte
}

// secretRow is one more fingerprint of a holder; a tag's typed number is the row after
// the tag's.
type secretRow struct {
	print  Fingerprint
	holder uint32
	next   uint32 // of the same holder
	kind   Kind
	lost   bool
}

const typedNumber Kind = 255

const (
	noFrom  = -1 << 63
	noUntil = 1<<63 - 1
)

const (
	flagDisabled = 1 << iota
	flagRevoked
	flagLost // the first secret
	flagExtra
)

// extra is what few records have.
type extra struct {
	kind  UserType
	hours *Compiled
	needs int
	max   int
	used  int
	life  Life
}

// roles is as whom a holder acts: the same list serves everybody in the same groups.
type roles struct {
	own    []string  // kinds of subjects whose id is the holder's own
	others []Subject // the rest
}

// IndexOptions say how an [Index] begins. The zero value begins before all time.
type IndexOptions struct {
	// Since is up to when transitions were carried out already.
	Since time.Time
}

// NewIndex makes an empty index.
func NewIndex(o IndexOptions) *Index {
	x := &Index{seed: maphash.MakeSeed(), names: new(names), extras: map[uint32]*extra{}, roleNos: map[string]uint32{}, done: noFrom}
	if !o.Since.IsZero() {
		x.done = o.Since.Unix()
	}
	x.prints.hash = func(ref uint32) uint64 { return printHash(x.printOf(ref)) }
	x.ids.hash = func(i uint32) uint64 { return maphash.String(x.seed, x.idOf(x.holders.at(i))) }
	return x
}

// printHash is enough of a fingerprint: nobody without its key can choose it.
func printHash(f *Fingerprint) uint64 { return binary.LittleEndian.Uint64(f[:]) }

// What the table of fingerprints refers to: a holder's first secret, or one of the rest.
func firstOf(holder uint32) uint32 { return holder << 1 }
func moreOf(secret uint32) uint32  { return secret<<1 | 1 }

func (x *Index) printOf(ref uint32) *Fingerprint {
	if ref&1 == 1 {
		return &x.secrets.at(ref >> 1).print
	}
	return &x.holders.at(ref >> 1).print
}

// owner is the holder who has the fingerprint, or 0.
func (x *Index) owner(f *Fingerprint) uint32 {
	ref := x.prints.find(printHash(f), func(ref uint32) bool { return *x.printOf(ref) == *f })
	if ref&1 == 1 {
		return x.secrets.at(ref >> 1).holder
	}
	return ref >> 1
}

func (x *Index) idOf(h *holderRow) string { return x.names.at(h.id, h.size) }

func (x *Index) find(id string) uint32 {
	return x.ids.find(maphash.String(x.seed, id), func(i uint32) bool { return x.idOf(x.holders.at(i)) == id })
}

// Put sets the record of a holder in place of the one before. It changes nothing and
// fails with [ErrHolderID], [ErrIndexFull], [ErrValidityOrder], or with [ErrCodeTaken] if
// one of its fingerprints is another holder's or twice its own: one code names one
// holder. The record is due at its next transition after the last [Index.Due]; what the
// change itself brings about is the caller's affair.
func (x *Index) Put(r Record) error {
	if len(r.Holder) == 0 || len(r.Holder) > 255 {
		return fmt.Errorf("%w: %d bytes", ErrHolderID, len(r.Holder))
	}
	if err := r.Window.Validate(); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.rows = appendRows(x.rows[:0], r.Secrets)
	first := 0 // the smallest fingerprint, so that a duress code is not always looked for elsewhere than the PIN
	for n := range x.rows {
		if x.rows[n].kind != typedNumber && bytes.Compare(x.rows[n].print[:], x.rows[first].print[:]) < 0 {
			first = n
		}
	}
	rotate(x.rows, first)
	i := x.find(r.Holder)
	if x.taken(i) {
		return ErrCodeTaken
	}
	if most := uint32(1<<(refBits-1) - 1); x.holders.n >= most || x.secrets.n >= most-uint32(len(x.rows)) {
		return ErrIndexFull
	}
	if i == 0 {
		i = x.holders.take()
		h := x.holders.at(i)
		h.id, h.size = x.names.keep(r.Holder), uint8(len(r.Holder))
		x.ids.add(i)
	} else {
		x.clear(i)
	}
	h := x.holders.at(i)
	h.roles, h.from, h.until, h.flags = x.rolesOf(&r), noFrom, noUntil, 0
	if !r.Window.From.IsZero() {
		h.from = r.Window.From.Unix()
	}
	if !r.Window.Until.IsZero() {
		h.until = r.Window.Until.Unix()
	}
	if r.Disabled {
		h.flags |= flagDisabled
	}
	if r.Window.Revoked {
		h.flags |= flagRevoked
	}
	if e := (extra{r.Type, r.Hours, r.Needs, r.Max, r.Used, r.Life}); e != (extra{}) {
		h.flags |= flagExtra
		x.extras[i] = &e
	}
	x.addSecrets(i, h)
	x.schedule(i, h)
	return nil
}

// appendRows lists what of the secrets can be found.
func appendRows(rows []secretRow, secrets []Secret) []secretRow {
	for i := range secrets {
		s := &secrets[i]
		rows = append(rows, secretRow{print: s.Print, kind: s.Kind, lost: s.Lost})
		if s.Typed != (Fingerprint{}) {
			rows = append(rows, secretRow{print: s.Typed, kind: typedNumber})
		}
	}
	return rows
}

// rotate brings the n-th row to the front; a tag's typed number stays behind its tag.
func rotate(rows []secretRow, n int) {
	slices.Reverse(rows[:n])
	slices.Reverse(rows[n:])
	slices.Reverse(rows)
}

// taken reports whether one of the new rows is another holder's or there twice.
func (x *Index) taken(own uint32) bool {
	for n := range x.rows {
		if owner := x.owner(&x.rows[n].print); owner != 0 && owner != own {
			return true
		}
		for _, before := range x.rows[:n] {
			if before.print == x.rows[n].print {
				return true
			}
		}
	}
	return false
}

// addSecrets puts the new rows in, the first one into the holder's own.
func (x *Index) addSecrets(holder uint32, h *holderRow) {
	link := &h.more
	for n, row := range x.rows {
		if n == 0 {
			h.print, h.kind = row.print, row.kind
			if row.lost {
				h.flags |= flagLost
			}
			x.prints.add(firstOf(holder))
			continue
		}
		i := x.secrets.take()
		row.holder = holder
		*x.secrets.at(i) = row
		x.prints.add(moreOf(i))
		*link = i
		link = &x.secrets.at(i).next
	}
}

// rolesOf finds the list that the record shares with others, or starts it.
func (x *Index) rolesOf(r *Record) uint32 {
	x.key = x.key[:0]
	for _, s := range r.As {
		if s.ID == r.Holder {
			x.key = appendFramed(x.key, "own", s.Kind)
		} else {
			x.key = appendFramed(x.key, "", s.Kind, s.ID)
		}
	}
	no, known := x.roleNos[string(x.key)]
	if known {
		return no
	}
	var one roles
	for _, s := range r.As {
		if s.ID == r.Holder {
			one.own = append(one.own, s.Kind)
		} else {
			one.others = append(one.others, s)
		}
	}
	no = uint32(len(x.roles))
	x.roles = append(x.roles, one)
	x.roleNos[string(x.key)] = no
	return no
}

// Remove forgets a holder, and reports whether there was one.
func (x *Index) Remove(holder string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := x.find(holder)
	if i == 0 {
		return false
	}
	x.clear(i)
	x.ids.remove(i)
	x.names.drop(x.holders.at(i).size)
	x.holders.give(i)
	if x.names.waste > x.names.live+chunkSize {
		x.compact()
	}
	return true
}

// clear takes out what a record has beside its id.
func (x *Index) clear(i uint32) {
	h := x.holders.at(i)
	x.unschedule(i, h)
	if h.kind != 0 {
		x.prints.remove(firstOf(i))
	}
	for s := h.more; s != 0; {
		next := x.secrets.at(s).next
		x.prints.remove(moreOf(s))
		x.secrets.give(s)
		s = next
	}
	h.kind, h.more = 0, 0
	delete(x.extras, i)
}

// compact copies the ids that are in use; those that were handed out stay as they are.
func (x *Index) compact() {
	fresh := new(names)
	for _, place := range x.ids.places {
		if place != 0 {
			h := x.holders.at(refOf(place))
			h.id = fresh.keep(x.idOf(h))
		}
	}
	x.names = fresh
}

// Len is how many holders there are.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.ids.used
}

// Decide is [Decide] for whoever has one of the fingerprints that were presented first;
// holder is "" if nobody has. Rules are those about the point, see [Access.At]. It
// allocates nothing for holders with at most eight secrets.
func (x *Index) Decide(rules []Rule, p Presented, now Now) (holder string, d Decision) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var rec Record
	var few [8]Secret
	secrets := few[:0]
	for n := range p.Prints {
		if i := x.owner(&p.Prints[n]); i != 0 {
			h := x.holders.at(i)
			x.fill(&rec, i, h)
			secrets = x.secretsOf(secrets, h)
			break
		}
	}
	d = decide(&rec, match(secrets, &p), rules, &p, now)
	if d.Reason == Unknown && !d.TagTyped {
		return "", d // another medium's secret names nobody
	}
	return rec.Holder, d
}

// Record returns the record of a holder, its secrets in any order.
func (x *Index) Record(holder string) (r Record, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	i := x.find(holder)
	if i == 0 {
		return Record{}, false
	}
	h := x.holders.at(i)
	x.fill(&r, i, h)
	r.Secrets = x.secretsOf(nil, h)
	r.As = slices.Clone(r.As)
	for _, kind := range r.own {
		r.As = append(r.As, Subject{Kind: kind, ID: r.Holder})
	}
	r.own = nil
	return r, true
}

// fill makes the record out of its row, but for its secrets.
func (x *Index) fill(r *Record, i uint32, h *holderRow) {
	r.Holder = x.idOf(h)
	who := &x.roles[h.roles]
	r.As, r.own = who.others, who.own
	r.Disabled, r.Window.Revoked = h.flags&flagDisabled != 0, h.flags&flagRevoked != 0
	if h.from != noFrom {
		r.Window.From = time.Unix(h.from, 0).UTC()
	}
	if h.until != noUntil {
		r.Window.Until = time.Unix(h.until, 0).UTC()
	}
	if h.flags&flagExtra != 0 {
		e := x.extras[i]
		r.Type, r.Hours, r.Needs, r.Max, r.Used, r.Life = e.kind, e.hours, e.needs, e.max, e.used, e.life
	}
}

// secretsOf appends a holder's secrets to the list.
func (x *Index) secretsOf(list []Secret, h *holderRow) []Secret {
	if h.kind != 0 {
		list = append(list, Secret{}) // and filled where it lies: a copy waits for its bytes
		first := &list[len(list)-1]
		first.Kind, first.Print, first.Lost = h.kind, h.print, h.flags&flagLost != 0
	}
	for n := h.more; n != 0; {
		s := x.secrets.at(n)
		if s.kind == typedNumber {
			list[len(list)-1].Typed = s.print
		} else {
			list = append(list, Secret{Kind: s.kind, Print: s.print, Lost: s.lost})
		}
		n = s.next
	}
	return list
}
