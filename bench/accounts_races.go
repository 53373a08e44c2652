package main

import (
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// raced adds a row for each kind of store: how many of those who do the same at once do it.
func raced(m *meter, t *table, s accountSizes, what string, race func(st store.Store) (winners, error)) error {
	db, err := sqlite.Open(m.ctx, filepath.Join(m.dir, what+".db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, x := range []struct {
		name  string
		store store.Store
	}{{"memory", memstore.Open()}, {"SQLite file", db.Main()}} {
		ours, err := race(x.store)
		if err != nil {
			return err
		}
		t.score(fmt.Sprintf("%s, %d at once, %s [a9]", what, s.racers, x.name), ours.String(), "", "1 in each round", ours.one == ours.rounds)
	}
	return nil
}

// oneProof lets many requests of one session do at once what its owner has proven a factor
// for. The hash is a cheap one: the race is about what comes after it.
func oneProof(m *meter, t *table, s accountSizes) error {
	t.note("[a9] How many of so many requests of one session do what a factor was proven for once; and how many sessions go on of an account that may have one, after its owner has signed in so many times.")
	return raced(m, t, s, "a step-up proof", func(st store.Store) (winners, error) {
		var ours winners
		r, err := openReception(m.ctx, st, bcrypt.MinCost, unlimited())
		if err != nil {
			return ours, err
		}
		if err := r.join("owner", right, accounts.AdminRole); err != nil {
			return ours, err
		}
		target, _, err := r.invite("target")
		if err != nil {
			return ours, err
		}
		bound, err := r.again(func(p *signin.Policy) { p.StepUp = signin.Bound })
		if err != nil {
			return ours, err
		}
		in, err := bound.SignIn(m.ctx, signin.Attempt{Name: "owner", Password: password.Of(right)})
		if err != nil {
			return ours, err
		}
		token := in.Token
		act := signin.Act{Op: "signin.ResetFactors", Target: string(target.ID)}
		for range s.rounds {
			o, err := bound.Owner(m.ctx, token, signin.From{})
			if err != nil {
				return ours, err
			}
			if token, err = o.Prove(m.ctx, act, signin.Password, otp.Answer{}, password.Of(right)); err != nil {
				return ours, err
			}
			hands := make([]*signin.Operator, s.racers)
			for i := range hands {
				session, err := bound.Check(m.ctx, token, signin.From{})
				if err != nil {
					return ours, err
				}
				hands[i] = bound.As(session.Actor())
			}
			ours.add(atOnce(s.racers, func(i int) bool { return hands[i].ResetFactors(m.ctx, target.ID) == nil }))
		}
		return ours, nil
	})
}

// oneSession lets an owner who may be signed in once sign in many times at once.
func oneSession(m *meter, t *table, s accountSizes) error {
	return raced(m, t, s, "sign-ins where one session may be", func(st store.Store) (winners, error) {
		var ours winners
		r, err := openReception(m.ctx, st, bcrypt.MinCost, unlimited())
		if err != nil {
			return ours, err
		}
		once, err := r.again(func(p *signin.Policy) { p.MaxSessions = 1 })
		if err != nil {
			return ours, err
		}
		for round := range s.rivalRounds {
			name := fmt.Sprintf("owner_%d", round)
			if err := r.join(name, right); err != nil {
				return ours, err
			}
			tokens := make([]signin.Token, s.racers)
			atOnce(s.racers, func(i int) bool {
				in, err := once.SignIn(m.ctx, signin.Attempt{Name: name, Password: password.Of(right)})
				tokens[i] = in.Token
				return err == nil
			})
			alive := 0
			for _, token := range tokens {
				if _, err := once.Check(m.ctx, token, signin.From{}); err == nil {
					alive++
				}
			}
			ours.add(alive)
		}
		return ours, nil
	})
}

// again is another node of the reception's, with the rights of the accounts' own roles and
// another policy.
func (r *reception) again(edit func(*signin.Policy)) (*signin.Service, error) {
	policy := signin.PowerManage()
	policy.Hash.Cost, policy.Limits, policy.Life = bcrypt.MinCost, unlimited(), 24*time.Hour
	edit(&policy)
	names := accounts.PowerManage()
	names.LoginBy = accounts.ByUsername
	return signin.New(signin.Options{Store: r.store, Keys: r.keys, Mailer: r.mail, Accounts: names, Policy: &policy, Issuer: "bench"})
}
