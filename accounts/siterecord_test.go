package accounts_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// Rules: S36
func TestASitesNameAndURLAreChecked(t *testing.T) {
	for _, good := range []accounts.Site{{Name: "north"}, {Name: "north_2", Label: "North", URL: "https://north.example.com:8443/panel", Enabled: true},
		{Name: "n", URL: "http://192.0.2.1", Label: strings.Repeat("x", 256)}} {
		assert.NoError(t, good.Check(), good)
	}
	for _, bad := range []accounts.Site{{}, {Name: "North"}, {Name: "a b"}, {Name: strings.Repeat("n", 65)}, {Name: "n", Label: strings.Repeat("x", 257)},
		{Name: "n", URL: "north.example.com"}, {Name: "n", URL: "javascript:alert(1)"}, {Name: "n", URL: "https://"}, {Name: "n", URL: "https://me:secret@example.com"},
		{Name: "n", URL: "https://example.com/" + strings.Repeat("x", 256)}, {Name: "n", URL: "http://[::1"}} {
		assert.ErrorIs(t, bad.Check(), accounts.ErrSiteForm, bad)
	}
}
