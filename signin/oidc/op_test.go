package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// The client, as it is registered at the provider.
const (
	clientID     = "keyholder"
	clientSecret = "planted-client-secret"
)

// provider is an OpenID provider on loopback TLS: discovery, keys, the authorization and the
// token endpoint of the code flow with PKCE. Whoever comes is who user says, without being
// asked.
type provider struct {
	*httptest.Server
	key *ecdsa.PrivateKey

	mu    sync.Mutex
	user  map[string]any                     // claims about whoever signs in
	edit  func(claims map[string]any)        // what a false provider says
	token func(claims map[string]any) string // how it signs, nil: with its key
	deny  string                             // an error instead of a code
	again bool                               // a code works twice
	codes map[string]url.Values              // requests, by the code that was given for them
	asked url.Values                         // the last of them
}

func newProvider() *provider {
	p := &provider{key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), codes: map[string]url.Values{}, user: map[string]any{"sub": "subject-1", "auth_time": time.Now().Unix()}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discover)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.exchange)
	p.Server = httptest.NewTLSServer(mux)
	return p
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (p *provider) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (p *provider) discover(w http.ResponseWriter, _ *http.Request) {
	p.answer(w, http.StatusOK, map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"}})
}

func (p *provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	p.asked = q
	back := url.Values{"state": {q.Get("state")}, "iss": {p.URL}}
	if p.deny != "" {
		back.Set("error", p.deny)
	} else {
		code := rand.Text()
		p.codes[code] = q
		back.Set("code", code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (p *provider) exchange(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	code := r.PostFormValue("code")
	q, found := p.codes[code]
	id, secret, basic := r.BasicAuth()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	if !found || !basic || id != clientID || secret != clientSecret || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") != challenge ||
		r.PostFormValue("redirect_uri") != q.Get("redirect_uri") {
		p.answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	if !p.again {
		delete(p.codes, code)
	}
	now := time.Now()
	claims := map[string]any{"iss": p.URL, "aud": q.Get("client_id"), "nonce": q.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(claims, p.user)
	if p.edit != nil {
		p.edit(claims)
	}
	sign := p.token
	if sign == nil {
		sign = func(claims map[string]any) string { return signed(jose.ES256, p.key, claims) }
	}
	p.answer(w, http.StatusOK, map[string]any{"access_token": "unused", "token_type": "Bearer", "id_token": sign(claims)})
}

// signed is a token under a key.
func signed(alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	s := must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil))
	return must(jwt.Signed(s).Claims(claims).Serialize())
}

// unsigned is a token that names the algorithm none.
func unsigned(claims map[string]any) string {
	body := must(json.Marshal(claims))
	return strings.Join([]string{base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"1"}`)), base64.RawURLEncoding.EncodeToString(body), ""}, ".")
}

func otherKey() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }
