package password

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
)

// commonWords are words from which the passwords that are guessed first are made, one a
// line, in lower case: those that head every published list, keyboard runs, names of the
// trade. Guessers write them with capitals, with digits for letters and with a year or a
// sign at the end, so they are looked for in that form: a few hundred words stand for
// many thousands of passwords.
//
//go:embed common.txt
var commonWords string

var commonSet = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(commonWords) {
		set[strings.TrimSpace(line)] = true
	}
	return set
})

// common reports whether a password is one that is guessed first.
func common(text string) bool {
	folded := strings.ToLower(text)
	words := commonSet()
	for _, form := range []string{folded, plain(folded)} {
		bare := strings.TrimFunc(form, func(r rune) bool { return !unicode.IsLetter(r) })
		if words[form] || words[bare] || words[half(form)] || words[half(bare)] {
			return true
		}
	}
	return run(folded)
}

// plain takes digits and signs back that stand for letters.
func plain(text string) string {
	return strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i").Replace(text)
}

// half is what a text repeats: "abcabc" gives "abc", anything else itself.
func half(text string) string {
	for n := 1; n <= len(text)/2; n++ {
		if len(text)%n == 0 && strings.Repeat(text[:n], len(text)/n) == text {
			return text[:n]
		}
	}
	return text
}

// run reports whether a text is one sign over and over, or one after the other as on a
// keyboard or in the alphabet, back or forth, in at most two pieces.
func run(text string) bool {
	if half(text) != text && len(half(text)) <= 2 {
		return true
	}
	const rows = "abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn 1qaz2wsx3edc4rfv5tgb6yhn7ujm"
	along := func(piece string) bool {
		return strings.Contains(rows, piece) || strings.Contains(rows, reverse(piece))
	}
	for cut := range len(text) {
		if along(text[cut:]) && (cut == 0 || cut > 2 && along(text[:cut])) {
			return len(text)-cut > 2
		}
	}
	return false
}

func reverse(text string) string {
	b := []byte(text)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
