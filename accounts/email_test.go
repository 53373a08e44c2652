package accounts_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// Rules: R108, G35
func TestAddresses(t *testing.T) {
	for in, canonical := range map[string]string{
		"owner@example.com":       "owner@example.com",
		"  Owner@Example.COM ":    "owner@example.com",
		"o.w+tag@mail.example.co": "o.w+tag@mail.example.co",
		"a@b.c":                   "a@b.c",
		"x_y-z@xn--bcher-kva.ch":  "x_y-z@xn--bcher-kva.ch",
	} {
		e, err := accounts.ParseEmail(in)
		require.NoError(t, err, in)
		assert.Equal(t, canonical, e.Canonical())
		assert.Equal(t, strings.TrimSpace(in), e.String(), "shown as it was written")
	}
	for _, bad := range []string{
		"a@b", "owner", "@example.com", "owner@", "owner@@example.com", "owner@example..com", "owner@.com", "owner@-a.com",
		"Owner <owner@example.com>", "<owner@example.com>", "owner@example.com (home)", `"owner"@example.com`, `"o w"@example.com`,
		"owner@[127.0.0.1]", "owner@127.0.0.1", "a b@example.com", ".owner@example.com", "owner.@example.com", "o..w@example.com",
		"owner@example.com, other@example.com", "owner@example.com\r\nBcc: other@example.com", "owner@example.com\x00",
		"оwner@example.com",      // begins with a Cyrillic letter
		"owner@exаmple.com",      // holds one
		"owner@example.\u212Aom", // the Kelvin sign, which becomes a k in lower case
		strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("a.", 130) + "com",
	} {
		_, err := accounts.ParseEmail(bad)
		assert.ErrorIs(t, err, accounts.ErrEmailFormat, "%q", bad)
		assert.NotContains(t, err.Error(), "owner")
	}
	for _, empty := range []string{"", "   "} {
		_, err := accounts.ParseEmail(empty)
		assert.ErrorIs(t, err, accounts.ErrEmailRequired)
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{"owner@example.com", "A@b.c", `"x"@y.z`, "a@b", "é@x.y", "a@b.c\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := accounts.ParseEmail(s)
		if err != nil {
			return
		}
		again, err := accounts.ParseEmail(e.Canonical())
		require.NoError(t, err, "the canonical form is an address")
		require.Equal(t, e.Canonical(), again.Canonical(), "and its own canonical form")
		require.NotContains(t, e.String(), "\n")
		b, err := json.Marshal(e)
		require.NoError(t, err)
		var back accounts.Email
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, e, back)
	})
}

func TestAddressesInJSON(t *testing.T) {
	var e accounts.Email
	require.NoError(t, json.Unmarshal([]byte(`""`), &e))
	assert.True(t, e.IsZero())
	err := json.Unmarshal([]byte(`"not an address"`), &e)
	assert.ErrorIs(t, err, accounts.ErrEmailFormat)
}

// Rules: G29
func TestUsernames(t *testing.T) {
	for _, ok := range []string{"house_owner", "admin", "installer_1", "x"} {
		assert.NoError(t, accounts.CheckUsername(ok), ok)
	}
	for _, bad := range []string{"", "Staff", "a-b", "a.b", "a b", "é", "a\n", strings.Repeat("a", 65)} {
		assert.ErrorIs(t, accounts.CheckUsername(bad), accounts.ErrUsernameFormat, "%q", bad)
	}
}

// Rules: G38
func TestPhones(t *testing.T) {
	for _, ok := range []string{"+1234567890", "+4915112345678"} {
		assert.NoError(t, accounts.CheckPhone(ok), ok)
	}
	for _, bad := range []string{"", "+", "123", "0123", "+0123456789", "1234567890", "+12345abc", "+1 234 567 890", "+1234567890123456", "+1234567890\n"} {
		assert.ErrorIs(t, accounts.CheckPhone(bad), accounts.ErrPhoneFormat, "%q", bad)
	}
}
