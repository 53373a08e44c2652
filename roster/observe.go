package roster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// batch is how many users go into one commit: an entry, a record, a few claims for each.
const batch = 8

// state turns a report into the slot machine's terms. What a panel says is not trusted
// to be sane: text is cut and cleaned, partitions and roles are those of the model.
func (d *Desk) state(panelID string, m panel.Model, r panel.Report) (panel.State, error) {
	s := panel.State{Set: r.Exists, Known: r.Known | panel.FieldCode}
	if !r.Exists {
		s.Known = panel.FieldCode
		return s, nil
	}
	s.Label = cleanText(r.Label, 64)
	if m.Allows(r.Role) {
		s.Role = r.Role
	}
	s.Partitions = r.Partitions & m.AllPartitions()
	tags, err := d.seenTags(panelID, r)
	if err != nil {
		return s, err
	}
	s.TagRefs, s.Tags = tags, max(r.Tags, len(r.LegacyTags)+len(r.LockTags))
	if s.Tags <= len(tags) {
		s.Tags = 0 // all numbers are shown, and looked at
	}
	s.Keypads, s.Locks, s.Window = cleanList(r.Keypads), cleanList(r.Locks), r.Window
	switch {
	case r.Sight == panel.Value && !r.Code.IsZero():
		names, err := codeNames(d.core.Keys, panelID, r.Code)
		if err != nil {
			return s, err
		}
		s.Code = panel.CodeRef{Names: names, Mark: names[0]}
	case r.Sight == panel.Marked && len(r.Mark) > 0:
		marks, err := credentials.Names(d.core.Keys, panelScope(panelID), credentials.MarkMaterial(r.Mark))
		if err != nil {
			return s, err
		}
		s.Code = panel.CodeRef{Mark: marks[0]}
	}
	return s, nil
}

func cleanText(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit])
	}
	return panel.CleanLabel(s)
}

func cleanList(in []string) []string {
	var out []string
	for _, s := range in {
		if s = cleanText(s, 64); s != "" && len(out) < 64 {
			out = append(out, s)
		}
	}
	return out
}

// sighted is what was read about one place.
type sighted struct {
	place   panel.Place
	report  panel.Report
	changed bool
}

// read asks the panel and takes in what it says. It returns how many users exist.
func (w *turn) read(ctx context.Context, q panel.Query) error {
	seen := map[panel.Place]bool{}
	var found []sighted
	for ev, err := range w.session.Read(ctx, q) {
		if err != nil {
			return err
		}
		switch {
		case ev.Panel != nil:
			if err := w.facts(ctx, *ev.Panel); err != nil {
				return err
			}
		case ev.User != nil:
			if err := w.panel.Model.CheckPlace(ev.User.Place); err != nil || seen[ev.User.Place] {
				return fmt.Errorf("%w: %w: a report about place %s", panel.ErrProtocol, panel.ErrDriver, ev.User.Place)
			}
			seen[ev.User.Place] = true
			found = append(found, sighted{place: ev.User.Place, report: *ev.User, changed: w.changed[ev.User.Place]})
		case ev.State != nil:
			w.keep(ev)
		}
	}
	if w.panel.Recoding != nil {
		return nil // the codes are read anew when they have been followed
	}
	if q.All {
		users, err := w.desk.usersOf(ctx, w.id)
		if err != nil {
			return err
		}
		for _, u := range users {
			if !seen[u.Place] {
				found = append(found, sighted{place: u.Place, report: panel.Report{Place: u.Place, Known: panel.FieldCode}})
			}
		}
	} else {
		for _, p := range q.Places {
			if !seen[p] {
				found = append(found, sighted{place: p, report: panel.Report{Place: p, Known: panel.FieldCode}})
			}
		}
	}
	baseline := q.All && w.panel.Baseline.IsZero()
	for len(found) > 0 {
		n := min(batch, len(found))
		if err := halves(found[:n], func(some []sighted) error { return w.take(ctx, some, baseline) }); err != nil {
			return err
		}
		found = found[n:]
	}
	if q.All {
		w.attempt.ReadAt = w.desk.core.Time()
		if baseline {
			return w.baselineDone(ctx)
		}
	}
	return nil
}

func (w *turn) baselineDone(ctx context.Context) error {
	_, err := w.act(ctx, func(u *flow.Unit) error {
		p, ok, err := flow.Load(u, rec.Panels, w.id)
		if err != nil || !ok {
			return err
		}
		p.Baseline = u.Now()
		w.panel = p
		if err := flow.Put(u, rec.Panels, w.id, &p); err != nil {
			return err
		}
		_, err = u.Say(audit.PanelBaseline, audit.Success, []string{w.id, flow.Site(p.Site)}, flow.F(audit.FieldPanel, w.id), flow.F(audit.FieldIdent, p.Ident))
		return err
	})
	return err
}

// facts takes in what a panel says about itself, if it is news.
func (w *turn) facts(ctx context.Context, f panel.Facts) error {
	model, length := w.panel.Model, w.panel.CodeLen
	if f.Model != nil {
		model = *f.Model
	}
	if f.CodeLen != 0 {
		length = f.CodeLen
	}
	if f.Ident != "" && f.Ident != w.panel.Ident {
		return panel.ErrIdentity
	}
	if length == w.panel.CodeLen && same(model, w.panel.Model) {
		return nil
	}
	_, err := w.act(ctx, func(u *flow.Unit) error {
		p, ok, err := flow.Load(u, rec.Panels, w.id)
		if err != nil || !ok {
			return err
		}
		if p.CodeLen != 0 && p.CodeLen != length && model.Code.Recode == panel.RecodeAppend && !p.Baseline.IsZero() {
			now := rec.Recoding{From: p.CodeLen, Since: u.Now()}
			if was := p.Recoding; was != nil { // which is not followed yet
				now = *was
				now.Through = append(slices.Clone(was.Through), p.CodeLen)
			}
			p.Recoding = &now
		}
		p.Model, p.CodeLen = model, length
		w.panel = p
		if err := flow.Put(u, rec.Panels, w.id, &p); err != nil {
			return err
		}
		_, err = u.Say(audit.PanelChanged, audit.Success, []string{w.id, flow.Site(p.Site)}, flow.F(audit.FieldPanel, w.id),
			flow.F(audit.FieldIdent, p.Ident), flow.F(audit.FieldModel, p.Model.Name), flow.F(audit.FieldFields, "model, code length"))
		return err
	})
	return err
}

// take commits a batch of reports: only what changes anything is written.
func (w *turn) take(ctx context.Context, list []sighted, baseline bool) error {
	var alerts []Alert
	_, err := w.act(ctx, func(u *flow.Unit) error {
		alerts = nil
		touched := 0
		for _, g := range list {
			id := rec.UserID(w.id, g.place)
			user, ok, err := flow.Load(u, rec.Users, id)
			if err != nil {
				return err
			}
			if !ok {
				if !g.report.Exists {
					continue
				}
				user = rec.User{Panel: w.id, Site: w.panel.Site, Slot: panel.Slot{Place: g.place}}
			}
			seen, err := w.sighting(u.Now(), g)
			if err != nil {
				return err
			}
			if ok && still(&user, &seen, &w.panel.Model) {
				continue
			}
			before := user
			found, err := w.observe(u, &user, seen)
			if err != nil {
				return err
			}
			if ok && unchanged(before, user) {
				continue
			}
			touched++
			if alert, ok := w.tell(u.Now(), before, user, found, baseline); ok {
				alerts = append(alerts, alert)
			}
			if err := w.sayFound(u, before, user, id, found, baseline); err != nil {
				return err
			}
			if err := put(u, id, before, &user); err != nil {
				return err
			}
		}
		if baseline && touched > 0 {
			_, err := u.Say(audit.PanelBaseline, audit.Success, []string{w.id, flow.Site(w.panel.Site)}, flow.F(audit.FieldPanel, w.id),
				flow.F(audit.FieldIdent, w.panel.Ident), flow.F(audit.FieldUsers, number(touched)))
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, a := range alerts {
		w.desk.alert(a)
	}
	return nil
}

// sighting is what was read in the slot machine's terms.
func (w *turn) sighting(at time.Time, g sighted) (panel.Sighting, error) {
	st, err := w.desk.state(w.id, w.panel.Model, g.report)
	seen := panel.Sighting{State: st, Sight: g.report.Sight, At: at, Changed: g.changed}
	if err != nil || w.panel.Model.Secret == 0 || g.place.Slot != w.panel.Model.Secret || !st.Set {
		return seen, err
	}
	code, err := w.openedWith()
	if err != nil || len(code.Names) == 0 {
		return seen, err
	}
	seen.Sight, seen.State.Code = panel.Value, code
	return seen, nil
}

// openedWith is the code with which the panel has opened: whoever it belongs to has this
// code, as surely as if the panel had shown it. Nothing, if there are several routes or
// the secret is no code.
func (w *turn) openedWith() (panel.CodeRef, error) {
	if len(w.opened.Routes) != 1 {
		return panel.CodeRef{}, nil
	}
	for _, r := range w.opened.Routes {
		code, err := panel.ParseCode(r.Secrets[panel.MasterSecret].Reveal())
		if err != nil {
			return panel.CodeRef{}, nil //nolint:nilerr // this secret is no code of a user
		}
		names, err := codeNames(w.desk.core.Keys, w.id, code)
		if err != nil {
			return panel.CodeRef{}, err
		}
		return panel.CodeRef{Names: names, Mark: names[0]}, nil
	}
	return panel.CodeRef{}, nil
}

// still reports whether observe would leave a stored user as it is. Most of a full read
// is so, and comparing whole records takes far longer.
func still(user *rec.User, g *panel.Sighting, m *panel.Model) bool {
	keeps := m.Code.Recode == panel.RecodeAppend
	return user.Still(g) && user.FirstSeen.IsZero() && !user.Baseline && user.OverSince.IsZero() &&
		(user.Agreed.Code.Sealed.IsZero() || keeps) && user.Carry == nil && user.Adopted == nil
}

// observe moves a user by what was read.
func (w *turn) observe(u *flow.Unit, user *rec.User, g panel.Sighting) (panel.Finding, error) {
	at, st := g.At, g.State
	before := *user
	if w.panel.Baseline.IsZero() && w.panel.Replaces != "" {
		user.Job = nil // it ran on the hardware before
	}
	if w.panel.Baseline.IsZero() && w.panel.Replaces != "" && !st.Set && user.Agreed.Set {
		// New hardware: the users are wanted here, and their codes and tags are not kept.
		carry := user.Agreed
		carry.Set, carry.Code, carry.TagRefs, carry.Tags = false, panel.CodeRef{}, nil, 0
		user.Carry = &carry
		user.Slot = user.Rehoused()
		return 0, nil
	}
	var found panel.Finding
	user.Slot, found = user.Observe(g, w.panel.Model.Lag)
	if found.Has(panel.FoundUnmanaged) && before.Reported.Set {
		found &^= panel.FoundUnmanaged // it was told when it appeared
	}
	if user.Unmanaged() && w.panel.Model.Secret != 0 && user.Slot.Slot == w.panel.Model.Secret {
		if err := w.adoptSecret(u.Context(), user, at); err != nil {
			return found, err
		}
		found &^= panel.FoundUnmanaged
	}
	if user.Unmanaged() && user.FirstSeen.IsZero() {
		user.FirstSeen, user.Baseline = at, w.panel.Baseline.IsZero()
	}
	if !user.Unmanaged() {
		user.FirstSeen, user.Baseline = time.Time{}, false
	}
	finish(before, user, found, at, w.panel.Model)
	if found.Has(panel.FoundChanged) {
		return found, u.EndOffer(rec.UserID(w.id, user.Place), user, rec.OfferVoid, "the code was changed at the panel")
	}
	return found, nil
}

// finish notes how a wish ended, drops digits that nothing has to write any more (a panel
// that may rewrite its codes by itself needs them kept, to follow), and keeps count of since when a user has more access than was agreed.
func finish(before rec.User, user *rec.User, found panel.Finding, at time.Time, m panel.Model) {
	if before.Pending != 0 && user.Pending == 0 {
		e := &rec.Ended{Revision: user.Revision, How: string(Settled), At: at}
		switch {
		case found.Has(panel.FoundCancelled):
			e.How, e.Reason = string(Fallen), found.String()
		case len(user.Slot.Refused) > 0:
			e.How = string(Refused)
			for f := range before.Pending.Each() {
				why := user.Slot.Refused[f]
				if why == "" && user.Agreed.Set {
					e.How = string(Partly)
				} else if e.Reason == "" {
					e.Reason = why
				}
			}
		case before.ByHand() || m.Sight <= panel.Acked && before.Pending.Has(panel.FieldCode) && user.Agreed.Set:
			e.How = string(Unverified)
		}
		user.Ended = e
	}
	if found.Has(panel.FoundCancelled) && user.Pending != 0 {
		// Part of the wish stands: what fell is told when the rest has ended.
		user.Slot.Refused = maps.Clone(user.Slot.Refused)
		if user.Slot.Refused == nil {
			user.Slot.Refused = map[panel.Field]string{}
		}
		for f := range (before.Pending &^ user.Pending).Each() {
			user.Slot.Refused[f] = found.String()
		}
	}
	if m.Code.Recode != panel.RecodeAppend && !user.Pending.Has(panel.FieldCode) && !user.Unsure.Has(panel.FieldCode) && user.Flight == nil {
		user.Agreed.Code.Sealed = credentials.Sealed{}
		for i := range user.Sent {
			user.Sent[i].Sealed = credentials.Sealed{}
		}
	}
	if user.Reported.Set {
		user.Carry = nil
	}
	switch {
	case user.Over && user.OverSince.IsZero():
		user.OverSince = at
	case !user.Over:
		user.OverSince = time.Time{}
	}
	if !user.Agreed.Set || user.Agreed.Code.Ours() {
		user.Collided = time.Time{}
	}
	if user.Adopted != nil && (!user.Agreed.Set || user.Agreed.Code.Ours()) {
		user.Adopted = nil // its code is ours now, or it is gone
	}
}

// sayFound adds the entry for a moved user.
func (w *turn) sayFound(u *flow.Unit, before, user rec.User, id string, found panel.Finding, baseline bool) error {
	if baseline && found&^panel.FoundUnmanaged == 0 && before.Pending == user.Pending {
		return nil // one entry for the batch says it
	}
	action := audit.UserReported
	switch {
	case found.Has(panel.FoundUnmanaged):
		action = audit.UserUnmanagedFound
	case found&(panel.FoundRemoved|panel.FoundNarrowed) != 0:
		action = audit.UserDriftAdopted
	case found&(panel.FoundChanged|panel.FoundDrift) != 0:
		action = audit.UserDriftFound
	case before.Pending != user.Pending:
		action = audit.UserSettled
	}
	about := user
	if found.Has(panel.FoundRemoved) {
		about.Tenancy = before.Tenancy // it ended with this
	}
	fields := []flow.Field{flow.F(audit.FieldSight, number(int(w.panel.Model.Sight)))}
	if found != 0 {
		fields = append(fields, flow.F(audit.FieldReason, found.String()))
	}
	if d := user.Drift(); d != 0 {
		fields = append(fields, flow.F(audit.FieldFields, d.String()))
	}
	_, err := sayUser(u, action, audit.Success, w.panel, about, id, fields...)
	return err
}

// tell says which alert a finding asks for.
func (w *turn) tell(at time.Time, before, user rec.User, found panel.Finding, baseline bool) (Alert, bool) {
	a := Alert{At: at, Panel: w.id, Place: user.Place, Text: found.String()}
	switch {
	case found.Has(panel.FoundUnmanaged) && !baseline:
		a.Kind = UnmanagedFound
	case found&(panel.FoundRemoved|panel.FoundChanged|panel.FoundNarrowed) != 0:
		a.Kind = ChangedAtPanel
	case found.Has(panel.FoundDrift) && before.Drift() != user.Drift():
		a.Kind = Drifted
	default:
		return a, false
	}
	return a, true
}
