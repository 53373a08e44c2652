package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// clerk decides and commits what SetCode at an empty place decides and commits, with an
// entry or without.
type clerk struct {
	ctx    context.Context //nolint:containedctx // it lives inside one call of run
	core   *flow.Core
	keys   *credentials.Ring
	actor  accounts.Actor
	panels rec.Kind[rec.Panel]
	users  rec.Kind[rec.User]
	says   bool
	n      int
}

const panelID = "6f418859-c9c9-4d80-aa92-8894a4701c56"

// newClerk makes a clerk over a store, which gets a panel. One that says nothing writes
// the same bodies under quiet kinds, the only ones that a store takes without an entry.
func newClerk(ctx context.Context, st store.Store, says bool) (*clerk, error) {
	keys, err := ring()
	if err != nil {
		return nil, err
	}
	c := &clerk{ctx: ctx, keys: keys, says: says, panels: rec.Panels, users: rec.Users,
		core:  &flow.Core{Store: st, Keys: keys, Authority: staff()},
		actor: accounts.HostActor("operator", "The operator", "bench").Vouched(time.Now())}
	if !says {
		c.panels.Name, c.panels.Secure = store.Touch, false
		c.users.Name, c.users.Secure = store.Session, false
	}
	_, err = c.core.Act(ctx, c.actor, func(u *flow.Unit) error {
		p := rec.Panel{Site: site, Driver: "dsc", Ident: "298765432101", Model: dsc.Widest(), State: rec.InService, Generation: 1, Created: u.Now()}
		if says {
			if _, err := u.Say(audit.PanelRegistered, audit.Success, []string{panelID}, flow.F(audit.FieldPanel, panelID)); err != nil {
				return err
			}
		}
		return flow.Put(u, c.panels, panelID, &p)
	})
	return c, err
}

// commit makes one commit.
func (c *clerk) commit() error {
	c.n++
	id := fmt.Sprintf("%s.%d", panelID, c.n)
	code, err := panel.ParseCode(fmt.Sprintf("%08d", 31415927+c.n*7919%60_000_000))
	if err != nil {
		return err
	}
	_, err = c.core.Act(c.ctx, c.actor, func(u *flow.Unit) error {
		p, _, err := flow.Load(u, c.panels, panelID)
		if err != nil {
			return err
		}
		user, _, err := flow.Load(u, c.users, id)
		if err != nil {
			return err
		}
		if err := errors.Join(c.core.Allowed(c.ctx, c.actor, "roster.SetCode", p.Site), p.Model.CheckCode(code, p.CodeLen)); err != nil {
			return err
		}
		user.Panel, user.Site, user.Holder, user.Place = panelID, site, id, panel.Place{Slot: c.n}
		if user.Slot, err = c.wish(u, user.Slot, id, code); err != nil {
			return err
		}
		user.Author = rec.Author{Kind: c.actor.Kind(), ID: string(c.actor.ID())}
		u.Do(store.Count{Counter: user.Claims()[0], By: 1, Max: 1, Until: u.Now().Add(time.Hour)}, store.Mark{Line: "panel/" + panelID})
		if c.says {
			if err := c.say(u, p, id); err != nil {
				return err
			}
		}
		return flow.Put(u, c.users, id, &user)
	})
	return err
}

// wish seals a code and wishes for it.
func (c *clerk) wish(u *flow.Unit, s panel.Slot, id string, code panel.Code) (panel.Slot, error) {
	names, errNames := credentials.Names(c.keys, credentials.Scope{Kind: credentials.PanelScope, ID: panelID}, credentials.CodeMaterial(code))
	sealed, errSeal := credentials.SealCode(c.keys, credentials.Binding{Owner: "user/" + id, Kind: "code", Generation: 1}, code)
	if err := errors.Join(errNames, errSeal); err != nil {
		return s, err
	}
	return s.Wish(panel.Wish{Set: panel.FieldCode, At: u.Now(), Until: u.Now().Add(time.Hour),
		State: panel.State{Set: true, Code: panel.CodeRef{Names: names, Sealed: sealed, ID: 1, Len: code.Len()}}})
}

// say adds the entry that SetCode has: the same number of targets and fields, one of
// them sealed.
func (c *clerk) say(u *flow.Unit, p rec.Panel, id string) error {
	_, err := u.Say(audit.UserCodeSet, audit.Success, []string{panelID, id, flow.Site(p.Site)},
		flow.F(audit.FieldPanel, panelID), flow.F(audit.FieldIdent, p.Ident), flow.F(audit.FieldSite, p.Site), flow.F(audit.FieldUser, id),
		flow.F(audit.FieldTenancy, "0"), flow.F(audit.FieldSlot, "4"), flow.F(audit.FieldRevision, "1"))
	return err
}

// audited compares a commit with its entry with the same commit without one.
func audited(m *meter, t *table) error {
	open := func(name string, says bool) (*sqlite.DB, *clerk, error) {
		db, err := sqlite.Open(m.ctx, filepath.Join(m.dir, name), sqlite.Options{})
		if err != nil {
			return nil, nil, err
		}
		c, err := newClerk(m.ctx, db.Main(), says)
		if err == nil {
			err = c.commit() // the first makes the person's key
		}
		if err != nil {
			return nil, nil, errors.Join(err, db.Close())
		}
		return db, c, nil
	}
	logged, with, err := open("with.db", true)
	if err != nil {
		return err
	}
	defer func() { _ = logged.Close() }()
	silent, without, err := open("without.db", false)
	if err != nil {
		return err
	}
	defer func() { _ = silent.Close() }()
	p, err := m.pair(with.commit, without.commit)
	if err != nil {
		return err
	}
	t.ratio("a commit with its entry, SQLite file [2]", p, "without", 1.5)
	t.note("[2] Both decide and commit alike: a panel and a user read, a code sealed, a user's record with three terms put, a counter, a mark. " +
		"One puts it as a secure kind and adds an entry as SetCode does (eleven salted fields, one of them sealed under the person's key, a state digest; a leaf, a row of the tree, and every 64th time the targets of 64 entries); " +
		"the other puts the same body as a quiet kind, the only kind that a store takes without an entry. A counter stands for the claim, which no store takes without one.")
	return nil
}
