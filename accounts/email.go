package accounts

import (
	"net/mail"
	"regexp"
	"strings"
)

// Email is an e-mail address as its owner writes it. The zero value is no address.
//
// It is personal: it prints, so that it can be shown, but belongs into no error and no
// log line. Addresses are equal if [Email.Canonical] is equal; mail goes to the stored
// address, never to the one that somebody typed.
type Email struct{ written string }

// domainForm asks for labels of letters, digits and inner dashes, and at least two.
var domainForm = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// ParseEmail reads a bare address, spaces around it aside: at most 254 bytes, ASCII,
// no display name, comment, quotes or address literal. [ErrEmailRequired] if it is
// empty, else [ErrEmailFormat].
//
// ASCII is on purpose: letters of other scripts look like Latin ones, and lower-casing
// can turn one into the other, so that a stranger's address becomes a customer's.
func ParseEmail(s string) (Email, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Email{}, ErrEmailRequired
	}
	local, domain, _ := strings.Cut(s, "@")
	if len(s) > 254 || len(local) > 64 || !ascii(s) || !domainForm.MatchString(domain) {
		return Email{}, ErrEmailFormat
	}
	// The parser understands quotes, comments and names; an address that comes out as it
	// went in has none of them.
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s {
		return Email{}, ErrEmailFormat
	}
	return Email{written: s}, nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// Canonical is the form by which addresses are compared and looked up: lower case.
// Strictly the part before the @ belongs to its mail server, but no server in use gives
// two people addresses that differ in case alone.
func (e Email) Canonical() string { return strings.ToLower(e.written) }

// String returns the address as it was written, "" for none.
func (e Email) String() string { return e.written }

// IsZero reports whether there is no address.
func (e Email) IsZero() bool { return e.written == "" }

// MarshalText writes the address as it was written.
func (e Email) MarshalText() ([]byte, error) { return []byte(e.written), nil }

// UnmarshalText reads what ParseEmail takes, or nothing.
func (e *Email) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*e = Email{}
		return nil
	}
	f, err := ParseEmail(string(b))
	if err != nil {
		return err
	}
	*e = f
	return nil
}

var (
	usernameForm = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)
	phoneForm    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// CheckUsername reports [ErrUsernameFormat] unless s is 1 to 64 lower-case letters,
// digits and underscores.
func CheckUsername(s string) error {
	if !usernameForm.MatchString(s) {
		return ErrUsernameFormat
	}
	return nil
}

// CheckPhone reports [ErrPhoneFormat] unless s is a plus sign, a country code and a
// number: 7 to 15 digits.
func CheckPhone(s string) error {
	if !phoneForm.MatchString(s) {
		return ErrPhoneFormat
	}
	return nil
}
