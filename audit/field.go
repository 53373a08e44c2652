package audit

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Class says how a field's value is kept.
type Class uint8

// The classes.
const (
	// ClassPublic: kept in clear with a salt, so that a proof may withhold it.
	ClassPublic Class = 1
	// ClassPersonal: kept sealed under the key of the person it describes.
	ClassPersonal Class = 2
	// ClassSecret: never kept, only that it changed.
	ClassSecret Class = 3
)

var classes = [...]string{ClassPublic: "public", ClassPersonal: "personal", ClassSecret: "secret"}

// String returns "public", "personal" or "secret".
func (c Class) String() string {
	if !c.valid() {
		return "unknown"
	}
	return classes[c]
}

func (c Class) valid() bool { return c >= ClassPublic && c <= ClassSecret }

func parseClass(s string) Class {
	for c := ClassPublic; c.valid(); c++ {
		if classes[c] == s {
			return c
		}
	}
	return 0
}

// Limits of a field, in bytes.
const (
	MaxName   = 64   // its name
	MaxValue  = 4096 // a public value, or the sealed bytes of a personal one
	MaxFields = 64   // number of fields in an entry
	maxKeyID  = 64
)

// Salt makes a commitment unguessable. Every field has its own.
type Salt [16]byte

// NewSalt returns a random salt.
func NewSalt() Salt {
	var s Salt
	_, _ = rand.Read(s[:]) // never fails and never reads short
	return s
}

// Field is one detail of an entry. Make it with [Public], [Personal] or [Secret].
//
// It prints without its value unless it is public, also as JSON.
type Field struct {
	Name  string // lower-case words with dots: "label.before"
	Class Class
	Salt  Salt // zero for a secret or withheld field
	// Value of a public field; of a personal one only after [Field.Opened], and never stored.
	Value string
	// Sealed bytes of a personal field, and the key that opens them.
	Sealed []byte
	KeyID  string
	// Commitment is what the entry's hash depends on.
	Commitment [32]byte
	// Withheld says that only the commitment is here; see [Entry.Disclose].
	Withheld bool
}

// Public makes a field that everybody who may read the entry can read. Bytes that are
// no text (invalid UTF-8, NUL) become U+FFFD.
func Public(name, value string, salt Salt) Field {
	value = strings.ReplaceAll(strings.ToValidUTF8(value, "\uFFFD"), "\x00", "\uFFFD")
	return Field{Name: name, Class: ClassPublic, Salt: salt, Value: value}.committed()
}

// Personal makes a field of a value that was sealed under the key keyID of the person
// whom it describes.
func Personal(name string, sealed []byte, keyID string, salt Salt) Field {
	return Field{Name: name, Class: ClassPersonal, Salt: salt, Sealed: bytes.Clone(sealed), KeyID: keyID}.committed()
}

// Secret makes a field that says that a secret was set or changed, and nothing of it.
func Secret(name string) Field {
	return Field{Name: name, Class: ClassSecret}.committed()
}

const fieldDomain = "keyholder/audit/field/v1\x00"

func (f Field) committed() Field {
	f.Commitment = f.commit()
	return f
}

// commit computes the commitment from what it commits to.
func (f Field) commit() [32]byte {
	b := make([]byte, 0, 256) // most fit, and need no heap
	b = append(b, fieldDomain...)
	b = append(b, byte(f.Class))
	b = appendString(b, f.Name)
	b = append(b, f.Salt[:]...)
	if f.Class == ClassPersonal {
		b = append(b, f.Sealed...)
	} else {
		b = append(b, f.Value...)
	}
	return sha256.Sum256(b)
}

// Withhold returns the field with its commitment alone. A secret has nothing to withhold.
func (f Field) Withhold() Field {
	if f.Class == ClassSecret {
		return f
	}
	return Field{Name: f.Name, Class: f.Class, KeyID: f.KeyID, Commitment: f.Commitment, Withheld: true}
}

// Opened returns a personal field with the value that was sealed in it. The value is
// for showing: it is neither stored nor part of the commitment.
func (f Field) Opened(value string) Field {
	if f.Class == ClassPersonal {
		f.Value = value
	}
	return f
}

// check reports what is wrong with the field's form, or [ErrCommitment].
func (f Field) check() error {
	bad := func(what string) error { return fmt.Errorf("%w: field %.64q: %s", ErrMalformed, f.Name, what) }
	if !fieldName(f.Name) {
		return bad("name")
	}
	if keyed := f.Class == ClassPersonal; !f.Class.valid() || keyed != (f.KeyID != "") || len(f.KeyID) > maxKeyID || !text(f.KeyID) {
		return bad("class or key")
	}
	if f.Withheld {
		if f.Class == ClassSecret || f.Salt != (Salt{}) || f.Value != "" || len(f.Sealed) != 0 {
			return bad("withheld and present")
		}
		return nil
	}
	switch f.Class {
	case ClassPublic:
		if len(f.Value) > MaxValue || !text(f.Value) || len(f.Sealed) != 0 {
			return bad("public value")
		}
	case ClassPersonal:
		if len(f.Sealed) == 0 || len(f.Sealed) > MaxValue {
			return bad("sealed value")
		}
	case ClassSecret:
		if f.Salt != (Salt{}) || f.Value != "" || len(f.Sealed) != 0 {
			return bad("secret with a value")
		}
	}
	if f.commit() != f.Commitment {
		return fmt.Errorf("%w: field %q", ErrCommitment, f.Name)
	}
	return nil
}

// String returns "name=value" of a public field and hides every other value.
func (f Field) String() string {
	switch {
	case f.Withheld:
		return f.Name + "=[withheld]"
	case f.Class == ClassPublic:
		return fmt.Sprintf("%s=%q", f.Name, f.Value)
	}
	return f.Name + "=[" + f.Class.String() + "]"
}

// Format keeps personal values out of every verb of fmt.
func (f Field) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }

// MarshalJSON returns the stored form, which has no opened value.
func (f Field) MarshalJSON() ([]byte, error) { return f.append(nil), nil }

// fieldName: lower-case letters, digits and hyphens in dotted words.
func fieldName(s string) bool {
	return len(s) > 0 && len(s) <= MaxName && strings.Trim(s, ".") == s && !strings.Contains(s, "..") &&
		strings.IndexFunc(s, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-'
		}) < 0
}

// text reports whether every database can keep s as text.
func text(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// appendString appends a string with its length before it.
func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
