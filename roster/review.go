package roster

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// MatterKind is a kind of open matter, in the order in which they are listed.
type MatterKind int

// The kinds of open matters.
const (
	RemovalOpen    MatterKind = iota // access was taken away and is still at the panel
	OldCodeOpens                     // a code that is no longer wanted may still open
	OverOpen                         // a code works without its restrictions
	UnmanagedUser                    // nobody here set this user
	SharedCode                       // the panel made of its code one that somebody else has
	AdoptedOverdue                   // an adopted user's unknown code was to be changed by now
	HeldWish                         // the author lost the right: confirm or cancel
	UnsureWish                       // the panel's answer was lost
	OpenWish                         // waits for the panel
	DriftedUser                      // the panel shows something else than was agreed
)

// String returns the kind in words.
func (k MatterKind) String() string {
	return [...]string{"removal outstanding", "old code may open", "more access than agreed", "unmanaged user", "code of somebody else", "adopted code overdue",
		"wish held", "answer lost", "waiting for the panel", "drift"}[k]
}

// Matter is something open about a panel user.
type Matter struct {
	Kind   MatterKind
	Panel  string
	Ident  string
	Place  panel.Place
	Fields panel.Field
	// Since is since when it is so: of a removal that rules ask for, since when access had
	// ended; else since the wish. Zero: that is not known.
	Since time.Time
	Words string // the panel's last words
	// By is by when the panel has done what waits for it, at the latest; zero: nothing waits,
	// or it fails or waits for a person.
	By time.Time
	// Account is whose access this is about, "" if the user is nobody's.
	Account accounts.ID
}

// Outstanding lists what is open on the operator's sites: removals first, then every
// superseded code that may still open somewhere, then the rest. It asks of everybody what
// rules and windows say now: whoever has ended is listed until the last device has confirmed
// that they are gone, also while no node runs that would tell the devices.
func (op *Operator) Outstanding(ctx context.Context) ([]Matter, error) {
	out, err := op.matters(ctx, "Outstanding", rec.ByOpen)
	if err != nil {
		return nil, err
	}
	overdue, err := op.overdue(ctx)
	if err != nil {
		return nil, err
	}
	for _, gone := range overdue { // that is the gravest about them
		out = slices.DeleteFunc(out, func(m Matter) bool { return m.Panel == gone.Panel && m.Place == gone.Place })
	}
	return sorted(append(overdue, out...)), nil
}

// Unmanaged lists the users of the operator's sites that nobody here set.
func (op *Operator) Unmanaged(ctx context.Context) ([]Matter, error) {
	return op.matters(ctx, "Unmanaged", rec.ByUnmanaged)
}

// matters lists what is open about the users under a term.
func (op *Operator) matters(ctx context.Context, name, term string) ([]Matter, error) {
	now, late := op.desk.core.Time(), lags{desk: op.desk}
	var out []Matter
	err := op.under(ctx, name, "", term, func(u rec.User, p rec.Panel, words string) error {
		m, open := matter(u, now)
		if !open {
			return nil
		}
		m.Ident, m.Words = p.Ident, words
		if u.ToDo() {
			l, err := late.of(ctx, u.Panel, p)
			if err != nil {
				return err
			}
			m.By = l.by
		}
		out = append(out, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sorted(out), nil
}

// sorted sorts matters by kind and age.
func sorted(list []Matter) []Matter {
	slices.SortStableFunc(list, func(a, b Matter) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Since.Compare(b.Since)) })
	return list
}

// under shows every user under a term on the panels of the operator's sites, or of one of
// them, with the panel's last words, if the operator may do what has that name.
func (op *Operator) under(ctx context.Context, name, site, term string, see func(u rec.User, p rec.Panel, words string) error) error {
	g, err := op.desk.core.Authority.Grant(ctx, op.actor)
	if err != nil {
		return err
	}
	if err := op.desk.core.Allowed(ctx, op.actor, "roster."+name, site); err != nil {
		return op.refused(ctx, name, nil, err)
	}
	panels, words := map[string]rec.Panel{}, map[string]string{}
	for q := (store.Query{Kind: rec.Users.Name, Term: term}); ; {
		rs, err := op.desk.core.Store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range rs {
			u, _, err := rec.Users.Decode(r)
			if err != nil {
				return err
			}
			q.After = &store.Position{Value: []byte(u.Panel), ID: r.Key.ID}
			p, err := op.panelOf(ctx, panels, words, u.Panel)
			if err != nil {
				return err
			}
			if !g.Sites.Has(p.Site) || site != "" && p.Site != site {
				continue
			}
			if err := see(u, p, words[u.Panel]); err != nil {
				return err
			}
		}
		if len(rs) < store.MaxPage {
			return nil
		}
	}
}

func (op *Operator) panelOf(ctx context.Context, panels map[string]rec.Panel, words map[string]string, id string) (rec.Panel, error) {
	if p, ok := panels[id]; ok {
		return p, nil
	}
	rs, err := op.desk.core.Store.Load(ctx, rec.Panels.Key(id), rec.Attempts.Key(linePanel(id)))
	if err != nil {
		return rec.Panel{}, err
	}
	p, _, err := rec.Panels.Decode(rs[0])
	if err != nil {
		return p, err
	}
	a, _, err := rec.Attempts.Decode(rs[1])
	panels[id], words[id] = p, a.Words
	return p, err
}

// about is a matter about a user.
func about(u rec.User) Matter {
	m := Matter{Panel: u.Panel, Place: u.Place}
	switch {
	case u.Link != nil:
		m.Account = accounts.ID(u.Link.Account)
	case u.Projected != nil:
		m.Account = accounts.ID(u.Projected.Account)
	}
	return m
}

// wished is since when what is wished for a user should be so.
func wished(u rec.User) time.Time {
	if r := u.Projected; u.Removing() && r != nil && r.Taken && r.Tenancy+1 == u.Tenancy && !r.Ended.IsZero() {
		return r.Ended
	}
	return u.WishedAt
}

// matter says what is open about a user: the gravest that applies.
func matter(u rec.User, now time.Time) (Matter, bool) {
	m := about(u)
	m.Since = u.WishedAt
	switch {
	case u.Taking() != 0:
		m.Kind, m.Fields, m.Since = RemovalOpen, u.Taking(), wished(u)
	case u.Superseded():
		m.Kind, m.Fields = OldCodeOpens, panel.FieldCode
	case u.Over:
		m.Kind, m.Since = OverOpen, u.OverSince
	case u.Unmanaged():
		m.Kind, m.Since = UnmanagedUser, u.FirstSeen
	case !u.Collided.IsZero():
		m.Kind, m.Fields, m.Since = SharedCode, panel.FieldCode, u.Collided
	case u.Adopted != nil && now.After(u.Adopted.Until):
		m.Kind, m.Since = AdoptedOverdue, u.Adopted.Until
	case u.Held:
		m.Kind, m.Fields = HeldWish, u.Pending
	case u.Unsure != 0:
		m.Kind, m.Fields, m.Since = UnsureWish, u.Unsure, u.SentAt
	case u.Pending != 0:
		m.Kind, m.Fields = OpenWish, u.Pending
	case u.Drift() != 0:
		m.Kind, m.Fields, m.Since = DriftedUser, u.Drift(), time.Time{}
	default:
		return m, false
	}
	return m, true
}

// Drift lists the users of the panel that the panel shows otherwise than was agreed.
func (t *Tab) Drift(ctx context.Context) ([]Matter, error) {
	p, err := t.peek(ctx, "Drift")
	if err != nil {
		return nil, err
	}
	users, err := t.users(ctx)
	if err != nil {
		return nil, err
	}
	var out []Matter
	for _, u := range users {
		if d := u.Drift(); d != 0 {
			out = append(out, Matter{Kind: DriftedUser, Panel: t.id, Ident: p.Ident, Place: u.Place, Fields: d})
		}
	}
	return out, nil
}

// Sighting is a code that was seen on the panel and that somebody else here has.
type Sighting struct {
	Place panel.Place
	// Holder is who has a claim on this code on this panel: a panel user or an account.
	Holder accounts.ID
}

// Sightings lists codes that the panel discloses and that are claimed by another than
// the user who has them there. It is a finding and blocks nobody. It needs the right to
// know about collisions.
func (t *Tab) Sightings(ctx context.Context) ([]Sighting, error) {
	if _, err := t.peek(ctx, "Sightings"); err != nil {
		return nil, err
	}
	users, err := t.users(ctx)
	if err != nil {
		return nil, err
	}
	var out []Sighting
	for _, u := range users {
		if len(u.Reported.Code.Names) == 0 {
			continue
		}
		held, err := t.core().Store.Holders(ctx, store.Name(u.Reported.Code.Names[0]))
		if err != nil {
			return nil, err
		}
		if h := held[0].Holder; h != "" && h != holder(rec.UserID(t.id, u.Place), u) {
			out = append(out, Sighting{Place: u.Place, Holder: accounts.ID(h)})
		}
	}
	return out, nil
}
