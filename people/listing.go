package people

import (
	"bytes"
	"cmp"
	"context"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// maxStreams is for how many sites the store is asked site by site; for more of them the
// whole list is read and what is not theirs is left out.
const maxStreams = 32

// listing is a list of accounts, or of visitors, as somebody restricted to sites sees it.
type listing struct {
	sites    accounts.Sites
	visitors bool
	prefix   []byte
	after    *store.Position // an account's whole name and its id
	limit    int             // how many will be wanted; 0: all
}

// whole is the query of the list without a restriction.
func (of listing) whole() store.Query {
	term := rec.ByName
	if of.visitors {
		term = rec.ByVisitor
	}
	return store.Query{Kind: rec.Accounts.Name, Term: term, Prefix: of.prefix, After: of.after, Limit: of.limit}
}

// stream is the part of a list that the store keeps under one site, or apart because its
// accounts are of several.
type stream struct {
	q     store.Query
	value func(name []byte) []byte // of the term
	ahead []accounts.Account
	end   bool
}

// streams are the parts of a list: one for each site, and the accounts of several sites.
func (of listing) streams() []*stream {
	at, wide := rec.ByAccountSite(of.visitors)
	list := []*stream{{q: store.Query{Term: wide}, value: rec.SiteName}}
	for _, site := range of.sites.IDs() {
		list = append(list, &stream{q: store.Query{Term: at}, value: func(name []byte) []byte { return rec.AtSite(site, name) }})
	}
	for _, st := range list {
		st.q.Kind, st.q.Limit, st.q.Prefix = rec.Accounts.Name, of.limit, st.value(of.prefix)
		if of.after != nil {
			st.q.After = &store.Position{Value: st.value(of.after.Value), ID: of.after.ID}
		}
	}
	return list
}

// walk reads a list in order until keep says that it is enough. Only accounts that are
// visible to its reader come, each once.
func (s *Service) walk(ctx context.Context, of listing, keep func(accounts.Account) bool) error {
	if of.sites.All() || len(of.sites.IDs()) > maxStreams {
		return s.each(ctx, of.whole(), func(a accounts.Account) bool { return !visible(of.sites, a) || keep(a) })
	}
	list := of.streams()
	for {
		var next *stream
		for _, st := range list {
			if err := s.fill(ctx, st); err != nil {
				return err
			}
			if len(st.ahead) > 0 && (next == nil || before(st.ahead[0], next.ahead[0])) {
				next = st
			}
		}
		if next == nil {
			return nil
		}
		a := next.ahead[0]
		next.ahead = next.ahead[1:]
		if visible(of.sites, a) && !keep(a) {
			return nil
		}
	}
}

// before orders accounts as every stream does.
func before(a, b accounts.Account) bool {
	x, y := rec.SiteName(rec.AccountName(&a)), rec.SiteName(rec.AccountName(&b))
	return cmp.Or(bytes.Compare(x, y), cmp.Compare(a.ID, b.ID)) < 0
}

// fill reads the next part of a stream when the one before is used up.
func (s *Service) fill(ctx context.Context, st *stream) error {
	if len(st.ahead) > 0 || st.end {
		return nil
	}
	rs, err := s.core.Store.List(ctx, st.q)
	if err != nil {
		return err
	}
	for _, r := range rs {
		a, _, err := rec.Accounts.Decode(r)
		if err != nil {
			return err
		}
		st.ahead = append(st.ahead, a)
		st.q.After = &store.Position{Value: st.value(rec.AccountName(&a)), ID: r.Key.ID}
	}
	st.end = len(rs) < store.Page(st.q.Limit)
	return nil
}
