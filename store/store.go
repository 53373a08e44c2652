package store

import (
	"context"
	"time"
)

// Contract is the number of the contract in this package. Services compare it with
// [Store.Contract] in their constructors, so that a store that was built against
// another contract is found at start and not at the first odd write.
const Contract = 1

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
