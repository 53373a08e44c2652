package credentials_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// code is a code that is known to be well formed.
func code(digits string) credentials.Code {
	c, err := credentials.ParseCode(digits)
	if err != nil {
		panic(err)
	}
	return c
}

func TestParseCodeTakesDigitsOnly(t *testing.T) {
	for in, want := range map[string]error{
		"1": nil, "0042": nil, "0123456789012345": nil,
		"": credentials.ErrCodeLength, "01234567890123456": credentials.ErrCodeLength,
		"12a4": credentials.ErrCodeDigits, "-123": credentials.ErrCodeDigits, " 123": credentials.ErrCodeDigits,
		"١٢٣٤": credentials.ErrCodeDigits,
	} {
		c, err := credentials.ParseCode(in)
		assert.ErrorIs(t, err, want, "%q", in)
		if want == nil {
			assert.Equal(t, in, c.Reveal(), "leading zeros are kept")
		}
		if err != nil && in != "" {
			assert.NotContains(t, err.Error(), in, "an error never carries what was typed")
		}
	}
}

// everyForm is v in every form in which programs put values out.
func everyForm(t require.TestingT, v any) string {
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
		fmt.Fprintf(&out, verb+"\n", v)
		fmt.Fprintf(&out, verb+"\n", []any{v, map[string]any{"k": v}})
	}
	b, err := json.Marshal(map[string]any{"k": v})
	require.NoError(t, err)
	out.Write(b)
	var log bytes.Buffer
	timeless := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	slog.New(slog.NewTextHandler(&log, timeless)).Info("m", "k", v)
	slog.New(slog.NewJSONHandler(&log, timeless)).Info("m", "k", v)
	out.Write(log.Bytes())
	return out.String()
}

// Rules: R39
func TestCodesCannotPrint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{4,16}`).Draw(t, "digits")
		c := code(digits)
		for _, v := range []any{c, &c, credentials.CodeMaterial(c), struct{ C credentials.Code }{c}} {
			out := everyForm(t, v)
			assert.NotContains(t, out, digits)
			assert.NotContains(t, out, fmt.Sprintf("%x", digits))
		}
	})
}

func TestCodesCanBeReceivedAndAreNotSentBack(t *testing.T) {
	var in struct{ Code credentials.Code }
	require.NoError(t, json.Unmarshal([]byte(`{"Code":"0042"}`), &in))
	assert.Equal(t, "0042", in.Code.Reveal())
	out, err := json.Marshal(in)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Code":"[redacted]"}`, string(out))
	require.NoError(t, json.Unmarshal([]byte(`{"Code":""}`), &in))
	assert.True(t, in.Code.IsZero())
	assert.Error(t, json.Unmarshal([]byte(`{"Code":"12x4"}`), &in))
}

func TestCodesCompare(t *testing.T) {
	assert.True(t, code("0042").Equal(code("0042")))
	assert.False(t, code("0042").Equal(code("042")))
	assert.False(t, code("0042").Equal(credentials.Code{}))
	assert.Equal(t, 4, code("0042").Len())
	assert.Empty(t, credentials.Code{}.String())
}
