package credentials

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of a code's choice. They tell something about codes that work, so only
// callers with the right to know see them; everybody else gets [ErrNotAvailable] by
// way of [Undisclosed].
var (
	// ErrCodeTaken: somebody has this code, or one that reserves it.
	ErrCodeTaken = fault.New(fault.Conflict, "credentials: code is taken").
			Hinted("Choose another code, or let one be generated.")
	// ErrWeak: the code is among those that are guessed first.
	ErrWeak = fault.New(fault.Invalid, "credentials: code is easy to guess").
		Hinted("Avoid repeated digits, runs, years and patterns of keys.")
	// ErrReserved: the policy gives this code to nobody.
	ErrReserved = fault.New(fault.Invalid, "credentials: code is reserved").
			Hinted("This code is a factory code or means something else to the panel. Choose another.")
	// ErrNear: the code lies too close to another one of the same person.
	ErrNear = fault.New(fault.Invalid, "credentials: code is too close to another").
		Hinted("Choose a duress code that differs from the code in more than its last digit.")
	// ErrDuressSame: the duress code is the person's own code.
	ErrDuressSame = fault.New(fault.Invalid, "credentials: duress code equals the code").
			Hinted("Choose a duress code that differs from the code.")
	// ErrPolicyEmpty: two policies have no code length in common.
	ErrPolicyEmpty = fault.New(fault.Precondition, "credentials: no code length suits both").
			Hinted("Set the panel to a code length that the accounts use too.")
	// ErrNotAvailable is the one answer for whoever may not know why a code is refused.
	ErrNotAvailable = fault.New(fault.Conflict, "credentials: code is not available").
			Hinted("Choose another code, or let one be generated.")
)

// Undisclosed turns every reason about the choice of a code into [ErrNotAvailable].
// Errors of form ([ErrCodeLength], [ErrCodeDigits]) and everything else stay: they tell
// nothing about codes that work.
func Undisclosed(err error) error {
	for _, reason := range []error{ErrCodeTaken, ErrWeak, ErrReserved, ErrNear, ErrDuressSame} {
		if errors.Is(err, reason) {
			return ErrNotAvailable
		}
	}
	return err
}

// Policy is what a code must be before anybody asks whether it is free. It is plain
// data. The zero value takes 4 to 6 digits and refuses weak codes.
type Policy struct {
	Lens      []int    `json:"lens,omitempty"`      // lengths that are allowed; empty: 4, 5, 6
	Reserved  []string `json:"reserved,omitempty"`  // codes that nobody gets: public facts, not secrets
	AllowWeak bool     `json:"allowWeak,omitempty"` // ordinary codes may be easy to guess; duress codes never
	Near      []Near   `json:"near,omitempty"`      // neighbours that codes keep free
}

// lens is the allowed lengths.
func (p Policy) lens() []int {
	if len(p.Lens) == 0 {
		return []int{4, 5, 6}
	}
	return p.Lens
}

// Check reports why c cannot be chosen, whoever has it: [ErrCodeLength], [ErrReserved]
// or [ErrWeak]. A duress code is never weak: one that is typed by mistake raises a
// silent alarm.
func (p Policy) Check(c Code, duress bool) error { return p.check(c.digits.Open(), duress) }

func (p Policy) check(digits string, duress bool) error {
	switch {
	case !slices.Contains(p.lens(), len(digits)):
		return fmt.Errorf("%w: %v digits are allowed", ErrCodeLength, p.lens())
	case slices.Contains(p.Reserved, digits):
		return ErrReserved
	case (duress || !p.AllowWeak) && weak(digits):
		return ErrWeak
	}
	return nil
}

// CheckPair reports why duress cannot be the duress code of the person whose code is
// own: everything that [Policy.Check] says, another length ([ErrCodeLength]), the same
// code ([ErrDuressSame]), or a neighbour under one of the rules ([ErrNear]).
func (p Policy) CheckPair(own, duress Code) error {
	if err := p.Check(duress, true); err != nil {
		return err
	}
	switch {
	case own.Len() != duress.Len():
		return fmt.Errorf("%w: a duress code has as many digits as the code", ErrCodeLength)
	case own.Equal(duress):
		return ErrDuressSame
	case slices.Contains(p.Reserves(duress, true), own), slices.Contains(p.Reserves(own, false), duress):
		return ErrNear
	}
	return nil
}

// Meet is the policy for a code that must satisfy both: lengths that both allow, and
// every refusal of either. [ErrPolicyEmpty] if no length is left.
func (p Policy) Meet(q Policy) (Policy, error) {
	m := Policy{
		Reserved:  union(p.Reserved, q.Reserved),
		AllowWeak: p.AllowWeak && q.AllowWeak,
		Near:      slices.Concat(p.Near, q.Near),
	}
	for _, n := range p.lens() {
		if slices.Contains(q.lens(), n) {
			m.Lens = append(m.Lens, n)
		}
	}
	if len(m.Lens) == 0 {
		return Policy{}, ErrPolicyEmpty
	}
	return m, nil
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
