package journal

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Limits of a filter.
const (
	maxAbout   = audit.MaxTargets
	maxActions = 100
)

// Filter selects entries. All given conditions must hold; the zero value selects all.
//
// About (the first of them), Actor, Email, Site, Actions, Since and Until are looked up;
// further ids and Outcome are tested on what was found, so that a filter with nothing but
// an outcome reads the log until a page is full.
type Filter struct {
	// About are ids of panels, panel users, accounts or sites: an entry is about each of
	// them, or was caused by that account. At most 16.
	About []string
	// Email finds entries about every account that has or had this address.
	Email accounts.Email
	// Actor is the id of who did it.
	Actor string
	// Site finds the entries of a site, as far as the reader sees it.
	Site string
	// Actions are codes of actions, at most 100: any of them; nil: all.
	Actions []audit.Action
	// Outcome is how it ended; "": all.
	Outcome audit.Outcome
	// Since and Until bound the time, Until exclusive; zero is open.
	Since, Until time.Time
}

// ByAccount selects the entries about an account or caused by it, also after the account
// was removed.
func ByAccount(id accounts.ID) Filter { return Filter{About: []string{string(id)}} }

func (f Filter) check() error {
	if len(f.About) > maxAbout || len(f.Actions) > maxActions || max(len(f.Actor), len(flow.Site(f.Site))) > audit.MaxID {
		return ErrFilter
	}
	for _, id := range f.About {
		if id == "" || len(id) > audit.MaxID {
			return ErrFilter
		}
	}
	for _, a := range f.Actions {
		if a == "" || len(a) > audit.MaxID {
			return ErrFilter
		}
	}
	return nil
}

// String is the filter in words, without an e-mail.
func (f Filter) String() string {
	var words []string
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+" "+value)
		}
	}
	add("about", strings.Join(f.About, " and "))
	if !f.Email.IsZero() {
		words = append(words, "by e-mail")
	}
	add("actor", f.Actor)
	add("site", f.Site)
	for _, a := range f.Actions {
		add("action", string(a))
	}
	add("outcome", string(f.Outcome))
	add("since", stamp(f.Since))
	add("until", stamp(f.Until))
	return strings.Join(words, ", ")
}

// Format keeps the e-mail out of every verb of fmt.
func (f Filter) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(f.String())) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// search is a filter in the terms of a store.
type search struct {
	query  store.EntryQuery
	filter Filter
	// people, if not nil, are the accounts of which an entry names at least one.
	people []accounts.ID
}

// search turns a filter into a search within sites.
func (j *Journal) search(ctx context.Context, f Filter, sites accounts.Sites) (search, error) {
	if err := f.check(); err != nil {
		return search{}, err
	}
	s := search{filter: f, query: within(store.EntryQuery{Since: f.Since, Until: f.Until}, sites)}
	for _, a := range f.Actions {
		s.query.Actions = append(s.query.Actions, string(a))
	}
	if f.Site != "" {
		s.query.AnyTarget = [][]byte{}
		if sites.Has(f.Site) {
			s.query.AnyTarget = append(s.query.AnyTarget, []byte(flow.Site(f.Site)))
		}
	}
	if ids := append(slices.Clone(f.About), f.Actor); ids[0] != "" {
		s.query.Target = []byte(ids[0]) // an entry is found by its actor too
	}
	if f.Email.IsZero() {
		return s, nil
	}
	if j.o.Emails == nil {
		return search{}, ErrNoEmails
	}
	found, err := j.o.Emails.Resolve(ctx, f.Email)
	s.people = append([]accounts.ID{}, found...)
	return s, err
}

// matches reports whether the conditions hold that the store does not look up.
func (s search) matches(e audit.Entry) bool {
	return (s.filter.Outcome == "" || e.Outcome == s.filter.Outcome) &&
		(s.filter.Actor == "" || e.Value(audit.FieldActorID) == s.filter.Actor) &&
		!slices.ContainsFunc(s.filter.About, func(id string) bool {
			return !slices.ContainsFunc(e.Targets, func(t []byte) bool { return string(t) == id })
		})
}

// exact reports whether the store alone decides what is selected.
func (s search) exact() bool {
	return s.filter.Outcome == "" && s.filter.Actor == "" && len(s.filter.About) <= 1 && s.people == nil
}

// from yields what is selected in the order of the query, page by page.
func (s search) from(ctx context.Context, st store.Store) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		q := s.query
		for {
			found, err := s.page(ctx, st, q)
			if err != nil {
				yield(record{}, err)
				return
			}
			for _, e := range found {
				if r := decode(e); s.matches(r.entry) && !yield(r, nil) {
					return
				}
			}
			if len(found) < store.Page(q.Limit) {
				return
			}
			last := found[len(found)-1]
			q.AfterAt, q.AfterID, q.FromIndex = last.At, last.ID, last.Index+1
		}
	}
}

// indexed yields what is selected in the order of the log, below an index.
func (s search) indexed(ctx context.Context, st store.Store, below int64) iter.Seq2[record, error] {
	s.query.ByIndex, s.query.Limit = true, followPage
	return func(yield func(record, error) bool) {
		for e, err := range s.from(ctx, st) {
			if err == nil && e.leaf.Index >= below || !yield(e, err) {
				return
			}
		}
	}
}

// countIndexed counts what is selected below an index.
func (j *Journal) countIndexed(ctx context.Context, s search, below int64) (n int64, err error) {
	for _, err := range s.indexed(ctx, j.core.Store, below) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// page reads one page of the query. A store looks for one target, so several people are
// several queries whose results are put in order.
func (s search) page(ctx context.Context, st store.Store, q store.EntryQuery) ([]store.Entry, error) {
	if s.people == nil {
		return st.Entries(ctx, q)
	}
	var all []store.Entry
	for _, id := range s.people {
		q.Target = []byte(id)
		found, err := st.Entries(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b store.Entry) int {
		n := cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
		switch {
		case q.ByIndex:
			return cmp.Compare(a.Index, b.Index)
		case q.OldestLast:
			return -n
		}
		return n
	})
	all = slices.CompactFunc(all, func(a, b store.Entry) bool { return a.ID == b.ID })
	return all[:min(len(all), store.Page(q.Limit))], nil
}
