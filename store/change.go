package store

import (
	"cmp"
	"slices"
	"time"
)

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
// holder goes the name is free, but rests until RestUntil for everyone but Holder. EndRest
// ends a rest that is Holder's, where nobody has the name.
type Release struct {
	Name      Name
	Holder    string
	Use       string
	Reserve   bool
	RestUntil time.Time
	EndRest   bool
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
