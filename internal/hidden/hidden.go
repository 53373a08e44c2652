// Package hidden keeps secrets where printing does not reach them.
//
// It is for keyholder's own types that cannot print. Their methods keep a secret out of
// every verb of fmt, but fmt asks no methods of an unexported field: a secret in a host's
// own struct would be printed with it. A [Text] shows fmt an address there. It is a text
// and nothing else, because fmt follows addresses of structs and arrays under some verbs.
package hidden

import "unique"

// Text is a text behind an address. Two of the same text are equal. The zero value hides
// "".
type Text struct{ at unique.Handle[string] }

// Of hides a text, or bytes.
func Of[T ~string | ~[]byte](text T) Text {
	if len(text) == 0 {
		return Text{}
	}
	return Text{at: unique.Make(string(text))}
}

// IsZero reports whether the text is "".
func (t Text) IsZero() bool { return t == Text{} }

// Open returns the text.
func (t Text) Open() string {
	if t.IsZero() {
		return ""
	}
	return t.at.Value()
}
