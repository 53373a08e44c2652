package notify_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/notify"
)

type visit struct {
	Name string
	Code credentials.Code
}

func TestATemplateEscapesWhatPeopleTyped(t *testing.T) {
	tpl, err := notify.ParseTemplate("For {{.Name}}", "Hello {{.Name}}, {{.Code.Reveal}}",
		`<p title="{{.Name}}">{{.Name}}</p><a href="https://example.com/?n={{.Name}}">{{.Code.Reveal}}</a>`)
	require.NoError(t, err)
	code, err := credentials.ParseCode("12345678")
	require.NoError(t, err)
	m, err := tpl.Message(visit{Name: "<script>\"\r\nBcc: a@b.c", Code: code})
	require.NoError(t, err)
	assert.Equal(t, `For <script>" Bcc: a@b.c`, m.Subject)
	assert.NotContains(t, m.HTML, "<script>")
	assert.Contains(t, m.HTML, "&lt;script&gt;")
	assert.Contains(t, m.Text, "12345678")
}

func TestATemplateAsksOnlyForWhatIsThere(t *testing.T) {
	for _, bad := range [][3]string{{"{{", "", ""}, {"", "{{", ""}, {"", "", "{{"}} {
		_, err := notify.ParseTemplate(bad[0], bad[1], bad[2])
		require.ErrorIs(t, err, notify.ErrMessage)
	}
	for _, bad := range [][3]string{{"{{.None}}", "", ""}, {"", "{{.None}}", ""}, {"", "", "{{.None}}"}} {
		tpl, err := notify.ParseTemplate(bad[0], bad[1], bad[2])
		require.NoError(t, err)
		_, err = tpl.Message(map[string]string{"Name": "planted"})
		require.ErrorIs(t, err, notify.ErrMessage)
		assert.NotContains(t, err.Error(), "planted")
	}
}

func FuzzOneLine(f *testing.F) {
	f.Add("a\r\nBcc: b")
	f.Fuzz(func(t *testing.T, s string) {
		got := notify.OneLine(s)
		assert.False(t, strings.ContainsAny(got, "\r\n\x00\u0085\u2028\u2029"))
		assert.Equal(t, got, notify.OneLine(got))
	})
}

// A transport's secret prints nowhere.
//
// Rules: R39
func TestSecretsDoNotPrint(t *testing.T) {
	s := notify.NewSecret("planted")
	j, err := json.Marshal(s)
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s, s, s)+string(j)+s.LogValue().String(), "planted")
	assert.Equal(t, "planted", s.Reveal())
	assert.True(t, notify.Secret{}.IsZero())
}

func ExampleTemplate() {
	t, err := notify.ParseTemplate("A code for {{.Name}}", "Hello {{.Name}}", "<p>Hello {{.Name}}</p>")
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := t.Message(map[string]string{"Name": "Tower & Co"})
	fmt.Println(m.Subject, m.Text, m.HTML, err)
	// Output: A code for Tower & Co Hello Tower & Co <p>Hello Tower &amp; Co</p> <nil>
}
