package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
)

// habit is how a person gets an account and signs in.
type habit struct {
	add     string // the order by which the account is made
	forgets bool   // asks for a new password without an operator
	byMail  bool   // has a code by mail as the second factor
	byApp   bool   // has an authenticator app
}

// habits are what there is; person n has the one with the number n.
var habits = []habit{
	{add: create},
	{add: register, forgets: true},
	{add: create, byMail: true},
	{add: register, byApp: true},
	{add: createService},
	{add: issueVisitor},
	{add: create, byApp: true},
	{add: create},
}

// deed is an order of which one can see whether it was done.
type deed struct {
	order
	entries []audit.Action // what the log then says of the account, each once more
	spends  bool           // what it uses works never again
	sure    bool           // nothing is in its way: it has to be done
	spent   bool           // what it uses was used before: it must not be done
	then    func(p *person, a answer)
}

// person is somebody with an account, or with one after another. What is known of the
// account is what was acknowledged, and what was found in the store after a crash.
type person struct {
	habit
	*reaper
	number int
	random *rand.Rand

	round     int // the number of the account
	id        accounts.ID
	asked     bool // for the account, which a loop adds
	confirmed bool
	suspended bool
	assigned  bool
	password  string
	second    bool       // a second factor is asked for
	app       otp.Secret // zero: none
	pending   otp.Secret // not proven yet
	recovery  []string
	step      int64  // of the app's newest code that was typed
	reset     int    // codes for a new password there were when one was asked for, from 1; 0: none was
	challenge string // a sign-in before its second factor
	letters   int    // second factors by mail there were before it
	session   string
	key       string // of a service

	done  map[audit.Action]int // acknowledged or found, of this account
	under *deed                // asked for, and not answered
	spent []order              // that used something up
	codes [][2]string          // second factors that were used: method, code
	dead  []string             // tokens that were ended
}

func newPerson(r *reaper, number int) *person {
	p := &person{reaper: r, number: number, habit: habits[number], random: rand.New(rand.NewPCG(r.seed, uint64(number)))}
	p.begin()
	return p
}

// begin makes the person one without an account, whom nobody knows.
func (p *person) begin() {
	*p = person{reaper: p.reaper, number: p.number, habit: p.habit, random: p.random, round: p.round + 1, done: map[audit.Action]int{}, spent: p.spent, dead: p.dead}
}

// bury takes in that the account was removed. What it used up and where it was signed in
// is tried on.
func (p *person) bury() {
	p.lose(&p.session)
	p.lose(&p.key)
	p.buried(&grave{number: p.number, id: p.id, email: p.email(), done: p.done, exact: p.exact()})
	p.begin()
}

func (p *person) email() string { return fmt.Sprintf("owner%d.%d@example.com", p.number, p.round) }

// from is where the person sits: each account somewhere else.
func (p *person) from() netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(p.number), byte(p.round >> 8), byte(p.round)})
}

// slot is the panel user that the person's account is assigned to.
func (p *person) slot() int { return firstSlot + p.number }

func (p *person) now() time.Time { return clockOf(p.life).now() }

// live does one thing after another until the process is gone, or nobody is to go on. The error is about what the
// process did.
func (p *person) live(ctx context.Context, w *wire) error {
	for {
		err := p.turn(ctx, w)
		if errors.Is(err, errGone) || errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.email(), err)
		}
	}
}

// do has something done, and takes in what came of it.
func (p *person) do(ctx context.Context, w *wire, d deed) error {
	d.Addr = p.from()
	if d.Email == "" {
		d.Email = p.email()
	}
	if d.Account == "" {
		d.Account = p.id
	}
	p.under = &d
	a, err := w.ask(ctx, d.order)
	if err != nil {
		return err
	}
	p.under = nil
	p.answered()
	switch {
	case a.Failed != "":
		return wrong("%s failed: %s", d.Do, a.Failed)
	case a.Refused != "" && d.sure:
		return wrong("%s was refused: %s", d.Do, a.Refused)
	case a.Refused != "":
		p.count(d, false)
		return nil
	case d.spent:
		return wrong("%s worked with something that was used up or ended", d.Do)
	}
	p.count(d, true)
	p.happened(d, a)
	return nil
}

// happened takes in that something was done. An answer that nobody heard is empty.
func (p *person) happened(d deed, a answer) {
	for _, e := range d.entries {
		p.done[e]++
	}
	if d.spends {
		p.spent = last(append(p.spent, d.order))
	}
	if d.Do == answerCode {
		p.codes = append(p.codes, [2]string{d.Method, d.Code})
	}
	if d.then != nil {
		d.then(p, a)
	}
}

// lose forgets a token that works no more.
func (p *person) lose(token *string) {
	if *token != "" {
		p.dead = last(append(p.dead, *token))
	}
	*token = ""
}

// renewed takes in the token that a session has from now on.
func (p *person) renewed(a answer) {
	p.lose(&p.session)
	p.session = a.Token
}

// typed is the app's next code that was not typed before; "" if there is none yet.
func (p *person) typed(app otp.Secret) string {
	for _, at := range []time.Time{p.now(), p.now().Add(otp.Period)} {
		if step := otp.Step(at); step > p.step {
			p.step = step
			return app.At(at).Reveal()
		}
	}
	return ""
}

// another is a password that nobody has.
func (p *person) another() string {
	return "Violet-Rivers-9-" + strconv.FormatUint(p.random.Uint64(), 36)
}

// appOf is the app with a secret that was said in hexadecimal.
func appOf(text string) (otp.Secret, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return otp.Secret{}, err
	}
	return otp.SecretOf(raw)
}

// mailed waits for a code of a kind beyond those that there were.
func (p *person) mailed(ctx context.Context, w *wire, kind string, were int) (string, error) {
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for {
		if codes := p.reaper.codes(p.email(), kind); len(codes) > were {
			return codes[len(codes)-1], nil
		}
		if w.gone() {
			return "", errGone
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return "", fmt.Errorf("no code came by mail: %w", ctx.Err())
		}
	}
}

// last keeps as much of a list as is tried again.
func last[T any](list []T) []T { return list[max(0, len(list)-40):] }

// exact are the actions of which the log has as many entries about the account as were
// acknowledged, or found.
func (p *person) exact() []audit.Action {
	list := []audit.Action{
		audit.AccountCreated, audit.AccountConfirmed, audit.AccountSuspended, audit.AccountEnabled, audit.AccountRemoved, audit.AccountAssigned,
		audit.PasswordSet, audit.SignInDone, audit.SignInChallenge, audit.SignInStepUp, audit.SessionEnded, audit.FactorAdded, audit.FactorRequired,
		audit.TokenIssued, audit.TokenEnded,
	}
	if !p.forgets { // what is asked for without an operator is answered later
		list = append(list, audit.AccountPasswordResetSent)
	}
	return list
}
