package roster

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Tab is the Users tab of one panel. Nothing about panel users can be done without one,
// so users of two panels are never mixed. It is cheap and safe for concurrent use.
type Tab struct {
	op   *Operator
	id   string
	err  error                 // no panel was named: every method answers it
	mine func(*decision) error // judges the user whom a decision is about; nil: the rights do
}

// Panel opens the tab of a panel. An empty id is refused by every method of the tab with
// [panel.ErrPanelRequired], an unknown one with [panel.ErrPanelNotFound].
func (op *Operator) Panel(id string) *Tab {
	t := &Tab{op: op, id: id}
	if id == "" {
		t.err = panel.ErrPanelRequired
	}
	return t
}

// ID returns the panel's id.
func (t *Tab) ID() string { return t.id }

func (t *Tab) core() *flow.Core { return t.op.desk.core }

// Info returns what is known of the panel.
func (t *Tab) Info(ctx context.Context) (Panel, error) {
	p, err := t.peek(ctx, "Info")
	if err != nil {
		return Panel{}, err
	}
	return t.op.desk.viewPanel(ctx, t.id, p)
}

// peek reads the panel for a view, after asking the right.
func (t *Tab) peek(ctx context.Context, name string) (rec.Panel, error) {
	if t.err != nil {
		return rec.Panel{}, t.err
	}
	r, err := t.core().Store.Load(ctx, rec.Panels.Key(t.id))
	if err != nil {
		return rec.Panel{}, err
	}
	p, _, err := rec.Panels.Decode(r[0])
	if err != nil {
		return p, err
	}
	if err := t.may(ctx, name, r[0].Version != 0, p.Site); err != nil {
		return p, t.op.refused(ctx, name, []string{t.id}, err)
	}
	return p, nil
}

// load reads the panel for a decision, after asking the right.
func (t *Tab) load(u *flow.Unit, name string) (rec.Panel, error) {
	p, found, err := flow.Load(u, rec.Panels, t.id)
	if err != nil {
		return p, err
	}
	return p, t.may(u.Context(), name, found, p.Site)
}

// may answers not found alike for a panel that does not exist and for one of a site that
// the operator may not see.
func (t *Tab) may(ctx context.Context, name string, found bool, site string) error {
	if t.err != nil {
		return t.err
	}
	if !found {
		if err := t.core().Allowed(ctx, t.op.actor, "roster."+name, ""); err != nil {
			return err
		}
		return panel.ErrPanelNotFound
	}
	err := t.core().Allowed(ctx, t.op.actor, "roster."+name, site)
	if errors.Is(err, accounts.ErrSiteMismatch) {
		return panel.ErrPanelNotFound
	}
	return err
}

// users reads every stored user of the panel, in order of place.
func (t *Tab) users(ctx context.Context) ([]rec.User, error) {
	return t.op.desk.usersOf(ctx, t.id)
}

func (d *Desk) usersOf(ctx context.Context, id string) ([]rec.User, error) {
	var out []rec.User
	var after *store.Position
	for {
		rs, err := d.core.Store.List(ctx, store.Query{Kind: rec.Users.Name, Term: rec.ByPanel, From: []byte(id), To: append([]byte(id), 0), After: after})
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			u, _, err := rec.Users.Decode(r)
			if err != nil {
				return nil, err
			}
			out = append(out, u)
			after = &store.Position{Value: []byte(id), ID: r.Key.ID}
		}
		if len(rs) < store.MaxPage {
			return out, nil
		}
	}
}

// decision is a decision about one user, between loading and committing.
type decision struct {
	*flow.Unit
	tab   *Tab
	panel rec.Panel
	id    string
	user  rec.User
	found bool
	// refused: the code is not available, and whoever asks may not know why.
	refused bool
}

// begin loads what a decision about a place needs: rights, panel, place, user.
func (t *Tab) begin(u *flow.Unit, name string, place panel.Place) (*decision, error) {
	d := &decision{Unit: u, tab: t, id: rec.UserID(t.id, place)}
	var err error
	if d.panel, err = t.load(u, name); err != nil {
		return d, err
	}
	if d.panel.State == rec.Retired {
		return d, ErrNotInService
	}
	if err := d.panel.Model.CheckPlace(place); err != nil {
		return d, err
	}
	if d.user, d.found, err = flow.Load(u, rec.Users, d.id); err != nil {
		return d, err
	}
	if !d.found {
		d.user = rec.User{Panel: t.id, Slot: panel.Slot{Place: place}}
	}
	d.user.Site = d.panel.Site
	if t.mine != nil {
		return d, t.mine(d)
	}
	return d, nil
}

// decide runs a decision about a place, then writes the user and the claims that follow
// from the moved slot, all in one commit.
func (t *Tab) decide(ctx context.Context, name string, place panel.Place, edit func(d *decision) error) (Receipt, error) {
	if t.err != nil {
		return Receipt{}, t.err
	}
	var d *decision
	_, err := t.core().Act(ctx, t.op.actor, func(u *flow.Unit) error {
		var err error
		if d, err = t.begin(u, name, place); err != nil {
			return err
		}
		before := d.user
		if err := edit(d); err != nil {
			return err
		}
		return d.write(before)
	})
	if err != nil {
		return Receipt{}, t.op.refusedAs(ctx, name, []string{t.id, rec.UserID(t.id, place)}, err, unsaid(err))
	}
	return Receipt{Panel: t.id, Place: place, Revision: d.user.Revision}, nil
}

// wish moves the slot, checks the caller's revision, and writes it.
func (d *decision) wish(w panel.Wish, o wishOptions) error {
	if o.revision != 0 && o.revision != d.user.Revision {
		return flow.ErrRevision
	}
	w.At = d.Now()
	if !w.Remove && w.Until.IsZero() && !o.stands {
		w.Until = d.Now().Add(d.tab.op.desk.o.GivingFor)
	}
	s, err := d.user.Wish(w)
	if err != nil {
		return err
	}
	d.Do(d.back(o)...)
	d.user.Slot = s
	d.user.Author = rec.Author{Kind: d.Actor().Kind(), ID: string(d.Actor().ID())}
	d.user.Held = false
	return nil
}

// write stores the user, moves its claims and marks the panel's line.
func (d *decision) write(before rec.User) error {
	after := d.user
	if d.refused {
		after.Wanted.Code.Names = append([]string{d.never()}, after.Wanted.Code.Names[1:]...)
	}
	claims(d.Unit, d.id, before, &after)
	d.user.Holder, d.user.Leaving = after.Holder, after.Leaving
	d.Do(store.Mark{Line: linePanel(d.tab.id)})
	return keep(d.Unit, d.id, before, &d.user)
}

// put stores a user who was moved, and its claims with it.
func put(u *flow.Unit, id string, before rec.User, user *rec.User) error {
	claims(u, id, before, user)
	return keep(u, id, before, user)
}

// keep stores a user who was moved. What its holder was offered ends if it leads to nothing
// any more.
func keep(u *flow.Unit, id string, before rec.User, user *rec.User) error {
	if err := u.KeepOffer(id, before, user); err != nil {
		return err
	}
	return flow.Put(u, rec.Users, id, user)
}

// say adds the entry of a decision about a user.
func (d *decision) say(action audit.Action, fields ...flow.Field) error {
	id, err := sayUser(d.Unit, action, audit.Success, d.panel, d.user, d.id, fields...)
	if err == nil {
		d.user.LastEntry = id
	}
	return err
}

// sayUser adds an entry about a user, found by the panel, the user and the account.
func sayUser(u *flow.Unit, action audit.Action, outcome audit.Outcome, p rec.Panel, user rec.User, id string, fields ...flow.Field) (string, error) {
	targets := []string{user.Panel, id, flow.Site(p.Site)}
	all := []flow.Field{flow.F(audit.FieldPanel, user.Panel), flow.F(audit.FieldIdent, p.Ident), flow.F(audit.FieldSite, p.Site),
		flow.F(audit.FieldUser, id), flow.F(audit.FieldTenancy, number(user.Tenancy))}
	if user.Slot.Slot > 0 {
		all = append(all, flow.F(audit.FieldSlot, number(user.Slot.Slot)))
	} else {
		all = append(all, flow.F(audit.FieldPlace, user.ID))
	}
	if l := user.CurrentLink(); l != nil {
		targets = append(targets, l.Account)
		all = append(all, flow.F(audit.FieldAccount, l.Account))
	}
	return u.Say(action, outcome, targets, append(all, fields...)...)
}

// subject is whose key seals a user's label: the linked account's, else the panel's.
func subject(user rec.User) string {
	if l := user.CurrentLink(); l != nil {
		return audit.AccountActor + "/" + l.Account
	}
	return audit.PanelActor + "/" + user.Panel
}

// holder is who holds a user's codes: the person where one is linked, else the place.
func holder(id string, user rec.User) string {
	if l := user.CurrentLink(); l != nil {
		return l.Account
	}
	return id
}

// mostReleased is how many names one change about a user claims, hands over and lets go.
// What more is to be handed over or let go waits for the next, because a change holds a
// bounded number of operations.
const mostReleased = 32

// claims adds the operations by which the store follows a moved slot: what is new in
// its claims is claimed, what is gone is released. A new holder takes over.
func claims(u *flow.Unit, id string, before rec.User, after *rec.User) {
	old := before.Holder
	now := holder(id, *after)
	if old == "" {
		old = now
	}
	was := map[string]string{} // who holds a name
	for _, n := range before.Claims() {
		was[n] = old
	}
	for _, l := range before.Leaving {
		was[l.Name] = l.Holder
	}
	room := mostReleased
	wanted := after.Claims()
	for _, n := range wanted {
		if _, held := was[n]; !held {
			u.Do(store.Claim{Name: store.Name(n), Holder: now, Use: id})
			room--
		}
	}
	after.Leaving, after.Holder = nil, ""
	for _, n := range wanted {
		from, held := was[n]
		delete(was, n)
		switch {
		case !held || from == now:
		case room > 0:
			u.Do(store.Claim{Name: store.Name(n), Holder: now, Use: id, From: from})
			room--
		default:
			after.Leaving = append(after.Leaving, rec.Left{Name: n, Holder: from})
		}
	}
	known := sentNames(before)
	for _, n := range slices.Sorted(maps.Keys(was)) {
		if room > 0 {
			r := store.Release{Name: store.Name(n), Holder: was[n], Use: id}
			if slices.Contains(known, n) {
				r.RestUntil = u.RestUntil()
			}
			u.Do(r)
			room--
		} else {
			after.Leaving = append(after.Leaving, rec.Left{Name: n, Holder: was[n]})
		}
	}
	if len(wanted) > 0 {
		after.Holder = now
	}
}

// sentNames lists the names of the codes and tags of a user that have left for the panel.
func sentNames(user rec.User) []string {
	sent := user.Slot
	sent.Pending = 0
	names := sent.Claims()
	for _, l := range user.Leaving {
		names = append(names, l.Name)
	}
	return names
}

// wishOptions are what every wish can be given.
type wishOptions struct {
	revision uint64
	until    time.Time
	confirm  string
	reason   string
	back     []store.Count // gives a reservation back when the wish is accepted
	blind    bool          // whoever asks may not know why a code is not available
	vacant   bool          // the place must have nobody
	stands   bool          // it follows from rules, so it does not end by itself
}

// paid adds what gives back the reservation of somebody who may not know why a code is
// not available; who had to reserve nothing may.
func (o wishOptions) paid(back []store.Count) wishOptions {
	o.back, o.blind = back, len(back) > 0
	return o
}

// WishOption qualifies a wish.
type WishOption func(*wishOptions)

// AtRevision refuses the wish with a conflict if the user has been wished at since: it
// is the ETag of [Row] and [Details].
func AtRevision(n uint64) WishOption { return func(o *wishOptions) { o.revision = n } }

// Until ends a wish that gives access if the panel has not been reached by then.
func Until(t time.Time) WishOption { return func(o *wishOptions) { o.until = t } }

// Confirmed carries the confirmation that a policy or operation asks for.
func Confirmed(text string) WishOption { return func(o *wishOptions) { o.confirm = text } }

// Because gives the reason in a person's words; it is recorded in clear.
func Because(text string) WishOption { return func(o *wishOptions) { o.reason = text } }

func options(list []WishOption) wishOptions {
	var o wishOptions
	for _, f := range list {
		f(&o)
	}
	return o
}
