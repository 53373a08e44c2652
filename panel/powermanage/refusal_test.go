package powermanage_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage/powermanagesim"
)

// answers are the rows of the server's table of errors, and what a read of the users, a
// write of a code and a login make of each. ok stands for one that signing in anew cures.
var answers = []struct {
	name   string
	status int
	body   string
	is     error // whatever is asked
	read   error
	write  error // of the line, nil: of the field
	field  error
	login  error
	after  time.Duration
}{
	{"bad request", 400, `{"error":10001,"error_reason_code":"BadRequestParams","extras":[{"key":"user_code","value":"incorrect"}]}`,
		powermanage.ErrBadRequest, panel.ErrProtocol, nil, panel.ErrRefused, panel.ErrSecret, 0},
	{"already granted", 400, `{"error":10001,"error_reason_code":"BadRequestParams","extras":[{"key":"email","value":"already_granted"}]}`,
		powermanage.ErrAlreadyGranted, panel.ErrProtocol, nil, panel.ErrRefused, panel.ErrSecret, 0},
	{"already linked", 400, `{"error":10001,"error_reason_code":"BadRequestParams","extras":[{"key":"panel_serial","value":"already_linked"}]}`,
		powermanage.ErrAlreadyLinked, panel.ErrProtocol, nil, panel.ErrRefused, panel.ErrSecret, 0},
	{"wrong combination", 400, `{"error":10004,"error_reason_code":"WrongCombination","extras":[{"key":"email","value":"wrong_combination"}]}`,
		powermanage.ErrCombination, panel.ErrSecret, panel.ErrSecret, nil, panel.ErrSecret, 0},
	{"wrong user code", 400, `{"error":10021,"error_reason_code":"WrongUserCode","extras":[]}`,
		powermanage.ErrUserCode, panel.ErrSecret, panel.ErrSecret, nil, panel.ErrSecret, 0},
	{"not connected", 400, `{"error":400,"error_reason_code":"PanelNotConnected"}`,
		powermanage.ErrNotConnected, panel.ErrUnreachable, panel.ErrUnreachable, nil, panel.ErrUnreachable, 0},
	{"stale session", 400, `{"error":400,"error_message":"Unable to recognize session token","error_reason_code":"InvalidRequestFormat"}`,
		powermanage.ErrStaleSession, panel.ErrUnreachable, panel.ErrUnreachable, nil, panel.ErrSecret, 0},
	{"stale user token", 401, ``, powermanage.ErrUserToken, panel.ErrUnreachable, panel.ErrUnreachable, nil, panel.ErrSecret, 0},
	{"login required", 403, `{"error":10002,"error_reason_code":"UserAuthRequired"}`,
		powermanage.ErrAuthRequired, panel.ErrUnreachable, panel.ErrUnreachable, nil, panel.ErrSecret, 0},
	{"not allowed", 403, `{"error":10010,"error_reason_code":"NotAllowed"}`,
		powermanage.ErrNotAllowed, panel.ErrSecret, nil, panel.ErrRefused, panel.ErrSecret, 0},
	{"no such call", 404, ``, powermanage.ErrEndpoint, panel.ErrProtocol, nil, panel.ErrUnsupported, panel.ErrProtocol, 0},
	{"login blocked", 420, `{"error":10020,"error_reason_code":"LoginTemporaryBlocked","extras":[{"key":"timeout","value":97}]}`,
		powermanage.ErrLoginBlocked, panel.ErrBlocked, panel.ErrBlocked, nil, panel.ErrBlocked, 97 * time.Second},
	{"login blocked, seconds as text", 420, `{"error":10020,"extras":[{"key":"timeout","value":"31"}]}`,
		powermanage.ErrLoginBlocked, panel.ErrBlocked, panel.ErrBlocked, nil, panel.ErrBlocked, 31 * time.Second},
	{"login blocked without a number", 420, ``, powermanage.ErrLoginBlocked, panel.ErrBlocked, panel.ErrBlocked, nil, panel.ErrBlocked, 0},
	{"session not found", 440, ``, powermanage.ErrStaleSession, panel.ErrUnreachable, panel.ErrUnreachable, nil, panel.ErrSecret, 0},
	{"too many logins", 442, ``, powermanage.ErrLoginAttempts, panel.ErrSecret, panel.ErrSecret, nil, panel.ErrSecret, 0},
	{"wrong code by status", 444, ``, powermanage.ErrUserCode, panel.ErrSecret, panel.ErrSecret, nil, panel.ErrSecret, 0},
	{"server failed", 500, `<html>`, powermanage.ErrServer, panel.ErrUnreachable, panel.ErrUnreachable, nil, panel.ErrUnreachable, 0},
	{"too many requests", 429, ``, powermanage.ErrCrowded, panel.ErrBusy, panel.ErrBusy, nil, panel.ErrBusy, 0},
	{"redirection", 302, ``, powermanage.ErrRedirect, panel.ErrProtocol, panel.ErrProtocol, nil, panel.ErrProtocol, 0},
	{"a number that nobody published", 418, `{"error":12345}`, nil, panel.ErrProtocol, nil, panel.ErrRefused, panel.ErrSecret, 0},
}

func told(t *testing.T, err error, want, is error, after time.Duration) {
	t.Helper()
	require.ErrorIs(t, err, want)
	if is != nil {
		assert.ErrorIs(t, err, is)
	}
	later, ok := errors.AsType[*panel.Later](err)
	assert.Equal(t, after > 0, ok, "a wait is told exactly where the server told one")
	if ok {
		assert.Equal(t, after, later.After)
	}
	silent(t, err)
}

// Rules: D27, S23
func TestEveryErrorOfTheServerHasItsOwn(t *testing.T) {
	for _, a := range answers {
		t.Run(a.name+"/read", func(t *testing.T) {
			in(t, func(k *rig) {
				s := k.open()
				k.at("users", a.status, a.body)
				_, err := k.read(s)
				told(t, err, a.read, a.is, a.after)
			})
		})
		t.Run(a.name+"/write", func(t *testing.T) {
			in(t, func(k *rig) {
				k.seat(4, "8675", "Side")
				s := k.open()
				k.at("set_user_code", a.status, a.body)
				o, err := k.apply(s, change(t, 4, "6180"))
				if a.write != nil {
					told(t, err, a.write, a.is, a.after)
					assert.Equal(t, a.status == 500, o.Unsure.Has(panel.FieldCode), "only a server that fails may have written")
				} else {
					require.NoError(t, err)
					told(t, o.Refused[panel.FieldCode], a.field, a.is, 0)
				}
				assert.Equal(t, "8675", k.code(4))
				silent(t, o)
			})
		})
		for _, path := range []string{"auth", "panel/login"} {
			t.Run(a.name+"/"+path, func(t *testing.T) {
				in(t, func(k *rig) {
					k.at(path, a.status, a.body)
					_, err := k.driver.Open(k.t.Context(), target())
					told(t, err, a.login, a.is, a.after)
					assert.Equal(t, 1, k.calls(path), "a refused secret is presented once")
				})
			})
		}
	}
}

// A server may say how long it wants to be left alone, within reason.
func TestWaitsAreHonouredAndBounded(t *testing.T) {
	in(t, func(k *rig) {
		s := k.open()
		k.over = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		_, err := k.read(s)
		told(t, err, panel.ErrUnreachable, powermanage.ErrServer, 30*time.Second)
		k.at("users", 420, `{"error":10020,"extras":[{"key":"timeout","value":1e300}]}`)
		_, err = k.read(s)
		told(t, err, panel.ErrBlocked, powermanage.ErrLoginBlocked, 24*time.Hour)
	})
}

// Rules: D27
func TestRefusedSecretsArePresentedOnce(t *testing.T) {
	wrong := func(name string) panel.Target {
		to := target()
		to.Routes[powermanage.Route].Secrets[name] = panel.SecretOf("6180")
		return to
	}
	for _, c := range []struct {
		name, secret    string
		quirk           string
		accounts, panel int
		want            error
	}{
		{"password", powermanage.PasswordSecret, "", 1, 0, powermanage.ErrCombination},
		{"e-mail", powermanage.EmailSecret, "", 1, 0, powermanage.ErrCombination},
		{"master code", panel.MasterSecret, "", 1, 1, powermanage.ErrUserCode},
		{"master code, by status", panel.MasterSecret, powermanagesim.WrongIs444, 1, 1, powermanage.ErrUserCode},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, func(k *rig) {
				if c.quirk != "" {
					require.True(t, k.sim.Quirk(c.quirk, true))
				}
				_, err := k.driver.Open(k.t.Context(), wrong(c.secret))
				told(t, err, panel.ErrSecret, c.want, 0)
				got := k.sim.Logins()
				assert.Equal(t, powermanagesim.Logins{Accounts: c.accounts, Panels: c.panel}, got)
			})
		})
	}
}

// A panel that the account does not have gets no code: the server would count it.
func TestForeignPanelsGetNoCode(t *testing.T) {
	in(t, func(k *rig) {
		to := target()
		to.Ident = "FFFFFF"
		_, err := k.driver.Open(k.t.Context(), to)
		told(t, err, panel.ErrIdentity, powermanage.ErrPanelNotListed, 0)
		assert.Zero(t, k.sim.Logins().Panels)
		to.Ident = ""
		_, err = k.driver.Open(k.t.Context(), to)
		require.ErrorIs(t, err, panel.ErrIdentity)
	})
	run(t, powermanagesim.Options{}, powermanage.Options{Model: powermanage.NeoR()}, func(k *rig) {
		_, err := k.driver.Open(k.t.Context(), target())
		told(t, err, panel.ErrIdentity, powermanage.ErrFamily, 0)
		assert.Zero(t, k.sim.Logins().Panels)
	})
}
