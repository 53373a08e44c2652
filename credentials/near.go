package credentials

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// Near is a maker's rule about codes that lie too close to each other, as data. The
// neighbours of a code are reserved: nobody else may get them.
type Near struct {
	// Everyone: every code reserves its neighbours. Otherwise only duress codes do.
	Everyone bool `json:"everyone,omitempty"`
	// Number lists neighbours by their distance when the whole code is a number: -1 and 1
	// for "plus or minus one". There is no way round from 9999 to 0000.
	Number []int `json:"number,omitempty"`
	// Last lists neighbours by their distance in the last digit alone.
	Last []int `json:"last,omitempty"`
	// Wrap: 9 and 0 are neighbours for Last.
	Wrap bool `json:"wrap,omitempty"`
	// Instead is a last digit that takes the place of the code's own: "9".
	Instead string `json:"instead,omitempty"`
	// Digit: every code that differs in one digit is a neighbour: one wrong key.
	Digit bool `json:"digit,omitempty"`
}

// The rules of makers below are from their manuals. Where a manual does not say how 9
// and 0 meet, the rule takes both readings: a few codes too many are refused and none
// too few.

// NearDSC: a duress code is nobody's code plus or minus 1.
func NearDSC() Near { return Near{Number: []int{-1, 1}, Last: []int{-1, 1}, Wrap: true} }

// NearBosch: a last digit within 2 of another code with the same beginning is in use,
// whatever the codes are for (B and G series).
func NearBosch() Near { return Near{Everyone: true, Last: []int{-2, -1, 1, 2}, Wrap: true} }

// NearSPC: the duress code is the code plus 1 or plus 2 (Vanderbilt SPC), so no two
// codes follow each other.
func NearSPC(plus int) Near {
	n := Near{Everyone: true}
	for i := 1; i <= plus; i++ {
		n.Number = append(n.Number, -i, i)
	}
	return n
}

// NearAdemco: the duress code is the code with its last digit one higher, without a way
// round (Honeywell, Ademco).
func NearAdemco() Near { return Near{Everyone: true, Last: []int{-1, 1}} }

// NearRoger: code plus 1 and minus 1 are duress codes, so last digits differ by 2 or
// more (Roger RACS 4).
func NearRoger() Near { return Near{Everyone: true, Last: []int{-1, 1}, Wrap: true} }

// NearTAC: the duress code is the code with 9 as its last digit (TAC I/NET).
func NearTAC() Near { return Near{Everyone: true, Instead: "9"} }

// NearTypo keeps every code that differs from a duress code in one digit free, so that
// one wrong key raises no silent alarm. No maker asks for it.
func NearTypo() Near { return Near{Digit: true} }

// Reserves returns the codes that nobody else may get while somebody has c, in rising
// order, without c itself. A duress code reserves under every rule, an ordinary code
// only under rules for everyone.
func (p Policy) Reserves(c Code, duress bool) []Code {
	if c.IsZero() {
		return nil
	}
	var near []string
	for _, rule := range p.Near {
		if duress || rule.Everyone {
			near = append(near, rule.neighbours(c.digits.Open())...)
		}
	}
	slices.Sort(near)
	var out []Code
	for _, s := range slices.Compact(near) {
		if s != c.digits.Open() {
			out = append(out, Code{digits: hidden.Of(s)})
		}
	}
	return out
}

func (n Near) neighbours(s string) []string {
	var out []string
	number, _ := strconv.ParseInt(s, 10, 64) // digits only, and 16 of them fit
	for _, d := range n.Number {
		if t := fmt.Sprintf("%0*d", len(s), number+int64(d)); number+int64(d) >= 0 && len(t) == len(s) {
			out = append(out, t)
		}
	}
	begin, last := s[:len(s)-1], int(s[len(s)-1]-'0')
	for _, d := range n.Last {
		switch l := last + d; {
		case l >= 0 && l <= 9:
			out = append(out, begin+strconv.Itoa(l))
		case n.Wrap:
			out = append(out, begin+strconv.Itoa((l%10+10)%10))
		}
	}
	switch {
	case n.Instead != "" && n.Instead == s[len(s)-1:]: // what every code with this beginning becomes
		for d := range 10 {
			out = append(out, begin+strconv.Itoa(d))
		}
	case n.Instead != "":
		out = append(out, begin+n.Instead)
	}
	if n.Digit {
		for i := range len(s) {
			for d := '0'; d <= '9'; d++ {
				out = append(out, s[:i]+string(d)+s[i+1:])
			}
		}
	}
	return out
}
