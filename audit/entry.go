package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Version is the version of the entries that this package writes.
const Version = 1

// Limits of an entry.
const (
	MaxID      = 128       // bytes of an id, an action, a target
	MaxTargets = 16        // targets of an entry
	MaxStates  = 64        // rows that an entry leaves
	MaxRow     = 161       // bytes of a row's key
	MaxBody    = 256 << 10 // bytes of a stored body
)

// Action is a stable code of what was done, in dotted words: "user.code.set". All of
// them are in the [Catalogue].
type Action string

// Outcome is how it ended.
type Outcome string

// The outcomes.
const (
	Success Outcome = "success" // done, or accepted and to be done
	Failure Outcome = "failure" // tried, and it did not work; field "reason" says why
	Denied  Outcome = "denied"  // refused before anything was tried
)

func (o Outcome) valid() bool { return o == Success || o == Failure || o == Denied }

// State is a row that an entry leaves behind: its key in the store and the digest of
// its body ([StateDigest]).
type State struct {
	Row    string // "user/<id>"
	Digest [32]byte
}

// Entry is what the log says about one thing that somebody did.
//
// It prints without personal values. As JSON it has the form of [Encode].
type Entry struct {
	Version uint8 // [Version]
	ID      string
	At      time.Time // nanoseconds kept, 1678 to 2262
	Action  Action
	Outcome Outcome
	// Targets are the opaque ids by which the entry is found: random, never a name.
	Targets [][]byte
	Fields  []Field // names are unique; their order is kept
	State   []State // rows are unique; their order is kept
}

const stateDomain = "keyholder/audit/state/v1\x00"

// StateDigest is the digest of a row's version and body. A row that was dropped has
// version 0 and no body.
func StateDigest(version uint64, body []byte) [32]byte {
	b := make([]byte, 0, len(stateDomain)+8+len(body))
	b = append(b, stateDomain...)
	b = binary.BigEndian.AppendUint64(b, version)
	b = append(b, body...)
	return sha256.Sum256(b)
}

// Canonical returns the bytes that are hashed: commitments, never values. Withheld
// fields give the same bytes as the fields that they stand for. The layout is in the
// package documentation. It fails with [ErrMalformed] or [ErrCommitment].
func (e Entry) Canonical() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	return e.canonical(), nil
}

// canonical is [Entry.Canonical] of an entry that was checked.
func (e Entry) canonical() []byte {
	b := make([]byte, 0, 1024)
	b = append(b, e.Version)
	b = appendString(b, e.ID)
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.UnixNano()))
	b = appendString(b, string(e.Action))
	b = appendString(b, string(e.Outcome))
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Targets)))
	for _, t := range e.Targets {
		b = appendString(b, string(t))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Fields)))
	for _, f := range e.Fields {
		b = appendString(b, f.Name)
		b = append(b, byte(f.Class))
		b = append(b, f.Commitment[:]...)
		b = appendString(b, f.KeyID)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.State)))
	for _, s := range e.State {
		b = appendString(b, s.Row)
		b = append(b, s.Digest[:]...)
	}
	return b
}

// Hash returns the record hash of the entry in the tree: RFC 6962, SHA-256 of 0x00 and
// [Entry.Canonical].
func (e Entry) Hash() ([32]byte, error) {
	b, err := e.Canonical()
	if err != nil {
		return [32]byte{}, err
	}
	return tlog.RecordHash(b), nil
}

// check reports everything about the form of an entry that needs no catalogue.
func (e Entry) check() error {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }
	switch {
	case e.Version != Version:
		return bad("version")
	case e.ID == "" || len(e.ID) > MaxID || !text(e.ID):
		return bad("id")
	case e.At.IsZero() || !time.Unix(0, e.At.UnixNano()).Equal(e.At):
		return bad("time")
	case len(e.Action) > MaxID || !fieldName(string(e.Action)):
		return bad("action")
	case !e.Outcome.valid():
		return bad("outcome")
	case len(e.Targets) > MaxTargets || len(e.Fields) > MaxFields || len(e.State) > MaxStates:
		return bad("too many targets, fields or states")
	}
	if !unique(e.Targets, func(t []byte) string { return string(t) }) {
		return bad("target twice")
	}
	for _, t := range e.Targets {
		if len(t) == 0 || len(t) > MaxID {
			return bad("target")
		}
	}
	if !unique(e.Fields, func(f Field) string { return f.Name }) {
		return bad("field twice")
	}
	for _, f := range e.Fields {
		if err := f.check(); err != nil {
			return err
		}
	}
	if !unique(e.State, func(s State) string { return s.Row }) {
		return bad("row twice")
	}
	for _, s := range e.State {
		if s.Row == "" || len(s.Row) > MaxRow || !text(s.Row) {
			return bad("row")
		}
	}
	return nil
}

func unique[T any](list []T, key func(T) string) bool {
	seen := make(map[string]bool, len(list))
	for _, v := range list {
		seen[key(v)] = true
	}
	return len(seen) == len(list)
}

// Field returns a field by its name.
func (e Entry) Field(name string) (Field, bool) {
	for _, f := range e.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// Value returns the value of a public field, or of a personal one that was opened; ""
// if there is none.
func (e Entry) Value(name string) string {
	f, _ := e.Field(name)
	return f.Value
}

// Disclose returns a copy of the entry that shows the named fields and withholds all
// others. It has the same hash.
func (e Entry) Disclose(names ...string) Entry {
	show := make(map[string]bool, len(names))
	for _, n := range names {
		show[n] = true
	}
	fields := make([]Field, len(e.Fields))
	for i, f := range e.Fields {
		if fields[i] = f; !show[f.Name] {
			fields[i] = f.Withhold()
		}
	}
	e.Fields = fields
	return e
}

// String is one line without personal values.
func (e Entry) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %q", e.At.UTC().Format(time.RFC3339Nano), e.Action, e.Outcome, e.ID)
	for _, f := range e.Fields {
		b.WriteString(" " + f.String())
	}
	return b.String()
}

// Format keeps personal values out of every verb of fmt.
func (e Entry) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, e.String()) }

// LogValue keeps personal values out of slog.
func (e Entry) LogValue() slog.Value { return slog.StringValue(e.String()) }
