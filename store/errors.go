package store

import (
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// The refusals of a commit, and what each asks for.
var (
	// ErrStale: a record is not at the version that the decision saw. Load and decide again.
	ErrStale = fault.New(fault.Conflict, "store: changed meanwhile").Retryable()
	// ErrTaken: a name is held or reserved by another, or rests.
	ErrTaken = fault.New(fault.Conflict, "store: name is taken")
	// ErrLimit: a counter would exceed its limit.
	ErrLimit = fault.New(fault.Busy, "store: limit reached")
	// ErrFenced: the line is no longer owned under this token. Drop the work.
	ErrFenced = fault.New(fault.Conflict, "store: line has another owner")
	// ErrOwned: a living node has the line.
	ErrOwned = fault.New(fault.Busy, "store: line is owned")
	// ErrNoEntry: a change that is more than bookkeeping has no entry. A defect.
	ErrNoEntry = fault.New(fault.Internal, "store: change without an entry")
	// ErrMalformed: a change breaks the contract. A defect.
	ErrMalformed = fault.New(fault.Internal, "store: malformed change")
	// ErrTooLarge: a change, record or leaf exceeds its limit.
	ErrTooLarge = fault.New(fault.Invalid, "store: too large")
	// ErrContract: the store was built against another contract.
	ErrContract = fault.New(fault.Internal, "store: built against another contract")
	// ErrSchema: the database was made by a newer keyholder. Reading works, writing does not.
	ErrSchema = fault.New(fault.Precondition, "store: database has a newer schema").
			Hinted("Run the release of keyholder that made this database, or a later one.")
	// ErrFull: there is no room on the store's disk. Nothing of the change is done, and
	// reading goes on.
	ErrFull = fault.New(fault.Unavailable, "store: no room on the disk").
		Hinted("Make room on the disk of the database. Nothing that was acknowledged is lost, and all goes on by itself.")
	// ErrTenant: not a tenant's id.
	ErrTenant = fault.New(fault.Invalid, "store: not a tenant id")
)

// OpError says which operation of a change was refused.
type OpError struct {
	Index int
	Op    Op
	Err   error
}

// Error names the verb and the reason, never a body, a name or a holder.
func (e *OpError) Error() string {
	return fmt.Sprintf("operation %d (%s): %v", e.Index, transcript(e.Op), e.Err)
}

// Unwrap returns the sentinel.
func (e *OpError) Unwrap() error { return e.Err }
