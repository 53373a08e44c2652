package journal

import (
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of reading.
var (
	// ErrPageSize: not one of the page sizes.
	ErrPageSize = fault.New(fault.Invalid, "journal: page size is 10, 15, 50, 100 or 200").
			Hinted("Choose 10, 15, 50, 100 or 200 entries for a page.")
	// ErrCursor: not a cursor that a page gave.
	ErrCursor = fault.New(fault.Invalid, "journal: not a cursor of a page").
			Hinted("Begin again with the newest page.")
	// ErrFilter: a filter has too many ids or actions, or one of them is too long.
	ErrFilter = fault.New(fault.Invalid, "journal: filter is too large")
	// ErrNoEmails: nobody was given to the journal who knows accounts by their e-mail.
	ErrNoEmails = fault.New(fault.Unsupported, "journal: entries cannot be found by e-mail here").
			Hinted("Give journal.Options.Emails, or look for the account's id.")
	// ErrEntryNotFound: there is no such entry among those that the reader may see.
	ErrEntryNotFound = fault.New(fault.NotFound, "journal: no such entry")
	// ErrWholeLog: the operation concerns the whole log, and the reader has some sites only.
	ErrWholeLog = fault.New(fault.Denied, "journal: only readers of all sites may do this").
			Hinted("Ask somebody who may see all sites.")
)

// Errors of histories.
var (
	// ErrNoHistory: at that instant the log knew no such panel on the reader's sites.
	ErrNoHistory = fault.New(fault.NotFound, "journal: no history of this panel at that time")
	// ErrWhereabouts: one panel, one account or one site has to be named.
	ErrWhereabouts = fault.New(fault.Invalid, "journal: name one panel, one account or one site")
	// ErrReviewChanged: the review is not the one that the reviewer has seen.
	ErrReviewChanged = fault.New(fault.Conflict, "journal: the review is not the one that was seen").
				Hinted("Make the review again for its date, look at it, and sign that.")
	// ErrFormat: a report has no such form.
	ErrFormat = fault.New(fault.Invalid, "journal: a report is csv, json or html")
)

// Errors of checkpoints, proofs and recorders.
var (
	// ErrNoSigner: a checkpoint has to be signed, and this node has no key for it.
	ErrNoSigner = fault.New(fault.Precondition, "journal: this node does not sign checkpoints").
			Hinted("Give journal.Options.Signer, or ask a node that has it.")
	// ErrSigner: the key does not bear the log's name.
	ErrSigner = fault.New(fault.Invalid, "journal: the signing key has another name than the log")
	// ErrNewKey: the log's key is another one than before, and the one before does not sign
	// beside it.
	ErrNewKey = fault.New(fault.Precondition, "journal: a new key of the log, not signed by the one before").
			Hinted("Give the old key among journal.Options.Cosigners for the first checkpoint, or say with KeyLost that it is lost.")
	// ErrRewritten: the log is not a continuation of what was signed or anchored before.
	// It is not signed any more.
	ErrRewritten = fault.New(fault.Internal, "journal: the log contradicts its own checkpoint").
			Hinted("The database was restored from a backup, or somebody rewrote the log. Verify it before anything else.")
	// ErrPending: the entry is not in the tree yet.
	ErrPending = fault.New(fault.Unavailable, "journal: the entry is not in the tree yet").
			Hinted("Try again in a few seconds.")
	// ErrNoField: the entry has no field of that name.
	ErrNoField = fault.New(fault.Invalid, "journal: the entry has no such field")
	// ErrSink: a recorder has no name, or one that is too long or taken, or is missing.
	ErrSink = fault.New(fault.Invalid, "journal: a recorder needs a name of its own")
	// ErrAnchor: an anchor is missing.
	ErrAnchor = fault.New(fault.Invalid, "journal: an anchor is nil")
)

// AnchorError says which anchor failed.
type AnchorError struct {
	Anchor string
	Err    error
}

// Error names the anchor and what happened.
func (e *AnchorError) Error() string { return fmt.Sprintf("journal: anchor %s: %v", e.Anchor, e.Err) }

// Unwrap returns the cause.
func (e *AnchorError) Unwrap() error { return e.Err }
