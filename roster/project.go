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
	tags    []rec.Credential
	targets map[string]target // by panel
	next    time.Time         // when the plan changes by itself, zero: never
}

// decide reads the person and decides for one device, or, without one, for all. The
// commit of whatever follows checks the person again.
func (w *pass) decide(u *flow.Unit, only string) (plan, error) {
	p := plan{account: w.account, targets: map[string]target{}}
	var err error
	if p.stand, err = w.desk.stands(u, p.account); err != nil {
		return p, err
	}
	if p.owner, _, err = flow.Load(u, rec.Projections, p.account); err != nil {
		return p, err
	}
	if p.pin, _, err = flow.Load(u, rec.Credentials, rec.CredentialID(p.account, rec.PIN, 0)); err != nil {
		return p, err
	}
	for _, n := range p.owner.Tags {
		t, _, err := flow.Load(u, rec.Credentials, rec.CredentialID(p.account, rec.TagNumber, n))
		if err != nil {
			return p, err
		}
		p.tags = append(p.tags, t)
	}
	if !p.in || !p.pin.Works() {
		return p, nil
	}
	own, err := p.pin.Hours()
	if err != nil {
		return p, err
	}
	for id, reach := range w.reaches(p.as) {
		if only != "" && id != only {
			continue
		}
		device, found, err := flow.Peek(u, rec.Panels, id)
		if err != nil {
			return p, err
		}
		if found && device.State != rec.Retired && !p.owner.Ended.Holds(device.Site) {
			p.aim(id, device.Model, reach.tags, hours{windows: append(slices.Clone(p.windows), p.pin.Window), own: own, rules: reach.hours()}, w.now)
		}
	}
	return p, nil
}

// aim adds what one device should have now, and notes when that changes.
func (p *plan) aim(id string, m panel.Model, tags bool, h hours, now time.Time) {
	from, until, ever := h.stretch(now)
	if !ever {
		return
	}
	t := target{}
	begins := from
	if m.Writes().Has(panel.FieldFrom | panel.FieldUntil) {
		t.window = &panel.Window{From: from, Until: until}
		if !from.IsZero() {
			begins = from.Add(-projectLead)
		}
	}
	if now.Before(begins) {
		p.next = sooner(p.next, begins)
		return
	}
	p.next = sooner(p.next, until)
	if tags {
		p.addTags(&t, m)
	}
	p.targets[id] = t
}

// addTags adds the tags that work to what a device with tags should have.
func (p *plan) addTags(t *target, m panel.Model) {
	for _, f := range []panel.Field{panel.FieldLegacyTags, panel.FieldLockTags} {
		if m.Writes().Has(f) {
			t.field = f
			break
		}
	}
	for _, tag := range p.tags {
		if t.field != 0 && tag.Works() {
			t.tags = append(t.tags, tag)
		}
	}
}

// stale lists what of a user differs from what the device should have. In a window that
// has begun it does not matter when.
func (p *plan) stale(u rec.User, t target, now time.Time) panel.Field {
	var f panel.Field
	if u.Projected.Generation != p.pin.Generation {
		f |= panel.FieldCode
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

func (t target) generations() []uint64 {
	var out []uint64
	for _, tag := range t.tags {
		out = append(out, tag.Generation)
	}
	return out
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
	r := u.Projected
	if r == nil || r.Account != p.account || r.Taken || r.Generation != p.pin.Generation {
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
func (p *plan) whyNot(site string) string {
	switch {
	case p.owner.Ended.Holds(site):
		return "ended everywhere"
	case p.gone:
		return "the account was removed"
	case !p.in:
		return "the account was suspended or revoked"
	case !p.pin.Works():
		return "the PIN was taken away"
	}
	return "no rule or window lets them in"
}

// openPIN opens a PIN, the one that was claimed.
func (d *Desk) openPIN(c rec.Credential) (panel.Code, error) {
	return credentials.OpenNamedCode(d.opener, d.core.Keys, rec.CredentialBinding(c.Account, c.Kind, c.Generation), c.Sealed, tenant(), c.Names)
}

// openTag opens a tag, the one that was claimed.
func (d *Desk) openTag(c rec.Credential) (panel.Tag, error) {
	return credentials.OpenNamedTag(d.opener, d.core.Keys, rec.CredentialBinding(c.Account, c.Kind, c.Generation), c.Sealed, tenant(), c.Names)
}
