package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// reading is what was read of the log so far.
type reading struct {
	next   int64
	about  map[accounts.ID]map[audit.Action]int // entries about an account
	begun  map[string]int                       // entries of sessions that began, and of tokens that were issued
	posted map[string]bool                      // messages that entries name
}

func newReading() reading {
	return reading{about: map[accounts.ID]map[audit.Action]int{}, begun: map[string]int{}, posted: map[string]bool{}}
}

// read reads what is new in the log.
func (l *reading) read(ctx context.Context, st store.Store) error {
	for {
		page, err := st.Entries(ctx, store.EntryQuery{ByIndex: true, FromIndex: l.next})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			entry, err := audit.Decode(e.Body)
			if err != nil {
				return err
			}
			l.take(entry)
			l.next = e.Index + 1
		}
	}
}

func (l *reading) take(e audit.Entry) {
	id := accounts.ID(e.Value(audit.FieldAccount))
	if l.about[id] == nil {
		l.about[id] = map[audit.Action]int{}
	}
	l.about[id][e.Action]++
	switch e.Action {
	case audit.SignInDone:
		l.begun[e.Value(audit.FieldSession)]++
	case audit.TokenIssued:
		l.begun[e.Value(audit.FieldToken)]++
	}
	if m := e.Value(audit.FieldMessage); m != "" {
		l.posted[m] = true
	}
}

// look opens what a dead process left, and checks it; what the last one left has nothing
// that is not carried out.
func (r *reaper) look(ctx context.Context, last bool) (err error) {
	d, err := openReception(ctx, r.options, dsc.Options{}, nil)
	defer func() { err = errors.Join(err, d.close()) }()
	if err != nil {
		return err
	}
	l := legacy{reaper: r, reception: d, st: d.db.Main()}
	checks := []func(context.Context) error{l.checkActs, l.checkSessions, l.checkGraves, l.checkMail}
	if last {
		checks = append(checks, l.checkRest)
	}
	checks = append(checks, d.checkLog)
	if err := r.log.read(ctx, l.st); err != nil {
		return err
	}
	r.entries = r.log.next
	for _, check := range checks {
		if err := check(ctx); err != nil {
			return fmt.Errorf("after life %d: %w", r.life, err)
		}
	}
	return nil
}

// legacy is what a dead process left.
type legacy struct {
	*reaper
	*reception
	st store.Store
}

// checkActs compares what the log says of each account with what was acknowledged. What
// was under way is in it as a whole, or not at all.
func (l legacy) checkActs(ctx context.Context) error {
	for _, p := range l.crowd {
		id, err := l.find(ctx, p.email())
		switch {
		case err != nil:
			return err
		case p.id == "" && id != "" && p.add == register:
			p.done[audit.AccountCreated] = 1 // by the loop
		}
		if p.id == "" {
			p.id = id
		}
		if err := l.settle(p); err != nil {
			return fmt.Errorf("%s: %w", p.email(), err)
		}
	}
	for _, g := range l.graves {
		if err := l.compare(g.id, g.exact, g.done); err != nil {
			return fmt.Errorf("%s: %w", g.email, err)
		}
	}
	return nil
}

// settle finds out what became of the act that a person waited for.
func (l legacy) settle(p *person) error {
	under := p.under
	if p.under = nil; under != nil && len(under.entries) > 0 {
		done := maps.Clone(p.done)
		for _, e := range under.entries {
			done[e]++
		}
		if p.id != "" && l.compare(p.id, p.exact(), done) == nil {
			if under.spent {
				return wrong("%s worked with something that was used up or ended, and was not acknowledged", under.Do)
			}
			l.unheard++
			p.happened(*under, answer{})
			return nil
		}
		l.undone++
	}
	return l.compare(p.id, p.exact(), p.done)
}

// compare finds each act in the log, and no other.
func (l legacy) compare(id accounts.ID, exact []audit.Action, done map[audit.Action]int) error {
	for _, a := range exact {
		if found := l.log.about[id][a]; found != done[a] {
			return wrong("%s took place %d times, and the log has %d entries of it", a, done[a], found)
		}
	}
	return nil
}

// checkSessions finds the entry of each session and each token.
func (l legacy) checkSessions(ctx context.Context) error {
	l.sessions = 0
	for _, kind := range []store.Kind{rec.Sessions.Name, rec.APITokens.Name} {
		rs, err := everything(ctx, l.st, kind)
		if err != nil {
			return err
		}
		for _, r := range rs {
			if n := l.log.begun[r.Key.ID]; n != 1 {
				return wrong("%s %s has %d entries", kind, r.Key.ID, n)
			}
		}
		l.sessions += len(rs)
	}
	return nil
}

// everything lists all records of a kind.
func everything(ctx context.Context, st store.Store, kind store.Kind) (all []store.Record, err error) {
	q := store.Query{Kind: kind}
	for {
		rs, err := st.List(ctx, q)
		if all = append(all, rs...); err != nil || len(rs) < store.Page(q.Limit) {
			return all, err
		}
		q.After = &store.Position{ID: rs[len(rs)-1].Key.ID}
	}
}

// checkGraves looks whether what was removed is gone everywhere.
func (l legacy) checkGraves(ctx context.Context) error {
	staff := l.people.As(accounts.HostActor(operator, "Operator", "crash").Vouched(l.clock.now()))
	for _, g := range l.graves {
		if _, err := staff.Status(ctx, g.id); !errors.Is(err, accounts.ErrAccountRemoved) {
			return wrong("%s was removed, and its status is %v", g.email, err)
		}
		email, err := accounts.ParseEmail(g.email)
		if err != nil {
			return err
		}
		known, err := staff.Exists(ctx, email)
		if err != nil {
			return err
		}
		rs, err := l.st.Load(ctx, rec.Logins.Key(string(g.id)), rec.AttributeLists.Key(string(g.id)), rec.Photos.Key(string(g.id)))
		if err != nil {
			return err
		}
		if known || slices.ContainsFunc(rs, func(r store.Record) bool { return r.Version != 0 }) {
			return wrong("%s was removed, and something of it is left", g.email)
		}
	}
	gone := func(id string) bool {
		return slices.ContainsFunc(l.graves, func(g *grave) bool { return string(g.id) == id })
	}
	once, err := everything(ctx, l.st, rec.OneTimes.Name)
	if err != nil {
		return err
	}
	for _, r := range once {
		if s, _, err := rec.OneTimes.Decode(r); err != nil || gone(s.Account) && s.Purpose != "second" {
			return wrong("a code for %s is left of a removed account: %w", s.Purpose, err)
		}
	}
	for n := range habits {
		row, err := l.as().Panel(l.reaper.panelID).Details(ctx, panel.Place{Slot: firstSlot + n})
		if err != nil {
			return err
		}
		if gone(string(row.Row.Account.ID)) {
			return wrong("slot %d is still a removed account's", firstSlot+n)
		}
	}
	return nil
}

// checkMail compares what the mail server took with what the store says of it: each message
// is one that was posted, and what came twice is marked.
func (l legacy) checkMail(ctx context.Context) error {
	took := map[string]int{}
	for _, m := range l.server.Messages() {
		a, err := read(m)
		if err != nil {
			return err
		}
		took[a.id]++
	}
	l.mails, l.twice = 0, 0
	for id, copies := range took {
		posts, err := l.st.Load(ctx, rec.Posts.Key(postOf(id)))
		if err != nil {
			return err
		}
		p, _, err := rec.Posts.Decode(posts[0])
		switch {
		case err != nil:
			return err
		case !l.log.posted[postOf(id)]:
			return wrong("a message was sent, and no entry is about it")
		case copies > 1 && !p.Twice:
			return wrong("a message was sent %d times and is not marked: %+v", copies, p.State)
		case copies > 1:
			l.twice++
		}
		l.mails += copies
	}
	return nil
}

// checkRest looks whether the loops have carried everything out: every message has left
// or has no reader any more, no link to a removed account and no PIN of one is left, and what was to be
// erased is.
func (l legacy) checkRest(ctx context.Context) error {
	took := map[string]bool{}
	for _, m := range l.server.Messages() {
		a, err := read(m)
		if err != nil {
			return err
		}
		took[postOf(a.id)] = true
	}
	for id := range l.log.posted {
		posts, err := l.st.Load(ctx, rec.Posts.Key(id))
		if err != nil {
			return err
		}
		p, _, err := rec.Posts.Decode(posts[0])
		if err != nil {
			return err
		}
		if p.State != rec.PostGivenUp && (p.State != rec.PostAccepted || !took[id]) {
			return wrong("a message is %q, and the mail server took it: %v", p.State, took[id])
		}
	}
	codes, err := everything(ctx, l.st, rec.Credentials.Name)
	if err != nil {
		return err
	}
	l.erased = 0
	for _, g := range l.graves {
		for _, r := range codes {
			if c, _, err := rec.Credentials.Decode(r); err != nil || c.Account == string(g.id) && (c.Works() || len(c.Names) > 0) {
				return wrong("%s was removed, and its %s is left: %w", g.email, c.Kind, err)
			}
		}
		links, err := l.st.List(ctx, store.Query{Kind: rec.Users.Name, Term: rec.ByAccount, Prefix: []byte(g.id)})
		if err != nil {
			return err
		}
		if len(links) > 0 {
			return wrong("%s was removed, and %d links to it are left", g.email, len(links))
		}
		if !g.asked {
			continue
		}
		salt, err := l.st.Load(ctx, rec.Salts.Key(audit.AccountActor+"/"+string(g.id)))
		if err != nil {
			return err
		}
		s, _, err := rec.Salts.Decode(salt[0])
		if err != nil {
			return err
		}
		if len(s.Salt) > 0 || l.log.about[g.id][audit.AccountErased] == 0 {
			return wrong("%s was to be erased, and is not", g.email)
		}
		l.erased++
	}
	return nil
}

// postOf is the message that a Message-ID header names.
func postOf(header string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(header, "<"), "@")
	return id
}
