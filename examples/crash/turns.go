package main

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/signin"
)

// turn does one of the things that can be done next, by chance.
func (p *person) turn(ctx context.Context, w *wire) error {
	switch n := p.random.IntN(8); {
	case n == 0 && len(p.spent) > 0:
		return p.do(ctx, w, deed{order: p.spent[p.random.IntN(len(p.spent))], spent: true})
	case n == 1 && len(p.dead) > 0:
		check := order{Do: checkSession, Token: p.dead[p.random.IntN(len(p.dead))]}
		if p.add == createService {
			check.Do = checkToken
		}
		return p.do(ctx, w, deed{order: check, spent: true})
	}
	switch {
	case p.id == "":
		return p.join(ctx, w)
	case p.add == createService:
		return p.serve(ctx, w)
	case p.add == issueVisitor:
		return p.leave(ctx, w)
	case !p.confirmed:
		return p.setFirst(ctx, w)
	case p.suspended:
		return p.do(ctx, w, deed{order: order{Do: enable}, entries: []audit.Action{audit.AccountEnabled}, sure: true, then: func(p *person, _ answer) { p.suspended = false }})
	case p.reset > 0:
		return p.setNew(ctx, w)
	case p.byMail && !p.second:
		return p.do(ctx, w, deed{order: order{Do: requireFactor}, entries: []audit.Action{audit.FactorRequired}, sure: true, then: func(p *person, _ answer) { p.second = true }})
	case p.challenge != "":
		return p.prove(ctx, w)
	case p.session == "":
		return p.enter(ctx, w)
	}
	return p.act(ctx, w)
}

// join gets an account. Of one that was removed before, what the log says may be erased.
func (p *person) join(ctx context.Context, w *wire) error {
	if g := p.unerased(p.number); g != nil && p.random.IntN(2) == 0 {
		return p.do(ctx, w, deed{order: order{Do: erase, Account: g.id}, then: func(p *person, _ answer) { p.erases(g) }})
	}
	if p.add == register {
		// Nothing is in the log before the loop has added the account: it is found by its mail.
		if !p.asked || p.random.IntN(20) == 0 {
			if err := p.do(ctx, w, deed{order: order{Do: register}, sure: true, then: func(p *person, _ answer) { p.asked = true }}); err != nil {
				return err
			}
		}
		if _, err := p.mailed(ctx, w, "setup", 0); err != nil {
			return err
		}
		return p.found(ctx, w)
	}
	add := order{Do: p.add}
	if p.add == issueVisitor {
		add.Account = p.hostID
	}
	return p.do(ctx, w, deed{order: add, entries: []audit.Action{audit.AccountCreated}, sure: true, then: func(p *person, a answer) {
		if a.Account != "" {
			p.id = a.Account
		}
	}})
}

// found asks who has the person's address.
func (p *person) found(ctx context.Context, w *wire) error {
	a, err := w.ask(ctx, order{Do: find, Email: p.email()})
	switch {
	case err != nil:
		return err
	case a.Account == "":
		return wrong("a code was mailed, and there is no account")
	}
	p.id = a.Account
	p.done[audit.AccountCreated] = 1
	return nil
}

// leave has the account removed.
func (p *person) leave(ctx context.Context, w *wire) error {
	return p.do(ctx, w, deed{order: order{Do: remove}, entries: []audit.Action{audit.AccountRemoved}, sure: true, then: func(p *person, _ answer) { p.bury() }})
}

// serve is what happens to an integration's account.
func (p *person) serve(ctx context.Context, w *wire) error {
	switch n := p.random.IntN(10); {
	case n == 0:
		return p.leave(ctx, w)
	case p.key == "":
		return p.do(ctx, w, deed{order: order{Do: issueToken}, entries: []audit.Action{audit.TokenIssued}, sure: true, then: func(p *person, a answer) { p.key = a.Token }})
	case n < 4:
		return p.do(ctx, w, deed{order: order{Do: endToken, Token: p.key}, entries: []audit.Action{audit.TokenEnded}, spends: true, sure: true, then: func(p *person, _ answer) { p.lose(&p.key) }})
	}
	return p.do(ctx, w, deed{order: order{Do: checkToken, Token: p.key}, sure: true})
}

// setFirst sets the first password with the mailed code.
func (p *person) setFirst(ctx context.Context, w *wire) error {
	code, err := p.mailed(ctx, w, "setup", 0)
	if err != nil {
		return err
	}
	chosen := p.another()
	return p.do(ctx, w, deed{order: order{Do: setPassword, Code: code, New: chosen}, entries: []audit.Action{audit.AccountConfirmed, audit.PasswordSet}, spends: true, sure: true,
		then: func(p *person, _ answer) { p.confirmed, p.password = true, chosen }})
}

// setNew sets a new password with the mailed code. A code that was replaced meanwhile is
// refused: then another one is asked for.
func (p *person) setNew(ctx context.Context, w *wire) error {
	code, err := p.mailed(ctx, w, "reset", p.reset-1)
	if err != nil {
		return err
	}
	chosen, set := p.another(), false
	err = p.do(ctx, w, deed{order: order{Do: setPassword, Code: code, New: chosen}, entries: []audit.Action{audit.PasswordSet}, spends: true,
		then: func(p *person, _ answer) {
			p.password, p.reset, set = chosen, 0, true
			p.lose(&p.session)
			p.challenge = ""
		}})
	if err == nil && !set {
		p.reset = 0
	}
	return err
}

// enter signs in with the password.
func (p *person) enter(ctx context.Context, w *wire) error {
	p.letters = len(p.reaper.codes(p.email(), "second"))
	d := deed{order: order{Do: signIn, Password: p.password}, entries: []audit.Action{audit.SignInDone}, sure: true, then: func(p *person, a answer) { p.session = a.Token }}
	if p.second {
		d.entries = []audit.Action{audit.SignInChallenge}
		d.then = func(p *person, a answer) { p.challenge = a.Challenge }
	}
	return p.do(ctx, w, d)
}

// prove answers a challenge. A second factor that was used before is tried first, now and
// then: it never works again.
func (p *person) prove(ctx context.Context, w *wire) error {
	if len(p.codes) > 0 && p.random.IntN(3) == 0 {
		used := p.codes[p.random.IntN(len(p.codes))]
		return p.do(ctx, w, deed{order: order{Do: answerCode, Token: p.challenge, Method: used[0], Code: used[1]}, spent: true})
	}
	told := order{Do: answerCode, Token: p.challenge, Method: string(signin.Mail)}
	if p.app.IsZero() {
		var err error
		if told.Code, err = p.mailed(ctx, w, "second", p.letters); err != nil {
			return err
		}
	} else if told.Method, told.Code = p.fresh(); told.Code == "" {
		return p.leave(ctx, w) // no code is left: somebody else begins
	}
	in := false
	err := p.do(ctx, w, deed{order: told, entries: []audit.Action{audit.SignInDone}, spends: true, then: func(p *person, a answer) {
		p.session, p.challenge, in = a.Token, "", true
		if told.Method == string(signin.Recovery) {
			p.recovery = p.recovery[1:]
		}
	}})
	if err == nil && !in {
		p.challenge = "" // too many wrong codes before, or the mail of an older one
	}
	return err
}

// fresh is a second factor that was not used: the app's, else a recovery code.
func (p *person) fresh() (method, code string) {
	if code := p.typed(p.app); code != "" {
		return string(signin.App), code
	}
	if len(p.recovery) > 0 {
		return string(signin.Recovery), p.recovery[0]
	}
	return "", ""
}

// act does something that is done by or to somebody who is signed in.
func (p *person) act(ctx context.Context, w *wire) error {
	out := func(p *person, _ answer) { p.lose(&p.session) }
	switch n := p.random.IntN(20); {
	case n < 4:
		return p.do(ctx, w, deed{order: order{Do: checkSession, Token: p.session}, sure: true})
	case n < 7:
		return p.do(ctx, w, deed{order: order{Do: signOut, Token: p.session}, entries: []audit.Action{audit.SessionEnded}, sure: true, then: out})
	case n < 10:
		chosen := p.another()
		return p.do(ctx, w, deed{order: order{Do: changePassword, Token: p.session, Password: p.password, New: chosen}, entries: []audit.Action{audit.PasswordSet}, sure: true,
			then: func(p *person, a answer) { p.password = chosen; p.renewed(a) }})
	case n < 12:
		return p.again(ctx, w)
	case n < 14 && p.byApp && p.app.IsZero():
		return p.enrol(ctx, w)
	case n < 16 && !p.byMail && p.app.IsZero():
		return p.ask(ctx, w)
	case n < 17:
		return p.do(ctx, w, deed{order: order{Do: suspend}, entries: []audit.Action{audit.AccountSuspended}, sure: true, then: func(p *person, a answer) { p.suspended = true; out(p, a) }})
	case n < 19 && !p.assigned:
		return p.do(ctx, w, deed{order: order{Do: assign, Slot: p.slot()}, entries: []audit.Action{audit.AccountAssigned}, sure: true, then: func(p *person, _ answer) { p.assigned = true }})
	case n == 19:
		return p.leave(ctx, w)
	}
	return nil
}

// again proves the owner again.
func (p *person) again(ctx context.Context, w *wire) error {
	told := order{Do: stepUp, Token: p.session, Method: string(signin.Password), Password: p.password}
	if !p.app.IsZero() {
		if told.Method, told.Code = string(signin.App), p.typed(p.app); told.Code == "" {
			return nil
		}
	}
	return p.do(ctx, w, deed{order: told, entries: []audit.Action{audit.SignInStepUp}, spends: told.Code != "", sure: true, then: (*person).renewed})
}

// enrol sets up an app. It is done where the factor is fresh, which it is no more a while
// after the sign-in.
func (p *person) enrol(ctx context.Context, w *wire) error {
	p.pending = otp.Secret{}
	if err := p.do(ctx, w, deed{order: order{Do: enrolApp, Token: p.session}, entries: []audit.Action{audit.FactorAdded}, then: func(p *person, a answer) {
		p.pending, _ = appOf(a.Secret) // an answer that nobody heard shows no app
	}}); err != nil || p.pending.IsZero() {
		return err
	}
	shown := p.pending
	return p.do(ctx, w, deed{order: order{Do: confirmApp, Token: p.session, Code: p.typed(shown)}, entries: []audit.Action{audit.FactorAdded}, spends: true, then: func(p *person, a answer) {
		p.app, p.second, p.recovery = shown, true, a.Codes
		p.renewed(a)
	}})
}

// ask asks for a new password.
func (p *person) ask(ctx context.Context, w *wire) error {
	were := 1 + len(p.reaper.codes(p.email(), "reset"))
	d := deed{order: order{Do: resetPassword}, entries: []audit.Action{audit.AccountPasswordResetSent}, then: func(p *person, _ answer) { p.reset = were }}
	if p.forgets {
		d.Do, d.entries = forgot, nil
	}
	return p.do(ctx, w, d)
}
