package credentials

import (
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// ErrTagForm: not a tag's number.
var ErrTagForm = fault.New(fault.Invalid, "credentials: not a tag number").
	Hinted("Give the tag's number as hexadecimal digits with its length in bits, as the reader shows it.")

// Tag is a proximity tag or card: its raw bits with their number. Like a [Code] it
// cannot print. The zero value is "no tag".
type Tag struct {
	raw  hidden.Text // big endian, right-aligned
	bits int
}

// ParseTag reads raw bits written in hexadecimal; bits is their number (1 to 256),
// 0 means four for each digit.
func ParseTag(s string, bits int) (Tag, error) {
	s = strings.ToLower(strings.NewReplacer(":", "", " ", "", "-", "").Replace(s))
	if bits == 0 {
		bits = 4 * len(s)
	}
	if len(s)%2 == 1 {
		s = "0" + s
	}
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) == 0 || bits < 1 || bits > 256 {
		return Tag{}, ErrTagForm
	}
	n := new(big.Int).SetBytes(raw)
	if n.BitLen() > bits {
		return Tag{}, ErrTagForm
	}
	return Tag{raw: hidden.Of(string(n.FillBytes(make([]byte, (bits+7)/8)))), bits: bits}, nil
}

// Reveal returns the raw bits, right-aligned, big endian.
func (t Tag) Reveal() []byte { return []byte(t.raw.Open()) }

// Bits returns the number of bits.
func (t Tag) Bits() int { return t.bits }

// IsZero reports whether there is no tag.
func (t Tag) IsZero() bool { return t.bits == 0 }

// Equal compares in time that depends on the lengths only.
func (t Tag) Equal(u Tag) bool {
	return t.bits == u.bits && subtle.ConstantTimeCompare([]byte(t.raw.Open()), []byte(u.raw.Open())) == 1
}

// String returns [Redacted], or "" for no tag.
func (t Tag) String() string {
	if t.IsZero() {
		return ""
	}
	return Redacted
}

// Format keeps the number out of every verb of fmt.
func (t Tag) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue keeps the number out of slog.
func (t Tag) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText keeps the number out of JSON and every other text form.
func (t Tag) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
