package signin_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

var update = flag.Bool("update", false, "write testdata/transcripts.golden anew")

// Every change that signing in makes, by what is done: what it writes, what it rests on,
// and its entries.
func TestTranscripts(t *testing.T) {
	var all strings.Builder
	w := newWorld(t, func(c *setup) { c.accounts.SetByOperator = true })
	step := func(name string, err error) {
		require.NoError(t, err, name)
		fmt.Fprintf(&all, "== %s\n%s\n", name, strings.Join(w.wrote(), "--\n"))
	}
	a, gateway := w.invite("tower"), w.owner("gateway", service)
	code := w.code("tower")
	w.wrote()
	step("the first password", w.signin.SetPassword(t.Context(), signin.NewPassword{Name: "tower", Code: code, Password: first, From: home}))
	_, err := w.try("tower", wrong)
	require.Error(t, err)
	step("a wrong password", nil)
	_, err = w.try("stranger", wrong)
	require.Error(t, err)
	step("a stranger", nil)
	r := w.in("tower", remember)
	step("a sign-in on a device that is remembered", nil)
	token, err := w.hands(r.Token).StepUp(t.Context(), signin.Password, otp.Answer{}, first)
	step("a fresh factor", err)
	o := w.hands(token)
	secret, err := o.EnrolApp(t.Context())
	step("an app is shown", err)
	codes, token, err := o.ConfirmApp(t.Context(), shown(secret, time.Now()))
	step("an app is proven", err)
	c := w.challenged("tower")
	step("the password before a second factor", nil)
	_, err = w.signin.Send(t.Context(), c.Token, signin.SMS)
	step("a code is sent", err)
	_, err = w.answer(c, signin.App, otp.AnswerOf("wrong"))
	require.Error(t, err)
	step("a wrong code", nil)
	_, err = w.answer(c, signin.Recovery, codes[0])
	step("a recovery code", err)
	c = w.challenged("tower")
	_, err = w.signin.Send(t.Context(), c.Token, signin.SMS)
	require.NoError(t, err)
	text := w.text()
	w.wrote()
	_, err = w.answer(c, signin.SMS, text)
	step("a code by text message", err)
	token, err = w.hands(token).ChangePassword(t.Context(), first, second)
	step("the owner changes the password", err)
	step("the owner signs out", w.signin.SignOut(t.Context(), token))
	w.work() // the owner is told of the changes
	w.wrote()
	step("a new password is asked for", w.signin.Forgot(t.Context(), "tower@example.com", home))
	code = w.code("tower")
	step("and the code is mailed", nil)
	step("a new password", w.signin.SetPassword(t.Context(), signin.NewPassword{Name: "tower", Code: code, Password: first, From: home}))
	step("an operator requires a second factor", w.op.RequireFactor(t.Context(), a.ID, true))
	step("an operator takes the app off", w.op.ResetFactors(t.Context(), a.ID))
	step("an operator sets a password", w.op.SetPassword(t.Context(), a.ID, password.Of("Silver-Harbours-3")))
	step("an operator ends the sessions", w.op.EndSessions(t.Context(), a.ID))
	_, err = w.op.IssueToken(t.Context(), gateway.ID, signin.NewToken{Rights: accounts.RightsOf(accounts.EquipmentView)})
	step("a token", err)
	list, err := w.op.Tokens(t.Context(), gateway.ID)
	require.NoError(t, err)
	_, err = w.op.RotateToken(t.Context(), gateway.ID, list[0].ID)
	step("a token is replaced", err)
	step("a token is ended", w.op.EndToken(t.Context(), gateway.ID, list[0].ID))

	const golden = "testdata/transcripts.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(all.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), all.String())
}
