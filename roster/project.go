package roster

import (
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// projectLead is how long before its window begins a user is written to a device that
// keeps windows itself. A device that does not gets the user when the window begins.
const projectLead = 24 * time.Hour

// target is what one device should have of a person.
type target struct {
	window *panel.Window // nil: the device keeps none
	until  time.Time     // when we take it away, because the device does not; zero: we do not
	pin    uint64        // generation of the PIN, 0: tags alone
	duress uint64        // generation of the duress PIN, 0: none
	blind  bool          // nobody hears it: the duress PIN that is there stays
	doors  bool          // they operate no alarm
	tags   []rec.Credential
	field  panel.Field // in which the device keeps tags
}

// plan is what every device should have of a person at one time. It follows from the
// stored end state alone.
type plan struct {
	stand
	account string
	owner   rec.Projection
	pin     rec.Credential
	duress  rec.Credential
	own     *credentials.Compiled // hours of the PIN
	used    rec.Usage
	life    credentials.Window // what its uses leave of it
	tags    []rec.Credential
	targets map[string]target // by panel
	cannot  map[string]string // by panel: why it cannot keep what rules give them
	next    time.Time         // when the plan changes by itself, zero: never
}

// decide reads the person and decides for one device, or, without one, for all. The
// commit of whatever follows checks the person again.
func (w *pass) decide(u *flow.Unit, only string) (plan, error) {
	p := plan{account: w.account, targets: map[string]target{}, cannot: map[string]string{}}
	if err := w.person(u, &p); err != nil || !p.in {
		return p, err
	}
	for at, reach := range w.reaches(p.as) {
		id := at.panel
		if only != "" && id != only {
			continue
		}
		device, err := w.rel.device(u.Context(), w.desk, id)
		if only != "" { // a wish goes by the panel as it is
			device, err = w.desk.device(u.Context(), id)
		}
		if err != nil {
			return p, err
		}
		if !device.found || device.Site != at.site || device.State == rec.Retired || p.owner.Ended.Holds(device.Site) || !p.here(device.Site) {
			continue
		}
		p.aim(id, device.Model, reach, device.listen, w.now)
	}
	return p, nil
}

// person reads who the person is and what they have.
func (w *pass) person(u *flow.Unit, p *plan) error {
	var err error
	if p.stand, err = w.desk.stands(u, p.account); err != nil {
		return err
	}
	if p.owner, _, err = flow.Load(u, rec.Projections, p.account); err != nil {
		return err
	}
	if p.pin, _, err = flow.Load(u, rec.Credentials, rec.CredentialID(p.account, rec.PIN, 0)); err != nil {
		return err
	}
	if p.duress, _, err = flow.Load(u, rec.Credentials, rec.CredentialID(p.account, rec.DuressPIN, 0)); err != nil {
		return err
	}
	for _, n := range p.owner.Tags {
		t, _, err := flow.Load(u, rec.Credentials, rec.CredentialID(p.account, rec.TagNumber, n))
		if err != nil {
			return err
		}
		p.tags = append(p.tags, t)
	}
	if p.pin.Counted() {
		if p.used, _, err = flow.Load(u, rec.Usages, rec.CredentialID(p.account, rec.PIN, 0)); err != nil {
			return err
		}
		var left bool
		p.life.Until, left = p.pin.Lasts(p.used)
		p.life.Revoked = !left
	}
	p.own, err = p.pin.Hours()
	return err
}

// aim adds what one device should have now, and notes when that changes: the PIN with the
// tags that may be used alike, else the tags alone, where the device can have these.
func (p *plan) aim(id string, m panel.Model, r reach, listens bool, now time.Time) {
	if r.more && len(r.keypad)+len(r.reader) == 0 {
		p.cannot[id] = alone
		return
	}
	t := target{field: tagField(m), doors: r.doors && m.Kind != panel.Access}
	if t.doors && m.DoorRole == "" {
		p.cannot[id] = "the panel has no rank for who may use doors only"
		return
	}
	if len(r.keypad) > 0 && p.pin.Works() {
		why := unkept(p.pin, listens)
		switch {
		case why != "":
			p.cannot[id] = why
		case !p.life.Revoked && p.holds(&t, m, p.typed(r), now):
			t.pin = p.pin.Generation
			p.aimDuress(&t, m, listens)
			if r.both {
				p.addTags(id, &t, now)
			}
			p.targets[id] = t
			return
		}
	}
	if len(r.reader) > 0 && m.Codeless && t.field != 0 {
		if p.holds(&t, m, hours{windows: p.windows, rules: credentials.Union(r.reader...)}, now) {
			if p.addTags(id, &t, now); len(t.tags) > 0 {
				p.targets[id] = t
			}
		}
	}
}

// typed is when the person may enter by their PIN.
func (p *plan) typed(r reach) hours {
	return hours{windows: append(slices.Clone(p.windows), p.pin.Window, p.life), own: p.own, rules: credentials.Union(r.keypad...)}
}

// holds reports whether a device should have somebody now who may enter at such hours.
func (p *plan) holds(t *target, m panel.Model, h hours, now time.Time) bool {
	from, until, ok := h.stretch(now)
	if !ok {
		p.next = sooner(p.next, until)
		return false
	}
	begins := from
	t.window, t.until = nil, until
	if m.Writes().Has(panel.FieldFrom | panel.FieldUntil) {
		t.window, t.until = &panel.Window{From: from, Until: until}, time.Time{}
		if !from.IsZero() {
			begins = from.Add(-projectLead)
		}
	}
	if now.Before(begins) {
		p.next = sooner(p.next, begins)
		return false
	}
	p.next = sooner(p.next, until)
	return true
}

// alone is why a device cannot keep what opens only beside another credential.
const alone = "the device does not ask for more than one credential"

// unkept says why a device cannot keep a credential as it is restricted, "" if it can. It
// is never given to one that would open more with it.
func unkept(c rec.Credential, listens bool) string {
	switch c.Type {
	case credentials.NonAccess, credentials.RemoteOnly, credentials.Forced:
		return "a credential of this type is not given to devices"
	}
	if c.Needs > 1 {
		return alone
	}
	if c.Counted() && !listens {
		return "the device does not tell when a credential was used"
	}
	return ""
}

// aimDuress adds the duress PIN where the device raises the alarm by telling who opened,
// and somebody hears it. It is never given as an ordinary code.
func (p *plan) aimDuress(t *target, m panel.Model, listens bool) {
	if m.Duress != panel.DuressByEvent || !p.duress.Works() {
		return
	}
	t.duress, t.blind = p.duress.Generation, !listens
}

// tagField is where a device keeps tags, 0: it keeps none.
func tagField(m panel.Model) panel.Field {
	for _, f := range []panel.Field{panel.FieldLegacyTags, panel.FieldLockTags} {
		if m.Writes().Has(f) {
			return f
		}
	}
	return 0
}

// addTags adds the tags that open now to what a device with tags should have.
func (p *plan) addTags(id string, t *target, now time.Time) {
	for _, tag := range p.tags {
		if t.field == 0 || !tag.Works() {
			continue
		}
		if why := unkept(tag, false); why != "" { // a device tells who opened, not by which tag
			p.cannot[id] = why
			continue
		}
		own, err := tag.Hours()
		if err != nil {
			continue // a schedule that cannot be read opens nothing
		}
		h := hours{windows: []credentials.Window{tag.Window}, own: own}
		p.next = sooner(p.next, h.next(now))
		if h.open(now) {
			t.tags = append(t.tags, tag)
		}
	}
}

// stale lists what of a user differs from what the device should have. In a window that
// has begun it does not matter when.
func (p *plan) stale(u rec.User, t target, now time.Time) panel.Field {
	var f panel.Field
	if u.Projected.Generation != t.pin || undone(u) || !t.blind && u.Projected.Duress != t.duress {
		f |= panel.FieldCode
	}
	if u.Projected.Doors != t.doors {
		f |= panel.FieldRole
	}
	if t.window != nil {
		have := u.Agreed.Window
		if u.Pending.Has(panel.FieldFrom) {
			have.From = u.Wanted.Window.From
		}
		if u.Pending.Has(panel.FieldUntil) {
			have.Until = u.Wanted.Window.Until
		}
		begun := !have.From.After(now) && !t.window.From.After(now)
		if !begun && !have.From.Equal(t.window.From) || !have.Until.Equal(t.window.Until) {
			f |= panel.FieldFrom | panel.FieldUntil
		}
	}
	if !slices.Equal(u.Projected.Tags, t.generations()) {
		f |= t.field
	}
	return f
}

// undone reports whether a device still has another code of ours than was wished for: it
// refused that one, or somebody took the wish back.
func undone(u rec.User) bool {
	r := u.Projected
	return r.Code != 0 && !u.Pending.Has(panel.FieldCode) && u.Agreed.Code.Ours() && u.Agreed.Code.ID != r.Code
}

func (t target) generations() []uint64 {
	var out []uint64
	for _, tag := range t.tags {
		out = append(out, tag.Generation)
	}
	return out
}

// goes reports whether a user has to go from a device: nobody should be there, or only
// somebody without the PIN that the user has.
func (p *plan) goes(u rec.User) bool {
	t, wanted := p.targets[u.Panel]
	return p.theirs(u) && u.Exists() && (!wanted || p.made(u) && t.pin == 0 && u.Projected.Generation != 0)
}

// made reports whether a user was made for the person and still is theirs.
func (p *plan) made(u rec.User) bool {
	r := u.Projected
	return r != nil && r.Account == p.account && r.Tenancy == u.Tenancy
}

// theirs reports whether the plan has to do with a user: one that was made for the
// person, or, if they are ended there, one that they were assigned.
func (p *plan) theirs(u rec.User) bool {
	l := u.CurrentLink()
	return p.made(u) || l != nil && l.Account == p.account && p.owner.Ended.Holds(u.Site)
}

// withheld reports whether somebody else has taken the person's user away: less access
// wins, until there is another PIN.
func (p *plan) withheld(u rec.User) bool {
	r, t := u.Projected, p.targets[u.Panel]
	if r == nil || r.Account != p.account || r.Taken || r.Generation != t.pin || t.pin == 0 && !slices.Equal(r.Tags, t.generations()) {
		return false
	}
	return r.Tenancy != u.Tenancy ||
		!u.Exists() && (u.Gone == panel.AtPanel || u.Ended != nil && (u.Ended.How == string(Cancelled) || u.Ended.How == string(Fallen)))
}

// free reports whether the person can have a user at a place: it is vacant, or it was
// theirs and nobody has had it since.
func (p *plan) free(u rec.User) bool {
	r := u.Projected
	mine := r != nil && r.Account == p.account
	return vacant(u) || mine && !u.Exists() && (r.Tenancy == u.Tenancy && u.Idle() || r.Taken && u.Tenancy == r.Tenancy+1)
}

// whyNot says in a few words why a device of a site loses the person.
func (p *plan) whyNot(id, site string) string {
	switch {
	case p.cannot[id] != "":
		return p.cannot[id]
	case p.owner.Ended.Holds(site):
		return "ended everywhere"
	case p.gone:
		return "the account was removed"
	case !p.in:
		return "the account was suspended or revoked"
	case !p.here(site):
		return "the installer is not accepted at the site"
	case p.life.Revoked:
		return "the PIN is used up"
	case !p.pin.Works():
		return "the PIN was taken away"
	}
	return "no rule or window lets them in"
}

// openPIN opens a PIN, the one that was claimed.
func (d *Desk) openPIN(c rec.Credential) (panel.Code, error) {
	return credentials.OpenNamedCode(d.opener, d.core.Keys, rec.CredentialBinding(c.Account, c.Kind, c.Generation), c.Sealed, flow.Tenant(), c.Names)
}

// openTag opens a tag, the one that was claimed.
func (d *Desk) openTag(c rec.Credential) (panel.Tag, error) {
	return credentials.OpenNamedTag(d.opener, d.core.Keys, rec.CredentialBinding(c.Account, c.Kind, c.Generation), c.Sealed, flow.Tenant(), c.Names)
}
