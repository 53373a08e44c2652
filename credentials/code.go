package credentials

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// Errors of a code's form. None of them carries the digits.
var (
	// ErrCodeDigits: a code holds something else than the digits 0 to 9.
	ErrCodeDigits = fault.New(fault.Invalid, "credentials: a code is digits only").
			Hinted("Use only the digits 0 to 9.")
	// ErrCodeLength: a code is shorter or longer than allowed.
	ErrCodeLength = fault.New(fault.Invalid, "credentials: code has the wrong length").
			Hinted("Use the number of digits that the panel asks for.")
	// ErrOtherLength: somebody's new code has more or fewer digits than the one before.
	ErrOtherLength = fault.New(fault.Invalid, "credentials: code has another number of digits than the one before").
			Hinted("Use as many digits as before, or remove the code first.")
)

// Redacted is what every secret of keyholder prints as.
const Redacted = "[redacted]"

// MaxDigits is the longest code that anything here handles.
const MaxDigits = 16

// Code is a PIN as it is typed at a keypad: 1 to [MaxDigits] digits, leading zeros
// kept. The zero value is "no code".
//
// A Code cannot print: every verb of fmt, JSON, text encoding and slog give
// [Redacted]. [Code.Reveal] is the only way to the digits.
type Code struct{ digits hidden.Text }

// ParseCode checks that s is 1 to [MaxDigits] ASCII digits.
func ParseCode(s string) (Code, error) {
	if len(s) == 0 || len(s) > MaxDigits {
		return Code{}, ErrCodeLength
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return Code{}, ErrCodeDigits
		}
	}
	return Code{digits: hidden.Of(s)}, nil
}

// Reveal returns the digits. Only drivers, at the moment of sending, and the keyring
// may call it.
func (c Code) Reveal() string { return c.digits.Open() }

// IsZero reports whether there is no code.
func (c Code) IsZero() bool { return c.digits.IsZero() }

// Len returns the number of digits.
func (c Code) Len() int { return len(c.digits.Open()) }

// Equal compares in time that depends on the lengths only.
func (c Code) Equal(d Code) bool {
	return subtle.ConstantTimeCompare([]byte(c.digits.Open()), []byte(d.digits.Open())) == 1
}

// String returns [Redacted], or "" for no code.
func (c Code) String() string {
	if c.IsZero() {
		return ""
	}
	return Redacted
}

// Format keeps the digits out of every verb of fmt.
func (c Code) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue keeps the digits out of slog.
func (c Code) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText keeps the digits out of JSON and every other text form.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the digits: a code can be received, never sent back.
func (c *Code) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*c = Code{}
		return nil
	}
	d, err := ParseCode(string(b))
	if err != nil {
		return err
	}
	*c = d
	return nil
}
