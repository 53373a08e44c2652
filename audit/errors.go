package audit

import (
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of entries. None of them carries a value of a field.
var (
	// ErrMalformed: an entry, or its stored body, breaks the rules of its form.
	ErrMalformed = fault.New(fault.Internal, "audit: malformed entry")
	// ErrCommitment: a field's value and salt do not give its commitment.
	ErrCommitment = fault.New(fault.Internal, "audit: field does not match its commitment")
	// ErrWithheld: a stored entry holds a commitment where the value should be.
	ErrWithheld = fault.New(fault.Internal, "audit: value of a field is missing")
	// ErrVersion: the entry was written by a newer keyholder; see [VersionError].
	ErrVersion = fault.New(fault.Precondition, "audit: entry has a newer version").
			Hinted("Use the release of keyholder that wrote this log, or a later one.")
	// ErrAction: the action is not in the catalogue.
	ErrAction = fault.New(fault.Internal, "audit: action is not in the catalogue")
	// ErrField: the action has no such field, or it has another class.
	ErrField = fault.New(fault.Internal, "audit: field is not in the action's catalogue row")
)

// Errors of proofs, checkpoints and anchors.
var (
	// ErrProof: a proof does not hold.
	ErrProof = fault.New(fault.Invalid, "audit: proof does not hold").
			Hinted("The entry, the proof and the checkpoint do not belong together, or one of them was changed.")
	// ErrCheckpoint: a checkpoint has no valid form, another origin, or no signature by a
	// key that is trusted.
	ErrCheckpoint = fault.New(fault.Invalid, "audit: checkpoint is not valid").
			Hinted("Check the log's name and its public key.")
	// ErrKey: not a log key.
	ErrKey = fault.New(fault.Invalid, "audit: not a log key")
	// ErrNoAnchor: nothing has been anchored yet.
	ErrNoAnchor = fault.New(fault.NotFound, "audit: nothing is anchored yet")
	// ErrAnchorCut: the anchor has lost records, or one of them was changed.
	ErrAnchorCut = fault.New(fault.Internal, "audit: the anchor was cut or changed").
			Hinted("Somebody or something shortened or edited the anchor. Keep the file, verify the log against another anchor, then begin a new one.")
	// ErrAnchorReplaced: another file lies at the anchor's path.
	ErrAnchorReplaced = fault.New(fault.Internal, "audit: the anchor was replaced").
				Hinted("The anchor's file was moved, deleted or replaced while it was open. Put it back, or begin a new one.")
	// ErrAnchorFork: the checkpoint contradicts what was anchored before.
	ErrAnchorFork = fault.New(fault.Conflict, "audit: the checkpoint contradicts the anchor").
			Hinted("The log is shorter than, or differs from, what was anchored. It may come from a restored backup. Verify it before anything is written.")
)

// VersionError is [ErrVersion] with the version that was met. [Decode] returns it
// together with what can be read without knowing that version: such an entry may be
// shown, it cannot be checked and must not be written.
type VersionError struct{ Version int }

// Error names the version.
func (e *VersionError) Error() string { return fmt.Sprintf("%v: %d", ErrVersion, e.Version) }

// Unwrap returns the sentinel.
func (e *VersionError) Unwrap() error { return ErrVersion }
