package roster

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ErrCursor: not a place where a page of a search ended.
var ErrCursor = fault.New(fault.Invalid, "roster: not a cursor of this search").
	Hinted("Begin the search anew.")

// UserState is what a search can ask about a user.
type UserState string

// The states that can be asked for.
const (
	AnyState       UserState = ""
	StateSet       UserState = "set"       // the panel has the user
	StatePending   UserState = "pending"   // something is to be told to the panel
	StateUnmanaged UserState = "unmanaged" // nobody here set the user
	StateDrifted   UserState = "drifted"   // the panel shows something else than was agreed
	StateFormer    UserState = "former"    // an account was linked to the user before
)

// Search says what to look for. What is zero is not asked; the rest must all be so.
type Search struct {
	Label   string      // how the label begins, whatever its case
	Email   string      // how the linked account's address begins: at least 3 characters
	Account accounts.ID // the linked account
	Role    panel.Role
	State   UserState
	After   string // where the page before ended: Hits.After
	Limit   int    // of a page: 1 to 200, 0: 50
}

// Hit is a user that was found.
type Hit struct {
	Panel string
	Ident string
	Site  string
	Row   Row
}

// Hits is a page of what was found.
type Hits struct {
	Hits  []Hit
	After string // "" on the last page
}

// Search looks for users on all panels of the operator's sites. Pages follow each other by
// Hits.After, in an order that stays.
func (op *Operator) Search(ctx context.Context, s Search) (Hits, error) {
	g, err := op.desk.core.Authority.Grant(ctx, op.actor)
	if err != nil {
		return Hits{}, err
	}
	if err := op.desk.core.Allowed(ctx, op.actor, "roster.Search", ""); err != nil {
		return Hits{}, op.refused(ctx, "Search", nil, err)
	}
	if s.Limit <= 0 {
		s.Limit = 50
	}
	s.Limit = min(s.Limit, 200)
	values := []string{""}
	switch {
	case s.Account != "":
		values = []string{string(s.Account)}
	case s.Email != "":
		if len(s.Email) < 3 {
			return Hits{}, ErrPrefix
		}
		people, err := op.desk.people.Suggest(ctx, g.Sites, s.Email, suggestMax)
		if err != nil {
			return Hits{}, err
		}
		values = values[:0]
		for _, p := range people {
			values = append(values, string(p.ID))
		}
		slices.Sort(values)
	}
	after, err := positionOf(s.After)
	if err != nil {
		return Hits{}, err
	}
	w := &searching{op: op, grant: g, want: s, panels: map[string]rec.Panel{}}
	for _, v := range values {
		if after != nil && len(after.Value) > 0 && v != "" && v < string(after.Value) {
			continue
		}
		if full, err := w.walk(ctx, v, after); err != nil || full {
			return w.found, err
		}
		after = nil
	}
	return w.found, nil
}

// searching is a search on its way through the users.
type searching struct {
	op     *Operator
	grant  accounts.Grant
	want   Search
	panels map[string]rec.Panel
	found  Hits
}

// walk goes through the users of one account, or through those whose labels fit, and
// reports whether the page is full.
func (w *searching) walk(ctx context.Context, account string, after *store.Position) (bool, error) {
	q := store.Query{Kind: rec.Users.Name, Term: rec.ByPanel, After: after}
	switch {
	case account != "":
		q.Term, q.From, q.To = rec.ByAccount, []byte(account), append([]byte(account), 0)
	case w.want.Label != "":
		q.Term, q.Prefix = rec.ByLabel, []byte(strings.ToLower(w.want.Label))
	}
	for {
		rs, err := w.op.desk.core.Store.List(ctx, q)
		if err != nil {
			return false, err
		}
		for _, r := range rs {
			u, _, err := rec.Users.Decode(r)
			if err != nil {
				return false, err
			}
			at := slices.IndexFunc(r.Terms, func(t store.Term) bool { return t.Name == q.Term })
			q.After = &store.Position{Value: r.Terms[at].Value, ID: r.Key.ID}
			if err := w.take(ctx, r.Key.ID, u); err != nil {
				return false, err
			}
			if len(w.found.Hits) == w.want.Limit {
				w.found.After = base64.RawURLEncoding.EncodeToString(append(append(slices.Clone(q.After.Value), 0), q.After.ID...))
				return true, nil
			}
		}
		if len(rs) < store.MaxPage {
			return false, nil
		}
	}
}

// take adds a user that fits.
func (w *searching) take(ctx context.Context, id string, u rec.User) error {
	p, err := w.op.panelOf(ctx, w.panels, map[string]string{}, u.Panel)
	if err != nil {
		return err
	}
	if p.State == rec.Retired || !w.grant.Sites.Has(p.Site) || !w.want.fits(p.Model, u) {
		return nil
	}
	row, err := w.op.Panel(u.Panel).row(ctx, p, u, nil)
	if err != nil {
		return err
	}
	row.ID = id
	w.found.Hits = append(w.found.Hits, Hit{Panel: u.Panel, Ident: p.Ident, Site: p.Site, Row: row})
	return nil
}

// fits reports whether a user is what is looked for.
func (s Search) fits(m panel.Model, u rec.User) bool {
	if !strings.HasPrefix(strings.ToLower(u.Reported.Label), strings.ToLower(s.Label)) || s.Role != "" && u.Standing(m).Role != s.Role {
		return false
	}
	switch s.State {
	case StateSet:
		return u.Reported.Set
	case StatePending:
		return !u.Idle()
	case StateUnmanaged:
		return u.Unmanaged()
	case StateDrifted:
		return u.Drift() != 0
	case StateFormer:
		return u.Link != nil && u.CurrentLink() == nil
	}
	return true
}

// positionOf reads a cursor.
func positionOf(cursor string) (*store.Position, error) {
	if cursor == "" {
		return nil, nil //nolint:nilnil // no cursor is the beginning
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	value, id, ok := strings.Cut(string(b), "\x00")
	if err != nil || !ok {
		return nil, ErrCursor
	}
	return &store.Position{Value: []byte(value), ID: id}, nil
}
