package house

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit/httpanchor"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// held is a secret where hosts keep it: in a struct, by value and behind a pointer, in
// fields of whose methods fmt knows nothing.
type held[T any] struct {
	one  T
	ptr  *T
	many []T
	by   map[string]T
	any  any
}

func printed[T any](v T) string {
	h := held[T]{v, &v, []T{v}, map[string]T{"": v}, v}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+"\n"+verb+"\n", h, &h)
	}
	return strings.ToLower(out.String())
}

// A secret does not print from within somebody else's struct.
//
// Rules: R39
func TestSecretsDoNotPrintFromUnexportedFields(t *testing.T) {
	const text = "planted-6137-planted-6137-planted"
	const number = 16137613761 // long, so that no address has these digits by chance
	code, err := credentials.ParseCode("6137613761376137")
	require.NoError(t, err)
	card, err := credentials.H10302().Make(0, number)
	require.NoError(t, err)
	parts, err := credentials.H10302().Read(card)
	require.NoError(t, err)
	root := [credentials.KeySize]byte([]byte(text))
	key, err := credentials.KeyOf("k", root[:])
	require.NoError(t, err)
	app, err := otp.SecretOf([]byte(text))
	require.NoError(t, err)
	hook, err := httpanchor.SecretOf([]byte(text))
	require.NoError(t, err)
	id := strings.Repeat("0", 36)
	for name, c := range map[string]struct {
		out   string
		forms []string
	}{
		"code":         {printed(code), []string{"61376137", "3631333736313337"}},
		"tag":          {printed(card), []string{fmt.Sprintf("%x", card.Reveal()), fmt.Sprint(card.Reveal()), string(card.Reveal())}},
		"card":         {printed(parts), []string{fmt.Sprint(number), fmt.Sprintf("%x", number)}},
		"key":          {printed(key), spelled(text)},
		"site key":     {printed(credentials.SiteKeyOf(root)), spelled(text)},
		"app":          {printed(app), spelled(text)},
		"answer":       {printed(otp.AnswerOf("61376137")), []string{"61376137", "3631333736313337"}},
		"password":     {printed(password.Of(text)), spelled(text)},
		"token":        {printed(signin.ParseToken("khs_" + id + "_" + text)), spelled(text)},
		"reader":       {printed(door.ParseReaderKey("khr_" + id + "_" + text)), spelled(text)},
		"panel":        {printed(panel.SecretOf(text)), spelled(text)},
		"transport":    {printed(notify.NewSecret(text)), spelled(text)},
		"webhook":      {printed(hook), spelled(text)},
		"one-time":     {printed(flow.OneTimeOf(text)), spelled(text)},
		"device proof": {printed(door.ByKey(door.ParseReaderKey("khr_" + id + "_" + text))), spelled(text)},
	} {
		for _, form := range c.forms {
			assert.NotContains(t, c.out, form, name)
		}
	}
}

// spelled are the ways in which fmt writes a text or its bytes.
func spelled(text string) []string {
	b := []byte(text[:8])
	return []string{text[:8], fmt.Sprintf("%x", b), strings.Trim(fmt.Sprint(b), "[]"), strings.Trim(strings.ToLower(fmt.Sprintf("%#v", b)[7:]), "}")}
}
