package password

import (
	"strings"
	"unicode"
)

// The shortest part of a name that counts, and the longest operands that are compared.
const (
	nameLeast   = 4
	similarMost = 256
)

// similar reports whether a password is made of its owner's names: one of them is in it,
// forwards or backwards, or shares more than half of it.
func similar(text string, names []string) bool {
	text = strings.ToLower(cut(text))
	for _, name := range names {
		name = strings.ToLower(cut(name))
		if len(name) >= nameLeast && 2*shared(text, name) > len(text) {
			return true
		}
		for _, part := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if len(part) >= nameLeast && (strings.Contains(text, part) || strings.Contains(text, reverse(part))) {
				return true
			}
		}
	}
	return false
}

func cut(s string) string { return s[:min(len(s), similarMost)] }

// shared is the length of the longest text that is in both.
func shared(a, b string) int {
	longest := 0
	row := make([]int, len(b)+1) // of the common ends of a[:i] and b[:j]
	for i := range len(a) {
		diagonal := 0
		for j := range len(b) {
			above := row[j+1]
			row[j+1] = 0
			if a[i] == b[j] {
				row[j+1] = diagonal + 1
				longest = max(longest, diagonal+1)
			}
			diagonal = above
		}
	}
	return longest
}
