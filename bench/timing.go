package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// unavailable are codes that a counter refuses, each for another reason.
var unavailable = []struct{ reason, code string }{
	{"taken", "614938"}, {"easy to guess", "123456"}, {"reserved by the host", "284613"}, {"refused by the panel", "907061"},
}

// counter is where a clerk asks for codes who may not know why one is not available.
type counter struct {
	ctx context.Context //nolint:containedctx // a counter lives inside one call of run
	tab *roster.Tab
}

// openCounter makes a desk over a store, with a panel on which somebody has a code.
func openCounter(ctx context.Context, st store.Store) (*counter, error) {
	keys, err := ring()
	if err != nil {
		return nil, err
	}
	rights := staff()
	rights["clerk"] = accounts.Grant{Enabled: true, Rights: accounts.AllRights().Without(accounts.RightsOf(accounts.CollisionsView)), Sites: accounts.AllSites()}
	desk, err := roster.New(roster.Options{
		Store: st, Keys: keys, Drivers: map[string]panel.Driver{"dsc": dsc.New(dsc.Options{})}, Authority: rights,
		Codes:      credentials.Policy{Reserved: []string{unavailable[2].code}},
		Collisions: roster.Budget{Hour: math.MaxInt32, Day: math.MaxInt32, TenantDay: math.MaxInt32},
	})
	if err != nil {
		return nil, err
	}
	model := dsc.Widest()
	model.Code.Never = append(slices.Clone(model.Code.Never), unavailable[3].code)
	op := desk.As(accounts.HostActor("operator", "The operator", "bench").Vouched(time.Now()))
	p, err := op.Register(ctx, roster.Registration{Site: site, Driver: "dsc", Ident: "298765432101", Model: &model})
	if err != nil {
		return nil, err
	}
	code, err := panel.ParseCode(unavailable[0].code)
	if err != nil {
		return nil, err
	}
	if _, err := op.Panel(p.ID).SetCode(ctx, panel.Place{Slot: 2}, roster.CodeWish{Code: code}); err != nil {
		return nil, err
	}
	return &counter{ctx: ctx, tab: desk.As(accounts.HostActor("clerk", "The clerk", "bench")).Panel(p.ID)}, nil
}

// ask is refused and returns how long that took.
func (c *counter) ask(digits string) (time.Duration, error) {
	code, err := panel.ParseCode(digits)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	_, err = c.tab.SetCode(c.ctx, panel.Place{Slot: 3}, roster.CodeWish{Code: code})
	took := time.Since(begun)
	if !errors.Is(err, credentials.ErrNotAvailable) {
		return took, fmt.Errorf("not refused as not available: %w", err)
	}
	return took, nil
}

// measure asks for each reason so many times, in random order, and adds a row.
func (c *counter) measure(t *table, where string, samples int) error {
	took := make([][]time.Duration, len(unavailable))
	for range samples {
		for _, which := range rand.Perm(len(unavailable)) { // no reason always comes after the same one
			d, err := c.ask(unavailable[which].code)
			if err != nil {
				return err
			}
			took[which] = append(took[which], d)
		}
	}
	var texts []string
	var medians []time.Duration
	for i, list := range took {
		medians = append(medians, median(list))
		texts = append(texts, unavailable[i].reason+" "+span(medians[i]))
	}
	spread := float64(slices.Max(medians)) / float64(slices.Min(medians))
	t.limit("refusing a code, "+where+" [10]", fmt.Sprintf("%s: %.3f", strings.Join(texts, ", "), spread), "≤ 1.05 slowest to fastest", spread <= 1.05)
	return nil
}

// refusals compares how long a code is refused for one reason and for another, by
// somebody who may not know which.
func refusals(m *meter, t *table, samples int) error {
	memory, err := openCounter(m.ctx, memstore.Open())
	if err != nil {
		return err
	}
	if err := memory.measure(t, "memstore", 10*samples); err != nil {
		return err
	}
	db, err := sqlite.Open(m.ctx, filepath.Join(m.dir, "refusals.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	file, err := openCounter(m.ctx, db.Main())
	if err != nil {
		return err
	}
	if err := file.measure(t, "SQLite file", samples); err != nil {
		return err
	}
	t.note("[10] SetCode by somebody without the right to know why a code is not available, at an empty place: medians of %d refusals in memory and %d on a file for each reason, asked in random order.", 10*samples, samples)
	return nil
}
