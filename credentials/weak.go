package credentials

import (
	"math/bits"
	"strings"
)

// rings of keys: a code that only walks along one of them, either way round, is drawn
// rather than remembered.
var rings = [...]string{
	"0123456789", // runs: 1234, 9876, 8901
	"02468",
	"13579",
	"12369874", // around the keypad
	"1397",     // its corners
	"2684",     // its cross
	"2580",     // its middle column
}

// keyLines are the straight lines of a keypad.
const keyLines = " 123 456 789 147 258 369 159 357 321 654 987 741 852 963 951 753 "

// weak reports whether a code is among those that are guessed first. The rules are
// shapes, not a copied list: equal digits, steps along a ring, repeated or mirrored
// halves, doubled digits, round numbers, years, and lines on the keypad.
func weak(s string) bool {
	for _, ring := range rings {
		if walks(s, ring) {
			return true
		}
	}
	return fewDigits(s) || repeated(s) || mirrored(s) || doubled(s) || round(s) || dated(s) || lines(s)
}

// walks reports whether each digit is the next one along the ring, always forwards or
// always backwards.
func walks(s, ring string) bool {
	start := strings.IndexByte(ring, s[0])
	return start >= 0 && (follows(s, ring, start, 1) || follows(s, ring, start, len(ring)-1))
}

func follows(s, ring string, at, step int) bool {
	for i := 1; i < len(s); i++ {
		if at = (at + step) % len(ring); ring[at] != s[i] {
			return false
		}
	}
	return true
}

// fewDigits: one digit, or from six digits on only two different ones.
func fewDigits(s string) bool {
	var seen uint16
	for i := range len(s) {
		seen |= 1 << (s[i] - '0')
	}
	kinds := bits.OnesCount16(seen)
	return kinds == 1 || kinds == 2 && len(s) >= 6
}

// repeated: 1212, 123123.
func repeated(s string) bool { return len(s)%2 == 0 && s[:len(s)/2] == s[len(s)/2:] }

// mirrored: 1221, 12321.
func mirrored(s string) bool {
	for i := range len(s) / 2 {
		if s[i] != s[len(s)-1-i] {
			return false
		}
	}
	return true
}

// doubled: 1122, 112233.
func doubled(s string) bool {
	for i := 0; i+1 < len(s); i += 2 {
		if s[i] != s[i+1] {
			return false
		}
	}
	return len(s)%2 == 0
}

// round: 1000, 500000.
func round(s string) bool { return strings.Trim(s[1:], "0") == "" }

// dated: a year of living memory alone, with a month, or as a whole date in eight
// digits. Dates in six digits without a century are so many that refusing them would
// take a tenth of the space away.
func dated(s string) bool {
	switch len(s) {
	case 4:
		return year(s)
	case 6:
		return year(s[:4]) && upTo(s[4:], "12") || year(s[2:]) && upTo(s[:2], "12")
	case 8:
		day := func(a, b string) bool {
			return upTo(a, "12") && upTo(b, "31") || upTo(a, "31") && upTo(b, "12")
		}
		return year(s[:4]) && day(s[4:6], s[6:]) || year(s[4:]) && day(s[:2], s[2:4])
	}
	return false
}

func year(s string) bool { return s[:2] == "19" || s[:2] == "20" }

func upTo(s, last string) bool { return s >= "01" && s <= last }

// lines: three keys in a row, twice or more: 147258.
func lines(s string) bool {
	for i := 0; i+3 <= len(s); i += 3 {
		if !strings.Contains(keyLines, " "+s[i:i+3]+" ") {
			return false
		}
	}
	return len(s)%3 == 0
}
