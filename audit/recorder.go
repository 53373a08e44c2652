package audit

import "context"

// Recorded is an entry with its index in the log, as a [Recorder] gets it.
type Recorded struct {
	Index int64
	Entry Entry
}

// Recorder passes entries on to another system: a log file, a SIEM. It follows the log
// by a cursor, in order and without gaps; when it fails it is called again with the same
// entries, so it may see an entry twice.
//
// A recorder shows a personal field as [Field.Pseudonym] unless its options say
// otherwise.
type Recorder interface {
	Record(ctx context.Context, entries []Recorded) error
}

// Pseudonym stands for a personal value where the value must not be shown: it is the
// same for all values of one person and says nothing of them. It is "" for other fields.
func (f Field) Pseudonym() string {
	if f.Class != ClassPersonal {
		return ""
	}
	return "person:" + f.KeyID
}
