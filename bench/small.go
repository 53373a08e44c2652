package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// authorise measures one question for a right.
func authorise(m *meter, t *table) error {
	core := flow.Core{Authority: accounts.StaticAuthority{"operator": {
		Enabled: true, Rights: accounts.RightsOf(accounts.PanelUsersView, accounts.PanelUsersManage),
		Sites: accounts.TheseSites("site-0", site, "site-2", "site-3"),
	}}}
	actor := accounts.HostActor("operator", "The operator", "bench")
	ask := func() error { return core.Allowed(m.ctx, actor, "roster.SetCode", site) }
	p, err := m.alone(ask)
	if err != nil {
		return err
	}
	allocs := testing.AllocsPerRun(1000, func() { err = errors.Join(err, ask()) })
	t.limit("authorising one operation [5]", fmt.Sprintf("%s, %g allocs", span(median(p.ours)), allocs), "0 allocs", allocs == 0)
	t.note("[5] What every service asks first: the grant of an actor with four sites, the operation's right from the table, the site, the clock.")
	return err
}

// codes measures what a code costs before it is stored and when it is presented.
func codes(m *meter, t *table) error {
	keys, err := ring()
	if err != nil {
		return err
	}
	code, err := panel.ParseCode("314159")
	if err != nil {
		return err
	}
	scope := credentials.Scope{Kind: credentials.PanelScope, ID: "6f418859"}
	p, err := m.alone(func() error {
		_, errSeal := credentials.SealCode(keys, credentials.Binding{Owner: "user/6f418859.0004", Kind: "code", Generation: 1}, code)
		_, errName := credentials.Names(keys, scope, credentials.CodeMaterial(code))
		return errors.Join(errSeal, errName)
	})
	if err != nil {
		return err
	}
	t.plain("sealing and fingerprint of a code", p)

	fingerprint, err := keys.Print(keys.Epoch().Prints[0], scope, credentials.CodeMaterial(code))
	if err != nil {
		return err
	}
	hours, err := credentials.Schedule{Week: []credentials.Span{{Days: []credentials.Weekday{1, 2, 3, 4, 5}, From: 8 * 60, Until: 17 * 60}}}.Compile()
	if err != nil {
		return err
	}
	holder := credentials.Record{Holder: "account-1", As: []credentials.Subject{{Kind: "group", ID: "staff"}}, Secrets: []credentials.Secret{{Kind: credentials.PIN, Print: fingerprint}}}
	rules := []credentials.Rule{{ID: "staff", Who: holder.As, Points: []string{"door"}, Schedule: hours}}
	now := credentials.Now{T: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), Quality: credentials.ClockTrusted}
	presented := credentials.Presented{Point: "door", Medium: credentials.Keypad, Prints: []credentials.Fingerprint{fingerprint}}
	if p, err = m.alone(func() error {
		if d := credentials.Decide(holder, rules, presented, now); !d.Granted() {
			return fmt.Errorf("not granted: %s", d)
		}
		return nil
	}); err != nil {
		return err
	}
	t.plain("Decide, granted on a schedule", p)
	return nil
}

// stores compares a commit with its entry on SQLite with the same one in memory.
func stores(m *meter, t *table) error {
	db, err := sqlite.Open(m.ctx, filepath.Join(m.dir, "stores.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	file, err := newClerk(m.ctx, db.Main(), true)
	if err != nil {
		return err
	}
	memory, err := newClerk(m.ctx, memstore.Open(), true)
	if err != nil {
		return err
	}
	p, err := m.pair(file.commit, memory.commit)
	if err != nil {
		return err
	}
	t.ratio("a commit with its entry, SQLite file", p, "memstore", 0)
	return nil
}
