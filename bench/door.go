package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// The codes of everybody at the bench's door.
const (
	gatePIN    = "2580"
	gateDuress = "7391"
)

// gate is a door with one reader and somebody who has a PIN and a duress PIN.
type gate struct {
	ctx   context.Context //nolint:containedctx // a gate lives inside one call of run
	core  flow.Core
	door  *door.Service
	proof door.Proof
}

func openGate(ctx context.Context, fleet store.Fleet) (*gate, error) {
	keys, err := ring()
	if err != nil {
		return nil, err
	}
	st, err1 := fleet.Tenant("gate")
	restricted, err2 := fleet.Tenant("gate-restricted")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	g := &gate{ctx: ctx, core: flow.Core{Store: st, Keys: keys}}
	if err := g.open(restricted); err != nil {
		return nil, err
	}
	now := time.Now()
	err = errors.Join(
		write(g, rec.Points, "front", &rec.Point{Point: credentials.Point{ID: "front", Site: site}}),
		write(g, rec.Rules, "all", &rec.Rule{ID: "all", Site: site, Points: []string{"front"}, Who: []credentials.Subject{{Kind: "role", ID: "staff"}}}),
		g.enrol("cleaner"),
		g.give("cleaner", rec.PIN, gatePIN, credentials.Unrestricted),
		g.give("cleaner", rec.DuressPIN, gateDuress, credentials.Unrestricted),
	)
	if err != nil {
		return nil, err
	}
	key, err := g.door.As(accounts.HostActor("operator", "The operator", "bench").Vouched(now)).
		AddReader(ctx, door.NewReader{Site: site, Points: map[string]door.Outage{"front": door.OutageCached}})
	g.proof = door.ByKey(key)
	return g, err
}

// open starts the service, as after a restart.
func (g *gate) open(restricted store.Store) (err error) {
	g.door, err = door.New(door.Options{Store: g.core.Store, Restricted: restricted, Keys: g.core.Keys, Authority: staff()})
	return err
}

// enrol adds an account that may enter.
func (g *gate) enrol(id string) error {
	return write(g, rec.Accounts, id, &accounts.Account{ID: accounts.ID(id), Roles: []string{"staff"}, Sites: accounts.AllSites(), Created: time.Now()})
}

// write puts a record of another service, with an entry as it would have.
func write[T any](g *gate, k rec.Kind[T], id string, v *T, ops ...store.Op) error {
	_, err := g.core.Act(g.ctx, accounts.SystemActor("bench"), func(u *flow.Unit) error {
		u.Do(ops...)
		_, err := u.Say(audit.AccountChanged, audit.Success, []string{id})
		return errors.Join(err, flow.Put(u, k, id, v))
	})
	return err
}

// give gives an account a code and claims it.
func (g *gate) give(account string, kind rec.CredentialKind, text string, as credentials.UserType) error {
	code, err := panel.ParseCode(text)
	if err != nil {
		return err
	}
	names, err := credentials.Names(g.core.Keys, credentials.Scope{Kind: credentials.TenantScope}, credentials.CodeMaterial(code))
	if err != nil {
		return err
	}
	sealed, err := credentials.SealCode(g.core.Keys, rec.CredentialBinding(account, kind, 1), code)
	if err != nil {
		return err
	}
	id := rec.CredentialID(account, kind, 0)
	var claims []store.Op
	for _, n := range names {
		claims = append(claims, store.Claim{Name: store.Name(n), Holder: account, Use: id})
	}
	c := rec.Credential{Account: account, Kind: kind, Names: names, Generation: 1, Len: len(text), Sealed: sealed, Type: as, Created: time.Now()}
	return write(g, rec.Credentials, id, &c, claims...)
}

// ask types a code and wants the reason.
func (g *gate) ask(text string, want credentials.Reason) error {
	code, err := panel.ParseCode(text)
	if err != nil {
		return err
	}
	a, err := g.door.Decide(g.ctx, g.proof, door.Entry{Point: "front", Shown: door.Shown{Medium: credentials.Keypad, Code: code}})
	if err == nil && a.Reason != want {
		err = fmt.Errorf("%s, not %s", a.Reason, want)
	}
	return err
}

// doors measures a decision, and whether its time tells a duress code apart.
func doors(m *meter, t *table, samples int) error {
	db, err := sqlite.Open(m.ctx, filepath.Join(m.dir, "door.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, on := range []struct {
		fleet   store.Fleet
		name    string
		samples int
	}{{memstore.New(), "memstore", 10 * samples}, {db, "SQLite file", samples}} {
		g, err := openGate(m.ctx, on.fleet)
		if err != nil {
			return err
		}
		p, err := m.alone(func() error { return g.ask(gatePIN, credentials.Granted) })
		if err != nil {
			return err
		}
		t.plain("a decision at a door, committed, "+on.name+" [door]", p)
		if err := g.door.Work(m.ctx); err != nil {
			return err
		}
		if err := g.apart(t, on.name, on.samples); err != nil {
			return err
		}
	}
	t.note("[door] Decide of package door with a PIN at a keypad: reader, lock-out, account, credentials, rules, one entry, the sealed signal and the use in one commit. The duress PIN against the PIN: medians of %d and %d decisions each, in random order.", 10*samples, samples)
	return nil
}

// apart compares the time of both codes.
func (g *gate) apart(t *table, name string, samples int) error {
	texts := [...]string{gatePIN, gateDuress}
	var took [2][]time.Duration
	order := make([]int, 2*samples)
	for i := range order {
		order[i] = i % 2
	}
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for n, which := range order {
		began := time.Now()
		if err := g.ask(texts[which], credentials.Granted); err != nil {
			return err
		}
		took[which] = append(took[which], time.Since(began))
		if n%100 == 99 {
			if err := g.door.Work(g.ctx); err != nil { // as the loop would, so that nothing piles up
				return err
			}
		}
	}
	ratio := float64(median(took[1])) / float64(median(took[0]))
	t.limit("duress PIN against PIN, "+name+" [door]", fmt.Sprintf("%s, %s: %.3f", span(median(took[1])), span(median(took[0])), ratio), "within 5 %", ratio > 0.95 && ratio < 1.05)
	return nil
}
