package httpanchor_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/audit/httpanchor"
)

const origin = "example.com/log"

var began = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func logKey(t *testing.T) audit.SigningKey {
	t.Helper()
	k, err := audit.GenerateKey(origin)
	require.NoError(t, err)
	return k
}

func sign(t *testing.T, k audit.SigningKey, size int64, root [32]byte) []byte {
	t.Helper()
	text, err := audit.SignCheckpoint(origin, size, root, k)
	require.NoError(t, err)
	return text
}

func serve(t *testing.T, h http.HandlerFunc) (server *httptest.Server, reach httpanchor.Reach) {
	t.Helper()
	server = httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, httpanchor.Reach{Private: true, Roots: roots}
}

const planted = "planted secret of a webhook, 32b."

func secret(t *testing.T) httpanchor.Secret {
	t.Helper()
	s, err := httpanchor.SecretOf([]byte(planted))
	require.NoError(t, err)
	return s
}

// Rules: R254
func TestAWebhookGetsSignedCheckpoints(t *testing.T) {
	k, s := logKey(t), secret(t)
	var mu sync.Mutex
	var got []string
	ids := map[string]bool{}
	answer := http.StatusNoContent
	server, reach := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.NoError(t, httpanchor.CheckWebhook(s, r.Header, body, began.Add(4*time.Minute)))
		assert.ErrorIs(t, httpanchor.CheckWebhook(s, r.Header, body, began.Add(6*time.Minute)), httpanchor.ErrSignature)
		assert.ErrorIs(t, httpanchor.CheckWebhook(s, r.Header, append(body, ' '), began), httpanchor.ErrSignature)
		other := r.Header.Clone()
		other.Set("Webhook-Id", "another")
		assert.ErrorIs(t, httpanchor.CheckWebhook(s, other, body, began), httpanchor.ErrSignature)
		assert.ErrorIs(t, httpanchor.CheckWebhook(httpanchor.Secret{}, r.Header, body, began), httpanchor.ErrSignature)
		if answer < 300 {
			got = append(got, string(body))
		}
		ids[r.Header.Get("Webhook-Id")] = true
		w.WriteHeader(answer)
	})
	a, err := httpanchor.NewWebhook(httpanchor.WebhookOptions{URL: server.URL + "/hook", Secret: s, Reach: reach})
	require.NoError(t, err)
	_, err = a.Latest(t.Context())
	require.ErrorIs(t, err, audit.ErrNoAnchor)

	first, second := sign(t, k, 1, [32]byte{1}), sign(t, k, 2, [32]byte{2})
	require.NoError(t, a.Put(t.Context(), first, began))
	answer = http.StatusInternalServerError
	require.ErrorIs(t, a.Put(t.Context(), second, began), httpanchor.ErrRefused)
	last, err := a.Latest(t.Context())
	require.NoError(t, err)
	require.Equal(t, first, last.Text, "what was refused is not anchored")
	answer = http.StatusOK
	require.NoError(t, a.Put(t.Context(), second, began))
	require.Len(t, ids, 2, "a message that is sent again keeps its id")
	require.ErrorIs(t, a.Put(t.Context(), first, began), audit.ErrAnchorFork)
	require.Equal(t, []string{string(first), string(second)}, got)
	last, err = a.Latest(t.Context())
	require.NoError(t, err)
	require.Equal(t, audit.Anchored{At: began, Text: second}, last)
}

// An address that somebody typed leads nowhere inside, and a redirection leads nowhere.
//
// Rules: R248
func TestOutgoingCallsStayOutside(t *testing.T) {
	called := 0
	inside, reach := serve(t, func(http.ResponseWriter, *http.Request) { called++ })
	put := func(url string, reach httpanchor.Reach) error {
		a, err := httpanchor.NewWebhook(httpanchor.WebhookOptions{URL: url, Secret: secret(t), Reach: reach})
		require.NoError(t, err)
		return a.Put(t.Context(), sign(t, logKey(t), 1, [32]byte{}), began)
	}
	outside := reach
	outside.Private = false
	require.ErrorIs(t, put(inside.URL, outside), httpanchor.ErrAddress)
	for _, host := range []string{"127.0.0.1", "[::1]", "10.1.2.3", "192.168.1.1", "172.16.0.9", "169.254.169.254", "[fe80::1]", "[fd00::1]", "0.0.0.0",
		"100.64.0.1", "[::ffff:127.0.0.1]", "[2001:db8::1]", "[64:ff9b::a00:1]", "203.0.113.9", "224.0.0.1"} {
		require.ErrorIs(t, put("https://"+host+":9/", outside), httpanchor.ErrAddress, host)
	}
	moved, movedReach := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL, http.StatusTemporaryRedirect)
	})
	require.ErrorIs(t, put(moved.URL, movedReach), httpanchor.ErrRefused)
	require.Zero(t, called)

	for _, url := range []string{"http://example.com", "ftp://example.com", "https://", "https://user:pass@example.com", "https://example.com/#x", "%"} {
		_, err := httpanchor.NewWebhook(httpanchor.WebhookOptions{URL: url, Secret: secret(t)})
		require.ErrorIs(t, err, httpanchor.ErrURL, url)
		_, err = httpanchor.NewWitness(httpanchor.WitnessOptions{URL: url})
		require.ErrorIs(t, err, httpanchor.ErrURL, url)
	}
	_, err := httpanchor.NewWebhook(httpanchor.WebhookOptions{URL: "https://example.com"})
	require.ErrorIs(t, err, httpanchor.ErrSecret)
	_, err = httpanchor.NewWitness(httpanchor.WitnessOptions{URL: "https://example.com"})
	require.ErrorIs(t, err, audit.ErrKey)
}

// Rules: R193
func TestTheSecretOfAWebhookDoesNotPrint(t *testing.T) {
	s := secret(t)
	text, err := json.Marshal(map[string]any{"secret": s, "options": httpanchor.WebhookOptions{Secret: s}})
	require.NoError(t, err)
	out := fmt.Sprintf("%s %v %+v %#v %x %+v", text, s, s, s, s, httpanchor.WebhookOptions{Secret: s})
	require.NotContains(t, out, planted)
	require.NotContains(t, out, fmt.Sprintf("%x", planted))
	_, err = httpanchor.SecretOf([]byte("short"))
	require.ErrorIs(t, err, httpanchor.ErrSecret)

	server, reach := serve(t, func(http.ResponseWriter, *http.Request) {})
	server.Close()
	a, err := httpanchor.NewWebhook(httpanchor.WebhookOptions{URL: server.URL + "/path-is-a-secret", Secret: s, Reach: reach})
	require.NoError(t, err)
	err = a.Put(t.Context(), sign(t, logKey(t), 1, [32]byte{}), began)
	require.ErrorIs(t, err, httpanchor.ErrRefused)
	require.NotContains(t, err.Error(), "path-is-a-secret")
}

// A receiver that never answers does not hold the log's upkeep up.
//
// Rules: R254
func TestASilentReceiverIsGivenUp(t *testing.T) {
	release := make(chan struct{})
	server, reach := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	reach.Timeout = 50 * time.Millisecond
	a, err := httpanchor.NewWebhook(httpanchor.WebhookOptions{URL: server.URL, Secret: secret(t), Reach: reach})
	require.NoError(t, err)
	err = a.Put(t.Context(), sign(t, logKey(t), 1, [32]byte{}), began)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, err, httpanchor.ErrRefused)
	require.NotContains(t, a.Name(), "https")
}
