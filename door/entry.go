package door

import (
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Entry is what somebody did at a point.
type Entry struct {
	Point string
	Shown
	// With is what else was shown for the same entry: the code after the card. It completes
	// what was shown first if it is the same person's and opens by itself at that time; then
	// it is used too. A duress code raises its alarm wherever it is shown, whoever has it.
	With []Shown
	// Lockdown: the point is in a lockdown, as the host says.
	Lockdown bool
}

// Shown is one credential: a code on a keypad, in an app or on a phone, or a tag at a
// reader.
type Shown struct {
	Medium credentials.Medium
	Code   credentials.Code
	Tag    credentials.Tag
}

// Answer is what the reader learns. It is the same for a duress code as for the ordinary
// one.
type Answer struct {
	Granted bool               `json:"granted"`
	Reason  credentials.Reason `json:"reason"`
	// Next is when the same would be granted, as things are; zero: not by waiting.
	Next time.Time `json:"next,omitzero"`
	// Decision is the id by which the entry in the log is found.
	Decision string `json:"decision"`
}

// material is the secret in the form that is compared.
func (s Shown) material() (credentials.Material, error) {
	typed := s.Medium == credentials.Keypad || s.Medium == credentials.Mobile || s.Medium == credentials.Phone
	switch {
	case typed && !s.Code.IsZero() && s.Tag.IsZero():
		return credentials.CodeMaterial(s.Code), nil
	case s.Medium == credentials.Reader && s.Code.IsZero() && !s.Tag.IsZero():
		return credentials.TagMaterials(s.Tag)[0], nil
	}
	return credentials.Material{}, ErrEntry
}

// maxShown is how many credentials one entry can have.
const maxShown = 4

// all lists everything that was shown, what was presented first before the rest.
func (e Entry) all() ([]Shown, error) {
	if len(e.With) >= maxShown {
		return nil, ErrEntry
	}
	return append([]Shown{e.Shown}, e.With...), nil
}
