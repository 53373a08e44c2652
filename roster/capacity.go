package roster

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Capacity is how much room there is for persons' PINs of so many digits. All figures are
// rounded to two digits, because they tell of codes that work.
type Capacity struct {
	Codes float64 // how many the policy allows
	Taken float64 // how many of these somebody has, duress PINs included
	// GuessRisk is the chance that one of so many different guesses is somebody's.
	GuessRisk float64
}

// Capacity counts the PINs of so many digits, and says how likely so many guesses at a
// keypad are to be one of them: what decides how long PINs have to be. A length that the
// policy does not allow has no room. It reads what everybody has.
func (op *Operator) Capacity(ctx context.Context, digits, guesses int) (Capacity, error) {
	if err := op.desk.core.Allowed(ctx, op.actor, "roster.Capacity", ""); err != nil {
		return Capacity{}, op.refused(ctx, "Capacity", nil, err)
	}
	taken := 0
	for q := (store.Query{Kind: rec.Credentials.Name}); ; {
		rs, err := op.desk.core.Store.List(ctx, q)
		if err != nil {
			return Capacity{}, err
		}
		for _, r := range rs {
			c, _, err := rec.Credentials.Decode(r)
			if err != nil {
				return Capacity{}, err
			}
			q.After = &store.Position{ID: r.Key.ID}
			if c.Kind != rec.TagNumber && !c.Sealed.IsZero() && c.Len == digits {
				taken++
			}
		}
		if len(rs) < store.MaxPage {
			break
		}
	}
	return Capacity{
		Codes:     credentials.Rounded(float64(op.desk.o.Codes.Capacity(digits))),
		Taken:     credentials.Rounded(float64(taken)),
		GuessRisk: credentials.Rounded(credentials.GuessRisk(taken, digits, guesses)),
	}, nil
}
