package main

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// A holder opens the page as often as they like and taps once: the code is shown, and opens.
//
// Rules: G213
func TestAHolderCollectsACodeOnAPage(t *testing.T) {
	visit(t, func(b *browser) {
		_, page := b.get(b.user + "/4")
		require.NotContains(t, page, "Hand a new code over", "the cleaner has no account")
		b.app.panel.Fault(paneltest.Fault{Do: paneltest.Away})
		b.shows(b.user, "not connected")
		res, page := b.post("2", "handover", url.Values{})
		require.Equal(t, http.StatusOK, res.StatusCode)
		word := regexp.MustCompile(`<code class="word">([^<]+)</code>`).FindStringSubmatch(page)
		require.NotNil(t, word)
		tap := func(word string) (reply, string) { return b.submit("/collect", url.Values{"word": {word}}) }
		for range 3 {
			_, page = b.get("/collect")
			require.Contains(t, page, "Show my code")
			res, page = tap(word[1])
			require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
			require.Contains(t, page, "does not have the code yet")
		}
		b.shows(b.user+"/2", "for the panel to confirm it")
		b.app.panel.Fault(paneltest.Fault{Do: paneltest.Back})
		b.shows(b.user+"/2", "A new code waits for its holder.")
		res, _ = tap(word[1] + "X")
		require.Equal(t, http.StatusForbidden, res.StatusCode)
		res, page = tap(" " + word[1] + " ")
		require.Equal(t, http.StatusOK, res.StatusCode)
		code := regexp.MustCompile(`<strong class="word">(\d+)</strong>`).FindStringSubmatch(page)
		require.NotNil(t, code)
		require.True(t, b.app.panel.Accepts(code[1]))
		res, page = tap(word[1])
		require.Equal(t, http.StatusForbidden, res.StatusCode)
		require.NotContains(t, page, code[0])
		b.shows(b.user+"/2", "Its holder has seen the code.")
	})
}
