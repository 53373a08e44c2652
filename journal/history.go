package journal

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// history is what entries, taken in one after the other, say about the users of panels.
type history struct {
	panels map[string]*panelHistory
	places map[string]*placeHistory // by the id of the panel user
}

// panelHistory is where a panel belonged at the time of the last entry.
type panelHistory struct{ site, ident string }

// placeHistory is one place with everybody who may have a code there.
type placeHistory struct {
	panel string
	place panel.Place
	open  []*stay         // the oldest first
	last  *stay           // the one that ended last
	links map[uint64]link // by tenancy
	do    string          // what the last edit that was sent does
	sent  map[uint64]bool // tenancies of which a code has left
}

// link is the person of a tenancy.
type link struct {
	account string
	email   audit.Field
	since   time.Time
}

// stay is somebody's time at a place, as far as it has come.
type stay struct {
	tenancy                   uint64
	how                       Arrival
	since, confirmed, leaving time.Time
	entry                     string
	values                    map[string]wished // by the name of the field
}

// wished is a value that was asked for, and the one before, which stands again if the
// wish comes to nothing.
type wished struct{ now, before audit.Field }

// The fields of a user that a history follows.
var followed = []string{audit.FieldLabel, audit.FieldRole, audit.FieldPartitions, audit.FieldFrom, audit.FieldUntil}

func newHistory() *history {
	return &history{panels: map[string]*panelHistory{}, places: map[string]*placeHistory{}}
}

// take takes in the next entry.
func (h *history) take(e audit.Entry) {
	id := e.Value(audit.FieldPanel)
	if id == "" {
		return
	}
	if site := e.Value(audit.FieldSite); site != "" {
		p := h.panels[id]
		if p == nil {
			p = &panelHistory{}
			h.panels[id] = p
		}
		p.site = site
		if ident := e.Value(audit.FieldIdent); ident != "" {
			p.ident = ident
		}
	}
	user := e.Value(audit.FieldUser)
	switch {
	case e.Action == audit.PanelReplaced && e.Outcome == audit.Success:
		for _, pl := range h.places {
			if pl.panel == id {
				pl.rehoused()
			}
		}
	case user != "":
		h.place(id, user, e).take(e)
	}
}

func (h *history) place(panelID, user string, e audit.Entry) *placeHistory {
	pl := h.places[user]
	if pl == nil {
		pl = &placeHistory{panel: panelID, links: map[uint64]link{}, sent: map[uint64]bool{}}
		h.places[user] = pl
	}
	if slot, err := strconv.Atoi(e.Value(audit.FieldSlot)); err == nil {
		pl.place = panel.Place{Slot: slot}
	} else if id := e.Value(audit.FieldPlace); id != "" {
		pl.place = panel.Place{ID: id}
	}
	return pl
}

// take takes in the next entry about this place.
func (pl *placeHistory) take(e audit.Entry) {
	tenancy, err := strconv.ParseUint(e.Value(audit.FieldTenancy), 10, 64)
	if e.Action == audit.AccountUnassigned && e.Outcome == audit.Success {
		pl.unlink(e.Value(audit.FieldAccount))
		return
	}
	if err != nil {
		return // a refusal: it names no tenancy and changes nothing
	}
	if pl.outcome(e, tenancy) || e.Outcome != audit.Success {
		return
	}
	switch e.Action {
	case audit.UserCodeSet, audit.UserCodeChanged:
		s := pl.of(tenancy)
		if s == nil {
			s = pl.begin(e, tenancy, SetHere)
		}
		s.wish(e, audit.FieldLabel, audit.FieldRole, audit.FieldPartitions)
	case audit.UserLabelChanged, audit.UserRoleChanged, audit.UserPartitionsChanged, audit.UserWindowChanged:
		if s := pl.of(tenancy); s != nil {
			s.wish(e, followed...)
		}
	case audit.UserUnmanagedFound:
		if pl.of(tenancy) == nil {
			pl.begin(e, tenancy, FoundThere).confirmed = e.At
		}
	case audit.UserAdopted:
		since := e.At
		for _, s := range pl.open {
			since = s.since
		}
		pl.end(func(s *stay) bool { return s.tenancy <= tenancy })
		s := pl.begin(e, tenancy, Adopted)
		s.since, s.confirmed = since, e.At
	case audit.UserDisabled, audit.UserCleared:
		pl.leave(e, tenancy)
	case audit.AccountAssigned:
		email, _ := e.Field(audit.FieldEmail)
		pl.links[tenancy] = link{account: e.Value(audit.FieldAccount), email: email, since: e.At}
	case audit.UserSent:
		pl.do = e.Value(audit.FieldReason)
		if names(e, audit.FieldFields, panel.FieldCode) && pl.do != panel.Remove.String() {
			pl.sent[tenancy] = true
		}
	}
}

// outcome takes in how a wish ended, and reports whether the entry says that.
func (pl *placeHistory) outcome(e audit.Entry, tenancy uint64) bool {
	switch e.Action {
	case audit.UserSettled:
		_, seen := e.Field(audit.FieldSight) // a reading says it, which names no fields
		if code := names(e, audit.FieldFields, panel.FieldCode); code || seen {
			pl.settled(e.At, tenancy, code)
		}
		pl.fell(tenancy, e.Value(audit.FieldFieldsRefused))
	case audit.UserRefused:
		pl.fell(tenancy, e.Value(audit.FieldFieldsRefused))
	case audit.UserWishCancelled, audit.UserWishExpired:
		pl.fell(tenancy, e.Value(audit.FieldFields))
	case audit.UserDriftAdopted:
		if strings.Contains(e.Value(audit.FieldReason), panel.FoundRemoved.String()) {
			pl.end(func(s *stay) bool { return s.tenancy <= tenancy })
		}
	default:
		return false
	}
	return true
}

// settled: the panel has carried out a code wish of a tenancy, so nobody before it is
// left. A removal carried out brings nobody; it is an edit, or part of one.
func (pl *placeHistory) settled(at time.Time, tenancy uint64, code bool) {
	former := slices.ContainsFunc(pl.open, func(s *stay) bool { return s.tenancy < tenancy })
	pl.end(func(s *stay) bool { return s.tenancy < tenancy })
	if code && pl.do == panel.Remove.String() || !code && former && !pl.sent[tenancy] {
		return
	}
	s := pl.of(tenancy)
	if s == nil && code && pl.last != nil && pl.last.tenancy == tenancy {
		// It was refused at first and taken after all.
		s = pl.last
		pl.open, pl.last = append(pl.open, s), nil
	}
	if s != nil && s.confirmed.IsZero() {
		s.confirmed = at
	}
}

// fell: wishes for these fields came to nothing. The values before stand again, and
// somebody whose code the panel never took is not there.
func (pl *placeHistory) fell(tenancy uint64, fields string) {
	s := pl.of(tenancy)
	if s == nil || fields == "" {
		return
	}
	list := strings.Split(fields, ", ")
	for _, name := range list {
		if v, ok := s.values[name]; ok {
			s.values[name] = wished{now: v.before, before: v.before}
		}
	}
	if slices.Contains(list, panel.FieldCode.String()) && s.confirmed.IsZero() {
		pl.end(func(one *stay) bool { return one == s })
	}
}

// leave: the removal was wished. A code that never left needs no removal at the panel.
func (pl *placeHistory) leave(e audit.Entry, tenancy uint64) {
	if len(pl.open) == 0 && e.Action == audit.UserCleared {
		s := pl.begin(e, tenancy, FoundThere) // since when is not known
		s.confirmed = e.At
	}
	for _, s := range pl.open {
		if s.tenancy <= tenancy && s.leaving.IsZero() {
			s.leaving = e.At
		}
	}
	pl.end(func(s *stay) bool { return s.tenancy <= tenancy && s.confirmed.IsZero() && !pl.sent[s.tenancy] })
}

// rehoused: other hardware has taken the panel's place, and nobody is on it yet.
func (pl *placeHistory) rehoused() {
	pl.end(func(s *stay) bool { return !s.confirmed.IsZero() || pl.sent[s.tenancy] })
	clear(pl.sent)
}

func (pl *placeHistory) begin(e audit.Entry, tenancy uint64, how Arrival) *stay {
	s := &stay{tenancy: tenancy, how: how, since: e.At, entry: e.ID, values: map[string]wished{}}
	pl.open = append(pl.open, s)
	return s
}

func (pl *placeHistory) of(tenancy uint64) *stay {
	i := slices.IndexFunc(pl.open, func(s *stay) bool { return s.tenancy == tenancy })
	if i < 0 {
		return nil
	}
	return pl.open[i]
}

// end ends the stays that it is asked for.
func (pl *placeHistory) end(over func(*stay) bool) {
	pl.open = slices.DeleteFunc(pl.open, func(s *stay) bool {
		if !over(s) {
			return false
		}
		pl.last = s
		return true
	})
}

// unlink takes an account off every tenancy that has it.
func (pl *placeHistory) unlink(account string) {
	for tenancy, l := range pl.links {
		if l.account == account {
			delete(pl.links, tenancy)
		}
	}
}

// wish takes in the values that were asked for.
func (s *stay) wish(e audit.Entry, fields ...string) {
	for _, name := range fields {
		if f, ok := e.Field(name); ok {
			s.values[name] = wished{now: f, before: s.values[name].now}
		}
	}
}

// names reports whether a field of an entry lists a field of a panel user.
func names(e audit.Entry, name string, f panel.Field) bool {
	return slices.Contains(strings.Split(e.Value(name), ", "), f.String())
}
