package roster

import "github.com/seed-a2d3eaca/keyholder/internal/flow"

// MaxCardFormats bounds Options.CardFormats: each claims names, and one change holds only
// so many.
const MaxCardFormats = flow.MaxCardFormats
