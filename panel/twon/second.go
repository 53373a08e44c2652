package twon

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// A holder's duress code has an entry of its own: the second one. Its uuid is that of the
// holder's entry with another version (RFC 9562: 8, "custom", for 4, "random"), so that
// either is found from the other with nothing but the uuid, in the directory and in an event
// log that remembers entries which are gone. It is ours if it also has our owner.
const (
	versionAt = 14 // of a uuid's text
	variantAt = 19
	random    = '4'
	custom    = '8'
)

// turned gives a uuid another version, if it has the first.
func turned(uuid string, from, to byte) (string, bool) {
	if len(uuid) != 36 || uuid[versionAt] != from || !strings.ContainsRune("89ab", rune(uuid[variantAt])) {
		return "", false
	}
	return uuid[:versionAt] + string(to) + uuid[versionAt+1:], true
}

// second is the uuid of a holder's second entry. Only the random uuids that the service
// mints have one.
func second(uuid string) (string, bool) { return turned(uuid, random, custom) }

// first is the holder's uuid of what may be a second entry.
func first(uuid string) (string, bool) { return turned(uuid, custom, random) }

// twofold reports whether a duress code can have an entry beside the one of uuid.
func (s *session) twofold(uuid string) bool {
	_, ok := second(uuid)
	return ok && s.model.Duress == panel.DuressByEvent
}

// isSecond reports whether an entry is a holder's second one.
func (s *session) isSecond(e entry) bool {
	_, ok := first(e.UUID)
	return ok && !e.Deleted && e.Owner == s.opts.Owner
}

// placeOf is the place that a change of an entry is about. What is deleted has no owner any
// more: it is taken for a second entry.
func (s *session) placeOf(e entry) panel.Place {
	if holder, ok := first(e.UUID); ok && (e.Deleted || s.isSecond(e)) {
		return panel.Place{ID: holder}
	}
	return panel.Place{ID: e.UUID}
}

// pair is a holder's edit with the work on the second entry that it makes.
type pair struct {
	*job
	second *job
	// owes are fields of the edit that the second entry does not follow yet: whatever comes
	// of the first, they are unsure.
	owes panel.Field
}

// pairs reads what is there of entries and their second ones.
func (s *session) pairs(ctx context.Context, jobs []*job) ([]*pair, error) {
	out := make([]*pair, len(jobs))
	all := slices.Clone(jobs)
	for i, j := range jobs {
		out[i] = &pair{job: j, second: &job{found: entry{Deleted: true}}}
		if uuid, ok := second(j.uuid); ok {
			out[i].second.uuid = uuid
			all = append(all, out[i].second)
		}
	}
	if err := s.find(ctx, all); err != nil {
		return nil, err
	}
	for _, p := range out {
		p.second.found.Deleted = !s.isSecond(p.second.found)
		if s.isSecond(p.found) {
			p.found = entry{UUID: p.uuid, Deleted: true} // it is nobody's place
		}
	}
	return out, nil
}

// task gives the work on a second entry, with values for the whole of it.
func (p *pair) task(do panel.Do, set panel.Field, v panel.Values) {
	e := panel.Edit{Place: panel.Place{ID: p.second.uuid}, Do: do, Set: set, Values: v}
	if do == panel.Create {
		e.Unsure = panel.FieldCode // what is there without a code is overwritten
	}
	p.second.edit, p.second.out = e, panel.Outcome{Refused: map[panel.Field]error{}}
}

// whole are the fields of a second entry: never cards.
func (s *session) whole() panel.Field {
	set := panel.FieldCode
	if s.shape.name {
		set |= panel.FieldLabel
	}
	if s.shape.window {
		set |= panel.FieldFrom | panel.FieldUntil
	}
	return set
}

// after are the name and the validity that an entry has, with what an edit writes of them.
func (j *job) after() (panel.Values, error) {
	var v panel.Values
	if j.edit.Do == panel.Change {
		w, err := j.found.Access.window()
		if err != nil {
			return v, err
		}
		v.Label, v.Window = j.found.Name, panel.Window{From: w.From, Until: w.Until}
	}
	for f := range j.left().Each() {
		switch f {
		case panel.FieldLabel:
			v.Label = j.edit.Label
		case panel.FieldFrom:
			v.Window.From = j.edit.Window.From
		case panel.FieldUntil:
			v.Window.Until = j.edit.Window.Until
		}
	}
	return v, nil
}

// gives prepares the second entry of an edit that sets a duress code. It is there before
// the holder's own code is.
func (s *session) gives(p *pair) (bool, error) {
	if p.do == nothing || p.edit.Duress.IsZero() || !p.left().Has(panel.FieldCode) {
		return false, nil
	}
	if p.edit.Do == panel.Change && p.found.Access.shut() && p.second.found.Deleted {
		p.refuse(panel.FieldCode, fmt.Errorf("%w: %w", panel.ErrRefused, ErrShut))
		return false, nil
	}
	v, err := p.after()
	if err != nil {
		return false, err
	}
	v.Code = p.edit.Duress
	do := panel.Create
	switch {
	case p.edit.Do == panel.Replace:
		do = panel.Replace
	case !p.second.found.Deleted && p.second.found.Access.exists():
		do = panel.Change
	}
	p.task(do, s.whole(), v)
	return true, nil
}

// follows prepares what the second entry still needs once the first is written: it goes
// with the code or the whole user, becomes again what it was if the code was refused, and
// takes on a new name or validity.
func (s *session) follows(p *pair) bool {
	there := !p.second.found.Deleted
	beside := p.out.Done & s.whole() &^ panel.FieldCode
	switch {
	case p.owes != 0 && !there:
		p.second.found = entry{UUID: p.second.uuid, Owner: s.opts.Owner} // it was made in vain
		p.task(panel.Remove, panel.FieldCode, panel.Values{})
	case p.owes != 0:
		w, err := p.second.found.Access.window()
		c, unread := panel.ParseCode(s.digits(p.second.found))
		if err != nil || unread != nil {
			return false // what it was is not known
		}
		p.task(panel.Change, s.whole(), panel.Values{Code: c, Label: p.second.found.Name, Window: panel.Window{From: w.From, Until: w.Until}})
	case !there:
		return false
	case p.out.Done.Has(panel.FieldCode) && p.edit.Duress.IsZero():
		p.owes = panel.FieldCode
		p.task(panel.Remove, panel.FieldCode, panel.Values{})
	case beside != 0 && p.second.out.Done == 0 && p.second.found.Access.exists():
		p.owes = beside
		p.task(panel.Change, beside, p.edit.Values)
	default:
		return false
	}
	return true
}

// conclude leaves in doubt what the second entry does not follow: the next edit cures it.
func (p *pair) conclude() {
	p.out.Done &^= p.owes
	p.out.Unsure |= p.owes
	for f := range p.owes.Each() {
		delete(p.out.Refused, f)
	}
}
