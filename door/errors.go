package door

import "github.com/seed-a2d3eaca/keyholder/fault"

// Errors of doors. None of them carries a code, a tag's number or a key.
var (
	// ErrReader: a key or certificate that is no reader's, or a reader that was ended.
	ErrReader = fault.New(fault.Denied, "door: not a reader").
			Hinted("Add the reader again and give it the new key.")
	// ErrPoint: a reader asked about a point that is not its own.
	ErrPoint = fault.New(fault.Denied, "door: the reader does not speak for this point").
			Hinted("Add the point to the reader's points, with Operator.SetPoints.")
	// ErrEntry: not one code or one tag with its medium.
	ErrEntry = fault.New(fault.Invalid, "door: not an entry").
			Hinted("Give a code for a keypad, an app or a phone, or a tag for a reader.")
	// ErrReaderForm: a reader without a site or points, or with points of another site.
	ErrReaderForm = fault.New(fault.Invalid, "door: not a reader's description").
			Hinted("Give a reader a site and up to 32 points of that site.")
	// ErrReaderNotFound: no such reader, or one of a site that the caller may not see.
	ErrReaderNotFound = fault.New(fault.NotFound, "door: no such reader")
	// ErrAlarmNotFound: no such alarm, or one of a site that the caller may not see.
	ErrAlarmNotFound = fault.New(fault.NotFound, "door: no such alarm")
	// ErrJournal: a reader's journal was changed, or has a gap.
	ErrJournal = fault.New(fault.Conflict, "door: the journal was changed").
			Hinted("The file was put aside. Find out who has access to the reader's disk.")
	// ErrJournalFull: a reader has decided as often during an outage as its journal keeps.
	ErrJournalFull = fault.New(fault.Busy, "door: the journal is full")
	// ErrFeed: what an edge was sent is not what a service of this release sends.
	ErrFeed = fault.New(fault.Unsupported, "door: changes cannot be read").
		Hinted("Run the same release of keyholder on the server and beside the reader.")
	// ErrSiteKey: an edge has no key of its site, such as long after the keys were rotated.
	ErrSiteKey = fault.New(fault.Precondition, "door: not the key of the site").
			Hinted("Give the edge the site's key anew. Until then it decides nothing by itself.")
	// ErrSiteKeyDue: the keys are being rotated, and an edge does not have the site's new one.
	ErrSiteKeyDue = fault.New(fault.Precondition, "door: the site has a new key").
			Hinted("Open the edge with the site's key of now beside the one that it has. With the old one alone it decides nothing by itself once the rotation is over.")
	// ErrLeftOut: an edge cannot keep somebody's credential, so it lets nobody in by it.
	ErrLeftOut = fault.New(fault.Internal, "door: a credential cannot be kept").
			Hinted("Look at the hours and codes of the account. Until then only the server lets it in.")
	// ErrNotADecision: an entry that is no door decision.
	ErrNotADecision = fault.New(fault.Invalid, "door: not the entry of a decision")
)
