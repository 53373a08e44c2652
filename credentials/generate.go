package credentials

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// ErrExhausted: hardly any code of this length is left.
var ErrExhausted = fault.New(fault.Conflict, "credentials: no code is left").
	Hinted("Use longer codes, or end credentials that are no longer needed.")

// Bounds of [Generate]. Fifty taken codes in a row mean that more than nine in ten are
// gone, or a very unlikely draw; a policy that refuses 1,000 draws in a row leaves next
// to nothing.
const (
	maxTaken   = 50
	maxRefused = 1000
)

// Generate draws a code of n digits that the policy allows for anybody, so never a weak
// one whatever the policy says, and that taken does not hold: a name that somebody holds
// or keeps free. Every such code is as likely as every other. A nil rand is the system's
// randomness, a nil taken says that nothing is. Errors: [ErrCodeLength], [ErrExhausted],
// or rand's own.
func Generate(random io.Reader, n int, p Policy, taken func(Code) bool) (Code, error) {
	return generate(random, n, func(c Code) error { return p.Check(c, true) }, taken)
}

// GenerateDuress draws a duress code for somebody whose code is own: as [Generate] does,
// and also with neighbours, in the sense of the policy, that nobody has.
func GenerateDuress(random io.Reader, own Code, p Policy, taken func(Code) bool) (Code, error) {
	return generate(random, own.Len(), func(c Code) error { return p.CheckPair(own, c) }, func(c Code) bool {
		return taken != nil && (taken(c) || slices.ContainsFunc(p.Reserves(c, true), taken))
	})
}

func generate(random io.Reader, n int, check func(Code) error, taken func(Code) bool) (Code, error) {
	if random == nil {
		random = rand.Reader
	}
	for used, refused := 0, 0; used < maxTaken && refused < maxRefused; {
		c, err := draw(random, n)
		if err != nil {
			return Code{}, err
		}
		switch err := check(c); {
		case err != nil && !undrawable(err):
			return Code{}, err
		case err != nil:
			refused++
		case taken != nil && taken(c):
			used++
		default:
			return c, nil
		}
	}
	return Code{}, ErrExhausted
}

func undrawable(err error) bool { return errors.Is(Undisclosed(err), ErrNotAvailable) }

// draw makes n digits. A byte of 250 or more is thrown away: taking it modulo 10 would
// favour the low digits.
func draw(random io.Reader, n int) (Code, error) {
	if n < 1 || n > MaxDigits {
		return Code{}, fmt.Errorf("%w: %d digits", ErrCodeLength, n)
	}
	var buf [MaxDigits]byte
	digits := make([]byte, 0, MaxDigits)
	for len(digits) < n {
		fresh := buf[:n-len(digits)]
		if _, err := io.ReadFull(random, fresh); err != nil {
			return Code{}, fmt.Errorf("credentials: randomness: %w", err)
		}
		for _, b := range fresh {
			if b < 250 {
				digits = append(digits, '0'+b%10)
			}
		}
	}
	return Code{digits: hidden.Of(digits)}, nil
}
