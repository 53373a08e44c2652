package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// look opens what a dead process left and checks it; what the last one left is to be
// settled.
func (k *killer) look(ctx context.Context, last bool) (err error) {
	h, err := open(ctx, k.dir, clockOf(k.life), dsc.Options{})
	defer func() { err = errors.Join(err, h.close()) }()
	if err != nil {
		return err
	}
	page, err := h.as().Panel(k.panelID).Users(ctx, 1, 15)
	if err != nil {
		return err
	}
	l := remains{killer: k, host: h, rows: map[int]roster.Row{}}
	for _, r := range page.Rows {
		l.rows[r.Place.Slot] = r
		l.inFlight += unsure(r)
	}
	checks := []func(context.Context) error{h.checkLog, l.checkWishes, l.checkEntries, l.checkClaims}
	if last {
		checks = append(checks, l.checkPanel)
	}
	for _, check := range checks {
		if err := check(ctx); err != nil {
			return fmt.Errorf("after life %d: %w", k.life, err)
		}
	}
	return nil
}

// remains is what a dead process left.
type remains struct {
	*killer
	host *host
	rows map[int]roster.Row
}

// unsure is 1 if the panel may or may not have taken a write to the user.
func unsure(r roster.Row) int {
	if slices.ContainsFunc(r.Fields, func(f roster.FieldView) bool { return f.State == roster.FieldUnsure }) {
		return 1
	}
	return 0
}

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errViolation}, args...)...)
}

// checkWishes compares every user's revision with the wishes that were acknowledged. The one
// that was under way may be there, whole, or not.
func (l remains) checkWishes(context.Context) error {
	for _, w := range l.ledger.fresh {
		if err := l.ledger.apply(w.Wish, w.Revision); err != nil {
			return err
		}
	}
	l.acknowledged += len(l.ledger.fresh)
	for slot := firstSlot; slot <= lastSlot; slot++ {
		known, stored := l.ledger.users[slot].revision, l.rows[slot].Revision
		under := l.ledger.under
		switch {
		case stored == known:
			continue
		case stored != known+1 || under == nil || under.Slot != slot:
			return wrong("slot %d is stored at revision %d and was acknowledged at %d; under way was %+v", slot, stored, known, under)
		}
		if err := l.ledger.apply(*under, stored); err != nil {
			return err
		}
		l.ledger.fresh = append(l.ledger.fresh, word{Wish: *under, Revision: stored})
		l.unheard++
	}
	return nil
}

// checkEntries finds the entry of each wish of this life, and no other.
func (l remains) checkEntries(ctx context.Context) error {
	var found []audit.Entry
	for {
		page, err := l.host.db.Main().Entries(ctx, store.EntryQuery{ByIndex: true, FromIndex: l.entries})
		if err != nil {
			return err
		}
		for _, e := range page {
			entry, err := audit.Decode(e.Body)
			if err != nil {
				return err
			}
			if entry.Value(audit.FieldRevision) != "" && anyWish(entry.Action) {
				found = append(found, entry)
			}
			l.entries = e.Index + 1
		}
		if len(page) == 0 {
			break
		}
	}
	if len(found) != len(l.ledger.fresh) {
		return wrong("%d wishes took place, and the log has %d entries of wishes", len(l.ledger.fresh), len(found))
	}
	for _, w := range l.ledger.fresh {
		id, revision := l.rows[w.Wish.Slot].ID, strconv.FormatUint(w.Revision, 10)
		if !slices.ContainsFunc(found, func(e audit.Entry) bool {
			return e.Value(audit.FieldUser) == id && e.Value(audit.FieldRevision) == revision && w.Wish.entry(e.Action)
		}) {
			return wrong("slot %d has no entry for its revision %s: %s", w.Wish.Slot, revision, w.Wish.What)
		}
	}
	return nil
}

// checkClaims compares the codes for which the panel opens with what is claimed: whatever it
// accepts is held by its place.
func (l remains) checkClaims(ctx context.Context) error {
	for _, u := range l.sim.Users() {
		if u.Slot == 1 {
			continue
		}
		code := slices.Index(l.codes, u.Code)
		if code < 1 {
			return wrong("the panel has a code in slot %d that nobody wished", u.Slot)
		}
		uses, err := l.uses(ctx, code)
		if err != nil {
			return err
		}
		if !slices.Contains(uses, l.rows[u.Slot].ID) {
			return wrong("the panel opens for code %d in slot %d, and it is claimed for %v", code, u.Slot, uses)
		}
	}
	return nil
}

// uses are the places for which a code is claimed.
func (l remains) uses(ctx context.Context, code int) ([]string, error) {
	c, err := panel.ParseCode(l.codes[code])
	if err != nil {
		return nil, err
	}
	names, err := credentials.Names(l.host.keys, credentials.Scope{Kind: credentials.PanelScope, ID: l.panelID}, credentials.CodeMaterial(c))
	if err != nil {
		return nil, err
	}
	held, err := l.host.db.Main().Holders(ctx, store.Name(names[0]))
	if err != nil {
		return nil, err
	}
	return held[0].Uses, nil
}

// checkPanel compares the panel with what was wished last, and with what is stored: both
// are the same, and nothing else is claimed.
func (l remains) checkPanel(ctx context.Context) error {
	drift, err := l.host.as().Panel(l.panelID).Drift(ctx)
	if err != nil {
		return err
	}
	if len(drift) > 0 {
		return wrong("what is reported is not what was agreed: %+v", drift)
	}
	there := map[int]paneltest.User{}
	for _, u := range l.sim.Users() {
		there[u.Slot] = u
	}
	claimed := map[int]string{}
	for slot := firstSlot; slot <= lastSlot; slot++ {
		want, row, u := l.ledger.users[slot], l.rows[slot], there[slot]
		stored := user{revision: row.Revision, label: row.Label, partitions: row.Partitions, code: want.code}
		held := user{revision: row.Revision, label: u.Label, partitions: u.Partitions, code: slices.Index(l.codes, u.Code)}
		switch {
		case row.Pending() || (row.Code == roster.Check) != (want.code != 0):
			return wrong("slot %d is stored as %+v instead of %+v", slot, row, want)
		case want.code == 0 && u.Code == "":
			continue
		case stored != want || held != want:
			return wrong("slot %d: wished %+v, stored %+v, the panel has %+v", slot, want, stored, held)
		}
		claimed[want.code] = row.ID
	}
	for code := 1; code < len(l.codes); code++ {
		uses, err := l.uses(ctx, code)
		if err != nil {
			return err
		}
		if id := claimed[code]; strings.Join(uses, " ") != id {
			return wrong("code %d is claimed for %q and not for %q", code, uses, id)
		}
	}
	return nil
}
