package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations" // its tables
	"github.com/pocketbase/pocketbase/tools/security"
)

// pocketBase is PocketBase over its own SQLite file, asked through its HTTP handlers, with
// one user whose password is the right one.
type pocketBase struct {
	ctx     context.Context //nolint:containedctx // lives inside one call of run
	app     *core.BaseApp
	handler http.Handler
	users   *core.Collection
}

func openPocketBase(ctx context.Context, dir string) (*pocketBase, error) {
	dir, err := os.MkdirTemp(dir, "pocketbase-")
	if err != nil {
		return nil, err
	}
	p := &pocketBase{ctx: ctx, app: core.NewBaseApp(core.BaseAppConfig{DataDir: dir})}
	if err := p.app.Bootstrap(); err != nil {
		return nil, err
	}
	if err := p.app.RunAllMigrations(); err != nil {
		return nil, err
	}
	p.app.Settings().Logs.MaxDays = 0 // its request log writes behind our back
	if p.users, err = p.app.FindCollectionByNameOrId("users"); err != nil {
		return nil, err
	}
	p.users.OTP.Enabled = true
	if err := p.app.Save(p.users); err != nil {
		return nil, err
	}
	if _, err := p.user("owner@example.com", right); err != nil {
		return nil, err
	}
	router, err := apis.NewRouter(p.app)
	if err != nil {
		return nil, err
	}
	p.handler, err = router.BuildMux()
	return p, err
}

// close ends it. What it could not close goes with its folder.
func (p *pocketBase) close() { _ = p.app.ResetBootstrapState() }

func (p *pocketBase) user(email, password string) (*core.Record, error) {
	u := core.NewRecord(p.users)
	u.SetEmail(email)
	u.SetPassword(password)
	return u, p.app.Save(u)
}

// post asks its API and returns the status.
func (p *pocketBase) post(path string, from netip.Addr, body map[string]string) int {
	text, _ := json.Marshal(body) // of strings, it cannot fail
	r := httptest.NewRequestWithContext(p.ctx, http.MethodPost, "/api/collections/users/"+path, bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = netip.AddrPortFrom(from, 4000).String()
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w.Code
}

func local() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

func (p *pocketBase) signIn(email, password string, from netip.Addr) int {
	return p.post("auth-with-password", from, map[string]string{"identity": email, "password": password})
}

// oneCode lets many use one of its one-time passwords at once.
func (p *pocketBase) oneCode(rounds, racers int) (winners, error) {
	var w winners
	for round := range rounds {
		u, err := p.user(fmt.Sprintf("owner%d@example.com", round), right)
		if err != nil {
			return w, err
		}
		code := core.NewOTP(p.app)
		code.SetCollectionRef(p.users.Id)
		code.SetRecordRef(u.Id)
		code.SetPassword("31415926")
		if err := p.app.Save(code); err != nil {
			return w, err
		}
		w.add(atOnce(racers, func(int) bool {
			return p.post("auth-with-otp", local(), map[string]string{"otpId": code.Id, "password": "31415926"}) == http.StatusOK
		}))
	}
	return w, nil
}

// guess sends wrong passwords at once under its own limit, and returns how many were
// compared.
func (p *pocketBase) guess(n int, from func(i int) netip.Addr) (int, error) {
	p.app.Settings().RateLimits = core.RateLimitsConfig{Enabled: true, Rules: []core.RateLimitRule{{Label: "*:authWithPassword", MaxRequests: 5, Duration: 60}}}
	if err := p.app.Save(p.app.Settings()); err != nil {
		return 0, err
	}
	return atOnce(n, func(i int) bool {
		return p.signIn("owner@example.com", wrong, from(i)) != http.StatusTooManyRequests
	}), nil
}

// try sends one wrong password.
func (p *pocketBase) try(email string) op {
	return func() error {
		if code := p.signIn(email, wrong, local()); code != http.StatusBadRequest {
			return fmt.Errorf("PocketBase answers %d", code)
		}
		return nil
	}
}

// suffix gives a user the longest beginning of a password that it takes, and signs in with
// more than that.
func (p *pocketBase) suffix(long string) (string, error) {
	for n := len(long); n > 0; n-- {
		email := fmt.Sprintf("long%d@example.com", n)
		if _, err := p.user(email, long[:n]); err != nil {
			continue // too long for it
		}
		in := p.signIn(email, long[:n]+"suffix", local()) == http.StatusOK
		return fmt.Sprintf("%s, of %d bytes", letIn(in), n), nil
	}
	return "", fmt.Errorf("PocketBase takes no password")
}

// pocketDigits is the chi-square of digits that its generator draws.
func pocketDigits(codes, digits int) float64 {
	return chiSquare(security.RandomStringWithAlphabet(codes*digits, "1234567890"))
}
