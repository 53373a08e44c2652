package accounts

import (
	"fmt"
	"strings"
	"time"
)

// maxTemporary is how many rights for a time an account has at once.
const maxTemporary = 16

// Temporary is rights for a time and a reason, beside those of an account's roles and at
// the account's sites. It ends by itself, at its second.
type Temporary struct {
	By     ID        `json:"by"` // who gave it
	From   time.Time `json:"from"`
	ID     string    `json:"id"`
	Reason string    `json:"reason"`
	Rights Rights    `json:"rights"`
	Until  time.Time `json:"until"` // the first second without them
}

// In reports whether the rights hold at now.
func (t Temporary) In(now time.Time) bool { return !now.Before(t.From) && now.Before(t.Until) }

// Lend gives the account rights for a time and forgets those that have ended. It reports
// [ErrTemporary] without a right, a reason, or an end that is still to come and after the
// beginning, and beyond 16 at once; [*TransitionError] for a removed and for the system's
// account.
func (a Account) Lend(t Temporary, now time.Time) (Account, error) {
	if err := a.May(Validate, Policy{}); err != nil {
		return a, err
	}
	kept := a.lent(now)
	switch {
	case t.Rights.IsZero(), strings.TrimSpace(t.Reason) == "":
		return a, ErrTemporary
	case !t.Until.After(now), !t.Until.After(t.From):
		return a, fmt.Errorf("%w: the end", ErrTemporary)
	case len(kept) == maxTemporary:
		return a, fmt.Errorf("%w: at most %d", ErrTemporary, maxTemporary)
	}
	a.Temporary = append(kept, t)
	return a, nil
}

// Unlend takes rights for a time back early: [ErrTemporary] if there are none with this id.
func (a Account) Unlend(id string, now time.Time) (Account, Temporary, error) {
	var gone Temporary
	var kept []Temporary
	for _, t := range a.lent(now) {
		if t.ID == id {
			gone = t
			continue
		}
		kept = append(kept, t)
	}
	if gone.ID == "" {
		return a, gone, fmt.Errorf("%w: none with this id", ErrTemporary)
	}
	a.Temporary = kept
	return a, gone, nil
}

// lent are the rights for a time that have not ended.
func (a Account) lent(now time.Time) []Temporary {
	var kept []Temporary
	for _, t := range a.Temporary {
		if now.Before(t.Until) {
			kept = append(kept, t)
		}
	}
	return kept
}
