package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Contract is the number of the contract in this package. Services compare it with
// [Store.Contract] in their constructors, so that a store that was built against
// another contract is found at start and not at the first odd write.
const Contract = 1

// Limits of one Change. A change that needs more is two changes with an intent between them.
const (
	MaxOps    = 64        // operations in a change
	MaxLeaves = 64        // leaves in a change
	MaxBody   = 256 << 10 // bytes of one record body or one leaf body
	MaxChange = 2 << 20   // bytes of a change in all
	MaxTerms  = 8         // terms of a record
	MaxTerm   = 128       // bytes of a term's value, a name, a line's name, a counter's name
	MaxID     = 128       // bytes of a record's id, a change's id, a holder, a use
	MaxKind   = 32        // bytes of a kind
)

// Kind is a family of records: "user", "panel", "account". Kinds are open: a new
// feature adds kinds, never verbs.
type Kind string

// The quiet kinds: records that may change without an entry in the log, because they
// say nothing about what anybody did. The list is closed and guarded by a test.
const (
	Cursor    Kind = "cursor"    // how far a follower has read
	Watermark Kind = "watermark" // how far a loop has come; signed checkpoints
	Touch     Kind = "touch"     // last seen, last used
	Attempt   Kind = "attempt"   // tries on the wire, with the panel's last words
	Sent      Kind = "sent"      // a message's delivery
	Session   Kind = "session"   // a driver session's own resumable state
)

// Quiet reports whether puts and drops of k need no entry.
func Quiet(k Kind) bool {
	switch k {
	case Cursor, Watermark, Touch, Attempt, Sent, Session:
		return true
	}
	return false
}

// Key names one record.
type Key struct {
	Kind Kind
	ID   string
}

// String returns "kind/id".
func (k Key) String() string { return string(k.Kind) + "/" + k.ID }

// Term is a sorted secondary key of a record. Values compare bytewise; use [TermUint]
// and [TermTime] for numbers and times. A nil Value is not listed.
type Term struct {
	Name  string
	Value []byte
}

// TermUint encodes n so that bytewise order is numeric order.
func TermUint(n uint64) []byte {
	return []byte{byte(n >> 56), byte(n >> 48), byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

// TermTime encodes t so that bytewise order is time order, from 1678 to 2262, nanoseconds kept.
func TermTime(t time.Time) []byte { return TermUint(uint64(t.UnixNano()) ^ 1<<63) }

// Record is one stored value. Body is JSON with sorted keys by the services' custom;
// the store never looks inside. Version counts writes: 0 means that there is none.
type Record struct {
	Key     Key
	Version uint64
	Body    []byte
	Terms   []Term
}

// Leaf is one entry of the log as the store sees it: opaque bytes with what is needed
// to find them. Hash is the leaf's record hash in the tree (RFC 6962, SHA-256).
type Leaf struct {
	ID      string // random, unique for ever
	At      time.Time
	Action  string
	Targets [][]byte // up to 16 opaque ids by which the entry is found
	Body    []byte
	Hash    [32]byte
}

// Change is everything that one decision does. ID is random and its own: a second
// commit of the same ID is answered with the first one's success for at least a day.
type Change struct {
	ID      string
	Entries []Leaf
	Ops     []Op
}

// Op is one of the eight verbs.
type Op interface {
	// Target names what the operation touches; no two operations of a change share one.
	Target() string
	op()
}

// Put writes a record whose version is If (0: the record must not exist). The new
// version is If+1; Record.Version is ignored.
type Put struct {
	Record Record
	If     uint64
}

// Drop removes a record whose version is If.
type Drop struct {
	Key Key
	If  uint64
}

// Check passes if the record that a decision saw is still at version If (0: still absent).
type Check struct {
	Key Key
	If  uint64
}

// Claim gives a name a use by a holder. A hold (the default) excludes every other
// holder and every foreign reserver; a reservation excludes foreign holders and may
// be shared. From, if set, hands the name over: all uses of that holder become
// Holder's before the use is added. It is refused with [ErrTaken].
type Claim struct {
	Name    Name
	Holder  string
	Use     string
	Reserve bool
	From    string
}

// Release takes a use away; what is not there is no error. When the last use of the
// holder goes the name is free, but rests until RestUntil for everyone but Holder.
type Release struct {
	Name      Name
	Holder    string
	Use       string
	Reserve   bool
	RestUntil time.Time
}

// Count changes a counter by By. A positive By is refused with [ErrLimit] if the value
// would exceed Max; a negative By gives a reservation back and never goes below 0.
// A counter may be forgotten after Until (zero: a day after its last change).
type Count struct {
	Counter string // carries its window: "guess/<account>/2026-11-21T10"
	By      int64
	Max     int64
	Until   time.Time
}

// Mark says that a line has work, due no later than Due (zero: now). It is never
// refused and never conflicts.
type Mark struct {
	Line string
	Due  time.Time
}

// Fence passes if the line is still owned by Owner under Token, and says how the turn
// ends. It is refused with [ErrFenced].
type Fence struct {
	Line  string
	Owner string
	Token uint64
	Fate  Fate
}

// Fate is how a turn of a line ends.
type Fate struct {
	// Keep leaves the line with its owner: the turn goes on after this change.
	Keep bool
	// Done is the generation that was worked off. If the line has been marked since,
	// it stays due. Zero: nothing was worked off.
	Done uint64
	// Again, if set, makes the line due then (unless it is marked for earlier).
	Again time.Time
	// Tried adds one to the line's attempts; otherwise Done resets them.
	Tried bool
	// Parked replaces the line's parked routes; nil leaves them as they are, an empty
	// map clears them.
	Parked map[string]string
}

func (Put) op()     {}
func (Drop) op()    {}
func (Check) op()   {}
func (Claim) op()   {}
func (Release) op() {}
func (Count) op()   {}
func (Mark) op()    {}
func (Fence) op()   {}

// Target implements [Op].
func (o Put) Target() string { return "1r/" + o.Record.Key.String() }

// Target implements [Op].
func (o Drop) Target() string { return "1r/" + o.Key.String() }

// Target implements [Op].
func (o Check) Target() string { return "1r/" + o.Key.String() }

// Target implements [Op].
func (o Claim) Target() string { return "2n/" + string(o.Name) }

// Target implements [Op].
func (o Release) Target() string { return "2n/" + string(o.Name) }

// Target implements [Op].
func (o Count) Target() string { return "3c/" + o.Counter }

// Target implements [Op].
func (o Mark) Target() string { return "4m/" + o.Line }

// Target implements [Op]. A line may be marked and fenced in one change.
func (o Fence) Target() string { return "5f/" + o.Line }

// bookkeeping reports whether an operation needs no entry.
func bookkeeping(o Op) bool {
	switch o := o.(type) {
	case Put:
		return Quiet(o.Record.Key.Kind)
	case Drop:
		return Quiet(o.Key.Kind)
	case Check, Count, Mark, Fence:
		return true
	}
	return false
}

// Validate checks everything about a change that needs no database: limits, one
// operation a target, and an entry unless all operations are bookkeeping.
func (c Change) Validate() error {
	switch {
	case c.ID == "" || len(c.ID) > MaxID:
		return fmt.Errorf("%w: change id of %d bytes", ErrMalformed, len(c.ID))
	case len(c.Ops) > MaxOps || len(c.Entries) > MaxLeaves:
		return fmt.Errorf("%w: %d operations and %d entries", ErrTooLarge, len(c.Ops), len(c.Entries))
	case len(c.Ops) == 0 && len(c.Entries) == 0:
		return fmt.Errorf("%w: empty change", ErrMalformed)
	}
	size, quiet := 0, true
	seen := make(map[string]bool, len(c.Ops))
	for i, o := range c.Ops {
		n, err := check(o)
		if err == nil && seen[o.Target()] {
			err = fmt.Errorf("%w: two operations on %s", ErrMalformed, printable(o.Target()))
		}
		if err != nil {
			return &OpError{Index: i, Op: o, Err: err}
		}
		seen[o.Target()] = true
		size += n
		quiet = quiet && bookkeeping(o)
	}
	ids := make(map[string]bool, len(c.Entries))
	for _, l := range c.Entries {
		if l.ID == "" || len(l.ID) > MaxID || l.Action == "" || len(l.Action) > MaxID || l.At.IsZero() || !storable(l.At) || len(l.Targets) > 16 || len(l.Body) == 0 || ids[l.ID] {
			return fmt.Errorf("%w: leaf %q", ErrMalformed, printable(l.ID))
		}
		if len(l.Body) > MaxBody {
			return fmt.Errorf("%w: leaf of %d bytes", ErrTooLarge, len(l.Body))
		}
		for _, t := range l.Targets {
			if len(t) == 0 || len(t) > MaxTerm {
				return fmt.Errorf("%w: leaf target of %d bytes", ErrMalformed, len(t))
			}
		}
		ids[l.ID] = true
		size += len(l.Body)
	}
	if size > MaxChange {
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, size)
	}
	if !quiet && len(c.Entries) == 0 {
		return ErrNoEntry
	}
	return nil
}

func check(o Op) (int, error) {
	bad := func(what string) (int, error) { return 0, fmt.Errorf("%w: %s", ErrMalformed, what) }
	key := func(k Key) bool {
		return k.Kind != "" && len(k.Kind) <= MaxKind && k.ID != "" && len(k.ID) <= MaxID && !strings.Contains(string(k.Kind), "/")
	}
	name := func(s string, limit int) bool { return s != "" && len(s) <= limit }
	switch o := o.(type) {
	case Put:
		if !key(o.Record.Key) {
			return bad("key")
		}
		if len(o.Record.Terms) > MaxTerms {
			return bad("too many terms")
		}
		size := len(o.Record.Body)
		for i, t := range o.Record.Terms {
			if !name(t.Name, MaxKind) || len(t.Value) > MaxTerm {
				return bad("term")
			}
			if slices.ContainsFunc(o.Record.Terms[:i], func(u Term) bool { return u.Name == t.Name }) {
				return bad("term twice")
			}
			size += len(t.Value)
		}
		if len(o.Record.Body) > MaxBody {
			return 0, fmt.Errorf("%w: record of %d bytes", ErrTooLarge, len(o.Record.Body))
		}
		if len(o.Record.Body) == 0 {
			return bad("empty body")
		}
		return size, nil
	case Drop:
		if !key(o.Key) || o.If == 0 {
			return bad("drop of nothing")
		}
	case Check:
		if !key(o.Key) {
			return bad("key")
		}
	case Claim:
		if !name(string(o.Name), MaxTerm) || !name(o.Holder, MaxID) || !name(o.Use, MaxID) || len(o.From) > MaxID || (o.Reserve && o.From != "") {
			return bad("claim")
		}
	case Release:
		if !name(string(o.Name), MaxTerm) || !name(o.Holder, MaxID) || !name(o.Use, MaxID) || !storable(o.RestUntil) {
			return bad("release")
		}
	case Count:
		if !name(o.Counter, MaxTerm) || o.By == 0 || o.Max < 0 || !storable(o.Until) {
			return bad("count")
		}
	case Mark:
		if !name(o.Line, MaxTerm) || !storable(o.Due) {
			return bad("line")
		}
	case Fence:
		if !name(o.Line, MaxTerm) || !name(o.Owner, MaxID) || o.Token == 0 || !storable(o.Fate.Again) {
			return bad("fence")
		}
		size := 0
		for route, why := range o.Fate.Parked {
			size += len(route) + len(why)
		}
		return size, nil
	default:
		return bad(fmt.Sprintf("unknown operation %T", o))
	}
	return 0, nil
}

// storable reports whether t is zero or within the years that nanoseconds in 64 bits hold.
func storable(t time.Time) bool {
	return t.IsZero() || (t.UTC().Year() > 1677 && t.UTC().Year() < 2262)
}

// Sorted returns the positions of the operations in the order in which they are to be
// applied: by target, so that two stores lock alike and none deadlocks.
func (c Change) Sorted() []int {
	at := make([]int, len(c.Ops))
	for i := range at {
		at[i] = i
	}
	slices.SortFunc(at, func(a, b int) int { return cmp.Compare(c.Ops[a].Target(), c.Ops[b].Target()) })
	return at
}

// String is the redacted transcript of a change: what it does, never what is in it.
// It is the golden form of every decision's test.
func (c Change) String() string {
	var b strings.Builder
	for _, l := range c.Entries {
		fmt.Fprintf(&b, "entry %s targets=%d\n", l.Action, len(l.Targets))
	}
	lines := make([]string, 0, len(c.Ops))
	for _, o := range c.Ops {
		lines = append(lines, transcript(o))
	}
	slices.Sort(lines)
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	return b.String()
}

// LogValue keeps bodies out of logs.
func (c Change) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Format keeps bodies out of every verb of fmt.
func (c Change) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

func transcript(o Op) string {
	switch o := o.(type) {
	case Put:
		return fmt.Sprintf("put %s if=%d", o.Record.Key.Kind, o.If)
	case Drop:
		return fmt.Sprintf("drop %s if=%d", o.Key.Kind, o.If)
	case Check:
		return fmt.Sprintf("check %s if=%d", o.Key.Kind, o.If)
	case Claim:
		verb := "hold"
		if o.Reserve {
			verb = "reserve"
		}
		if o.From != "" {
			verb += " handed over"
		}
		return "claim " + verb
	case Release:
		if !o.RestUntil.IsZero() {
			return "release resting"
		}
		return "release"
	case Count:
		return fmt.Sprintf("count %s by=%+d max=%d", family(o.Counter), o.By, o.Max)
	case Mark:
		return "mark " + family(o.Line)
	case Fence:
		switch {
		case len(o.Fate.Parked) > 0:
			return "fence " + family(o.Line) + " parked"
		case o.Fate.Keep:
			return "fence " + family(o.Line) + " keep"
		case !o.Fate.Again.IsZero():
			return "fence " + family(o.Line) + " again"
		}
		return "fence " + family(o.Line) + " done"
	}
	return fmt.Sprintf("%T", o)
}

func family(s string) string {
	head, _, _ := strings.Cut(s, "/")
	return head
}

// printable keeps bytes that are no text out of error texts.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, s)
}

// Result is what a commit answers.
type Result struct {
	// Counts holds the value of each counter after a [Count].
	Counts map[string]int64
	// Index is the position in the log of each entry, in the order of Change.Entries,
	// -1 until a sequencer has integrated it.
	Index []int64
	// Again is true if this change had been committed before.
	Again bool
}

// Store is a tenant's database. All methods are safe for concurrent use. Every error
// that is not one of this package's sentinels means that the outcome is unknown:
// send the same change again.
type Store interface {
	// Commit applies a change, all or nothing. Refusals are *[OpError] around one of the
	// sentinels. When it returns nil the change is durable and its entries can be found.
	Commit(ctx context.Context, c Change) (Result, error)

	// Load returns one record for each key, in order; a missing one has Version 0. It is
	// never older than the last commit that returned.
	Load(ctx context.Context, keys ...Key) ([]Record, error)
	// List returns records of a kind in the order of one term, then of the id.
	List(ctx context.Context, q Query) ([]Record, error)
	// Tally counts what List with the same range would return without a limit.
	Tally(ctx context.Context, q Query) (int64, error)
	// Holders tells who has each name, in order. It is for those who may know.
	Holders(ctx context.Context, names ...Name) ([]Held, error)
	// Counters returns the values of counters, in order; a missing one is 0.
	Counters(ctx context.Context, counters ...string) ([]int64, error)

	// Entries returns log entries, newest or oldest first.
	Entries(ctx context.Context, q EntryQuery) ([]Entry, error)
	// Tree returns the number of integrated entries and the stored hashes at the given
	// positions (golang.org/x/mod/sumdb/tlog's stored-hash indexes).
	Tree(ctx context.Context, positions ...int64) (int64, [][32]byte, error)

	// Lines returns lines whose names begin with prefix, by name, after the given one.
	Lines(ctx context.Context, prefix, after string, limit int) ([]Line, error)
	// Due returns lines whose names begin with prefix, whose time has come and that no
	// living node owns, the longest due first.
	Due(ctx context.Context, prefix string, limit int) ([]Line, error)
	// Own takes a line for a node, if no other living node has it, and returns it with a
	// new token; else [ErrOwned].
	Own(ctx context.Context, node, line string) (Line, error)
	// Beat says that a node lives for at least ttl from now and returns the store's time.
	Beat(ctx context.Context, node string, ttl time.Duration) (time.Time, error)
	// Wake returns a channel that receives a hint after commits that marked a line. Hints
	// may be lost or late; whoever waits polls as well. It ends with ctx.
	Wake(ctx context.Context) <-chan struct{}

	// Unsequenced returns entries that have no index yet, oldest first. Stores that assign
	// the index inside Commit return none.
	Unsequenced(ctx context.Context, limit int) ([]Entry, error)
	// Sequence gives the named entries the next indexes, in the order given.
	Sequence(ctx context.Context, ids []string) error

	// Contract returns the [Contract] number that the implementation was built against.
	Contract() int
}

// Fleet holds many tenants' stores over one database.
type Fleet interface {
	// Tenant returns the store of one tenant: a cheap value. The id is 1 to 64 bytes of
	// a-z, 0-9, '-' and '_'.
	Tenant(id string) (Store, error)
	// Tenants lists the tenants that have anything stored, in order.
	Tenants(ctx context.Context) ([]string, error)
	// Close gives back what Open took.
	Close() error
}

// Query selects records of one kind.
type Query struct {
	Kind Kind
	// Term is the term that orders and bounds the list; "" orders by id and ignores the bounds.
	Term string
	// From and To bound the term's value, From inclusive, To exclusive; nil is open.
	From, To []byte
	// Prefix, if not nil, keeps values that begin with it.
	Prefix []byte
	// After is the last record of the page before: its term value and id.
	After *Position
	// Limit is at most 1000; 0 means 1000.
	Limit int
}

// Position is a place in a list: a keyset cursor.
type Position struct {
	Value []byte
	ID    string
}

// MaxPage is the largest page that List and Entries return.
const MaxPage = 1000

// Page returns the limit to apply.
func Page(limit int) int {
	if limit <= 0 || limit > MaxPage {
		return MaxPage
	}
	return limit
}

// Entry is a leaf with its place in the log, -1 until integrated.
type Entry struct {
	Leaf
	Index int64
}

// EntryQuery selects log entries. All given conditions must hold.
type EntryQuery struct {
	ID         string   // one entry
	Target     []byte   // entries found by this target
	AnyTarget  [][]byte // entries found by at least one of these; nil does not filter
	Actions    []string // any of these codes
	Since      time.Time
	Until      time.Time // exclusive
	FromIndex  int64     // with ByIndex: the first index wanted
	ByIndex    bool      // integrated entries in log order; otherwise by (time, id)
	OldestLast bool      // newest first
	AfterAt    time.Time // keyset cursor of (time, id): the last entry of the page before
	AfterID    string
	Limit      int
}

// Sort compares two positions bytewise.
func (p Position) Sort(q Position) int {
	return cmp.Or(bytes.Compare(p.Value, q.Value), cmp.Compare(p.ID, q.ID))
}
