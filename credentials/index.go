package credentials

import (
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
	// ErrIndexFull: an index holds 268 million holders, or 4 GiB of their ids.
	ErrIndexFull = fault.New(fault.Unsupported, "credentials: index is full").
			Hinted("Keep an index for each site.")
)

// Index answers at a keypad or reader from memory: which record has this fingerprint,
// may it enter, and which records begin or end now. It keeps no code, only fingerprints;
// a node that commits nothing gets those of a key made for its site, see [SiteKey].
//
// A holder with one code and a window takes less than 100 bytes, not counting what is
// shared: each different set of groups once. Whoever has more takes about 50 more, and 75
// for each further code, tag or tag's typed number; a type, hours or limits take another
// 150. An Index is safe for use by many goroutines.
type Index struct {
	mu      sync.RWMutex
	holders pool[holderRow]
	full    pool[fullRow]
	secrets pool[secretRow] // of full holders
	prints  printTable
	ids     table // of holders
	seed    maphash.Seed
	names   *names
	extras  map[uint32]*extra // by holder
	roles   []roles
	roleNos map[string]uint32
	due     timetable
	done    int64 // transitions up to this second were told
	rows    []secretRow
	key     []byte
}

// holderRow is what is found by a holder's id. What decides is in the entry of the only
// fingerprint, or in a fullRow.
type holderRow struct {
	name       uint32
	at         uint32 // the fingerprint's hash, or the number of the fullRow
	prev, next uint32 // in the timetable
	size       uint8  // of the id
	bits       uint8
	turn       turn // what is next in the timetable
}

// fullRow is a holder who has anything else than one secret and what an entry holds.
type fullRow struct {
	span
	roles   uint32
	secrets uint32 // the first one
}

// secretRow is a fingerprint of a full holder; a tag's typed number is the row after the
// tag's.
type secretRow struct {
	print Fingerprint
	next  uint32 // of the same holder
	kind  Kind
	lost  bool
}

// bits are those of the row's entry.
func (s *secretRow) bits() uint8 { return uint8(s.kind) | bit(isLost, s.lost) }

// typedNumber is the kind of an entry and a row, of no secret.
const typedNumber = TagNumber + 1

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
	x.ids.hash = func(i uint32) uint64 { return maphash.String(x.seed, x.idOf(x.holders.at(i))) }
	return x
}

func (x *Index) idOf(h *holderRow) string { return x.names.at(h.name, h.size) }

func (x *Index) find(id string) uint32 {
	return x.ids.find(maphash.String(x.seed, id), func(i uint32) bool { return x.idOf(x.holders.at(i)) == id })
}

// Put sets the record of a holder in place of the one before. It changes nothing and
// fails with [ErrHolderID], [ErrIndexFull], [ErrValidityOrder], or with [ErrCodeTaken] if
// one of its fingerprints is another holder's or twice its own: one code names one
// holder. Secrets of no known kind open nothing and are left out. The record is due at its
// next transition after the last [Index.Due]; what the change itself brings about is the
// caller's affair.
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
	i := x.find(r.Holder)
	if x.taken(i) {
		return ErrCodeTaken
	}
	if i == 0 {
		if x.holders.n >= 1<<refBits-1 || x.names.full() {
			return ErrIndexFull
		}
		i = x.holders.take()
		h := x.holders.at(i)
		h.name, h.size = x.names.keep(r.Holder), uint8(len(r.Holder))
		x.ids.add(i)
	} else {
		x.clear(i)
	}
	h := x.holders.at(i)
	h.bits = bit(isDisabled, r.Disabled) | bit(isRevoked, r.Window.Revoked)
	if e := (extra{r.Type, r.Hours, r.Needs, r.Max, r.Used, r.Life}); e != (extra{}) {
		h.bits |= hasExtra
		x.extras[i] = &e
	}
	x.keep(i, h, spanOf(r.Window), x.rolesOf(&r))
	x.schedule(i, h)
	return nil
}

// appendRows lists what of the secrets can be found.
func appendRows(rows []secretRow, secrets []Secret) []secretRow {
	for i := range secrets {
		s := &secrets[i]
		if s.Kind == 0 || s.Kind > TagNumber {
			continue
		}
		rows = append(rows, secretRow{print: s.Print, kind: s.Kind, lost: s.Lost})
		if s.Typed != (Fingerprint{}) {
			rows = append(rows, secretRow{print: s.Typed, kind: typedNumber})
		}
	}
	return rows
}

// taken reports whether one of the new rows is another holder's or there twice.
func (x *Index) taken(own uint32) bool {
	for n := range x.rows {
		if e := x.prints.find(&x.rows[n].print); e != nil && (own == 0 || e.name != x.holders.at(own).name) {
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

// keep puts the new rows in, with what else decides about the holder: all of it into the
// entry, if it fits there.
func (x *Index) keep(i uint32, h *holderRow, w span, roles uint32) {
	e := entry{name: h.name, size: h.size}
	if len(x.rows) == 1 && h.bits&hasExtra == 0 && e.holds(w, roles) {
		only := &x.rows[0]
		e.print, e.bits = only.print, only.bits()|h.bits
		h.at = printHash(&e.print)
		x.prints.add(&e)
		return
	}
	h.bits |= isFull
	h.at = x.full.take()
	row := x.full.at(h.at)
	row.span, row.roles = w, roles
	e.from = i
	link := &row.secrets
	for n := range x.rows {
		s := x.secrets.take()
		*x.secrets.at(s) = x.rows[n]
		*link = s
		link = &x.secrets.at(s).next
		e.print, e.bits = x.rows[n].print, x.rows[n].bits()|h.bits
		x.prints.add(&e)
	}
}

// span is when a holder may enter.
func (x *Index) span(h *holderRow) span {
	if h.bits&isFull == 0 {
		return x.prints.of(h.at, h.name).span()
	}
	return x.full.at(h.at).span
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
	if h.bits&isFull == 0 {
		only := x.prints.of(h.at, h.name).print
		x.prints.remove(&only)
	} else {
		for n := x.full.at(h.at).secrets; n != 0; {
			s := x.secrets.at(n)
			x.prints.remove(&s.print)
			next := s.next
			x.secrets.give(n)
			n = next
		}
		x.full.give(h.at)
	}
	delete(x.extras, i)
}

// compact copies the ids that are in use; those that were handed out stay as they are.
func (x *Index) compact() {
	fresh := new(names)
	type move struct {
		of *entry
		to uint32
	}
	var moves []move // made at the end: until then a place names one holder
	for _, place := range x.ids.places {
		if place == 0 {
			continue
		}
		h := x.holders.at(refOf(place))
		to := fresh.keep(x.idOf(h))
		if h.bits&isFull == 0 {
			moves = append(moves, move{x.prints.of(h.at, h.name), to})
		} else {
			for n := x.full.at(h.at).secrets; n != 0; n = x.secrets.at(n).next {
				moves = append(moves, move{x.prints.find(&x.secrets.at(n).print), to})
			}
		}
		h.name = to
	}
	for _, m := range moves {
		m.of.name = m.to
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
		if e := x.prints.find(&p.Prints[n]); e != nil {
			secrets = x.fill(&rec, e, secrets)
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
	if h := x.holders.at(i); h.bits&isFull == 0 {
		r.Secrets = x.fill(&r, x.prints.of(h.at, h.name), nil)
	} else {
		r.Secrets = x.fillFull(&r, i, nil)
	}
	r.As = slices.Clone(r.As)
	for _, kind := range r.own {
		r.As = append(r.As, Subject{Kind: kind, ID: r.Holder})
	}
	r.own = nil
	return r, true
}

// fill makes the record that an entry leads to, and appends its secrets.
func (x *Index) fill(r *Record, e *entry, secrets []Secret) []Secret {
	if e.bits&isFull != 0 {
		return x.fillFull(r, e.from, secrets)
	}
	r.Holder = x.names.at(e.name, e.size)
	r.Disabled, r.Window.Revoked = e.bits&isDisabled != 0, e.bits&isRevoked != 0
	x.about(r, e.span(), uint32(e.roles))
	secrets = append(secrets, Secret{}) // and filled where it lies: a copy waits for its bytes
	only := &secrets[len(secrets)-1]
	only.Kind, only.Print, only.Lost = Kind(e.bits&bitsOfKind), e.print, e.bits&isLost != 0
	return secrets
}

// fillFull does so for a full holder.
func (x *Index) fillFull(r *Record, i uint32, secrets []Secret) []Secret {
	h := x.holders.at(i)
	row := x.full.at(h.at)
	r.Holder = x.idOf(h)
	r.Disabled, r.Window.Revoked = h.bits&isDisabled != 0, h.bits&isRevoked != 0
	x.about(r, row.span, row.roles)
	if h.bits&hasExtra != 0 {
		e := x.extras[i]
		r.Type, r.Hours, r.Needs, r.Max, r.Used, r.Life = e.kind, e.hours, e.needs, e.max, e.used, e.life
	}
	for n := row.secrets; n != 0; {
		s := x.secrets.at(n)
		if s.kind == typedNumber {
			secrets[len(secrets)-1].Typed = s.print
		} else {
			secrets = append(secrets, Secret{Kind: s.kind, Print: s.print, Lost: s.lost})
		}
		n = s.next
	}
	return secrets
}

// about is when a holder may enter, and as whom.
func (x *Index) about(r *Record, w span, roles uint32) {
	who := &x.roles[roles]
	r.As, r.own = who.others, who.own
	if w.from != noFrom {
		r.Window.From = time.Unix(w.from, 0).UTC()
	}
	if w.until != noUntil {
		r.Window.Until = time.Unix(w.until, 0).UTC()
	}
}
