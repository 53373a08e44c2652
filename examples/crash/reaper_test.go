package main

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// A few kills under people who use their accounts, with two beginnings; the command's
// flags -accounts -n 50 give more.
//
// Rules: R194, R238
func TestNoSecretOfAnAccountWorksTwiceWhoeverDies(t *testing.T) {
	t.Parallel()
	for name, seed := range map[string]uint64{"one": 1, "another": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 8
			if testing.Short() {
				n = 4
			}
			var out bytes.Buffer
			figures, err := runAccounts(t.Context(), options{n: n, seed: seed, accounts: true, dir: t.TempDir(), out: &out})
			require.NoError(t, err)
			assert.Equal(t, n, figures.kills)
			assert.Positive(t, figures.replays, "something used up was tried again")
			assert.Positive(t, figures.removed)
			assert.Positive(t, figures.sessions)
			assert.Positive(t, figures.mails)
			assert.Positive(t, figures.unheard+figures.undone, "something was under way at a kill")
			for _, what := range []string{setPassword, signIn, issueToken, remove} {
				assert.Positive(t, figures.did[what], what)
			}
		})
	}
}

// Each check fails when what it looks for is there.
func TestChecksOfAccountsCanFail(t *testing.T) {
	for name, x := range map[string]struct {
		spoil func(t *testing.T, r *reaper, p *person, d *reception)
		want  string
	}{
		"acknowledged and lost": {func(_ *testing.T, _ *reaper, p *person, _ *reception) {
			p.done[audit.AccountSuspended]++
		}, "account.suspended took place 1 times, and the log has 0"},
		"an act of nobody": {func(t *testing.T, _ *reaper, p *person, d *reception) {
			d.told(t, order{Do: requireFactor, Account: p.id})
		}, "account.factor.required took place 0 times, and the log has 1"},
		"half of what was under way": {func(t *testing.T, _ *reaper, p *person, d *reception) {
			d.told(t, order{Do: requireFactor, Account: p.id})
			p.under = &deed{order: order{Do: requireFactor}, entries: []audit.Action{audit.FactorRequired, audit.SessionEnded}}
		}, "account.factor.required took place 0 times, and the log has 1"},
		"a session without its entry": {func(t *testing.T, _ *reaper, p *person, d *reception) {
			d.put(t, rec.Sessions.Key("stray"), `{"account":"`+string(p.id)+`","methods":["password"]}`)
		}, "signin stray has 0 entries"},
		"an account that is half removed": {func(t *testing.T, r *reaper, p *person, d *reception) {
			d.told(t, order{Do: remove, Account: p.id, Email: p.email()})
			d.put(t, rec.Logins.Key(string(p.id)), `{}`)
			p.done[audit.AccountRemoved]++
			p.bury()
		}, "was removed, and something of it is left"},
		"an account that was not removed": {func(_ *testing.T, r *reaper, p *person, _ *reception) {
			r.graves = append(r.graves, &grave{id: p.id, email: p.email(), done: p.done, exact: p.exact()})
		}, "was removed, and its status is <nil>"},
		"a message that nobody posted": {func(t *testing.T, r *reaper, _ *person, _ *reception) {
			r.send(t, "stray")
		}, "a message was sent, and no entry is about it"},
		"a message that came twice": {func(t *testing.T, r *reaper, p *person, d *reception) {
			require.NoError(t, r.log.read(t.Context(), d.db.Main()))
			for id := range r.log.posted {
				r.send(t, id)
				r.send(t, id)
			}
		}, "a message was sent 2 times and is not marked"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := newReaper(t.Context(), options{seed: 1, accounts: true, dir: t.TempDir()})
			require.NoError(t, err)
			t.Cleanup(r.server.Close)
			mail, err := mailer(r.mail)
			require.NoError(t, err)
			d, err := openReception(t.Context(), r.options, dsc.Options{}, mail)
			require.NoError(t, err)
			p := r.crowd[0]
			p.id = d.told(t, order{Do: create, Email: p.email()}).Account
			p.done[audit.AccountCreated] = 1
			require.NoError(t, r.look(t.Context(), false))
			x.spoil(t, r, p, d)
			require.NoError(t, d.close())
			err = r.look(t.Context(), false)
			require.ErrorIs(t, err, errViolation)
			require.ErrorContains(t, err, x.want)
		})
	}
}

// told has something done by a process that nobody kills.
func (r *reception) told(t *testing.T, o order) answer {
	t.Helper()
	a := r.obey(t.Context(), o)
	require.Empty(t, a.Refused+a.Failed, o.Do)
	return a
}

// put stores a record past everything that decides.
func (r *reception) put(t *testing.T, key store.Key, body string) {
	t.Helper()
	_, err := r.db.SQL().ExecContext(t.Context(), "INSERT INTO kh_records SELECT tenant, ?, ?, 1, ?, '' FROM kh_records LIMIT 1", string(key.Kind), key.ID, body)
	require.NoError(t, err)
}

// send sends a message past everything that posts.
func (r *reaper) send(t *testing.T, id string) {
	t.Helper()
	m, err := mailer(r.mail)
	require.NoError(t, err)
	l := letter("reset", "12345678")
	l.ID, l.To = id, "owner@example.com"
	_, err = m.Send(t.Context(), l)
	require.NoError(t, err)
}

// What was used up and works is found, and so is what should work and does not.
func TestAnswersAreJudged(t *testing.T) {
	for name, x := range map[string]struct {
		deed deed
		said answer
		want string
	}{
		"used up, and works":  {deed{order: order{Do: setPassword}, spent: true}, answer{}, "set password worked with something that was used up"},
		"right, and refused":  {deed{order: order{Do: signIn}, sure: true}, answer{Refused: "no"}, "sign in was refused: no"},
		"a failure":           {deed{order: order{Do: signIn}, spent: true}, answer{Failed: "disk"}, "sign in failed: disk"},
		"used up, and so not": {deed{order: order{Do: setPassword}, spent: true}, answer{Refused: "no"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &reaper{accountTotals: accountTotals{did: map[string]int{}}}
			p := newPerson(r, 0)
			orders, to := io.Pipe()
			from, answers := io.Pipe()
			w := newWire(to)
			var process sync.WaitGroup
			process.Go(func() {
				var o order
				assert.NoError(t, json.NewDecoder(orders).Decode(&o))
				x.said.Number = o.Number
				assert.NoError(t, json.NewEncoder(answers).Encode(x.said))
				assert.NoError(t, answers.Close())
			})
			process.Go(func() { assert.NoError(t, w.listen(from)) })
			err := p.do(t.Context(), w, x.deed)
			process.Wait()
			if x.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, errViolation)
			require.ErrorContains(t, err, x.want)
		})
	}
}
