package accounts_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Each cause of a problem has an error of its own and says what to do about it.
//
// Rules: G180
func TestTroublesGolden(t *testing.T) {
	var text strings.Builder
	causes := map[string][]error{}
	for _, x := range accounts.Troubles() {
		assert.Regexp(t, `^[A-Z].*\.$`, x.Cause)
		assert.NotEmpty(t, fault.Hint(x.Err), x.Cause)
		for _, other := range causes[x.Problem] {
			assert.False(t, errors.Is(x.Err, other) || errors.Is(other, x.Err), "%s: %s", x.Problem, x.Cause)
		}
		if len(causes[x.Problem]) == 0 {
			fmt.Fprintf(&text, "%s\n", x.Problem)
		}
		causes[x.Problem] = append(causes[x.Problem], x.Err)
		fmt.Fprintf(&text, "\t%s\n\t\t%v\n\t\t%s\n", x.Cause, x.Err, fault.Hint(x.Err))
	}
	golden(t, "troubles.golden", text.String())
}
