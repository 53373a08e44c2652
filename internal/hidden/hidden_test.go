package hidden_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

func TestATextIsFoundByNobodyWhoPrints(t *testing.T) {
	const planted = "6137"
	held := struct {
		code hidden.Text
		ptr  *hidden.Text
		many []hidden.Text
	}{hidden.Of(planted), new(hidden.Of(planted)), []hidden.Text{hidden.Of(planted)}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{held, &held, held.code, held.many} {
			assert.NotContains(t, fmt.Sprintf(verb, v), planted, verb)
			assert.NotContains(t, fmt.Sprintf(verb, v), fmt.Sprintf("%x", planted), verb)
		}
	}
}

func TestATextComesBackAndEqualsItsLike(t *testing.T) {
	assert.Equal(t, "6137", hidden.Of("6137").Open())
	known := map[hidden.Text]bool{hidden.Of("6137"): true}
	assert.True(t, known[hidden.Of("61"+"37")])
	assert.False(t, known[hidden.Of("6138")])
	assert.Empty(t, hidden.Of("").Open())
	assert.True(t, hidden.Of("").IsZero())
	assert.False(t, hidden.Of("0").IsZero())
	assert.Equal(t, "\x01\x02", hidden.Of([]byte{1, 2}).Open())
}
