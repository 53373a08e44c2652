package paneltest

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// read collects what a session says and holds each event against the contract.
func (k *rig) read(ctx context.Context, s panel.Session, q panel.Query) ([]panel.Report, error) {
	var out []panel.Report
	var line error
	ended := false
	for e, err := range s.Read(ctx, q) {
		if ended {
			k.t.Errorf("Read goes on after its error %v", line)
			break
		}
		if err != nil {
			k.saw("Read's error", err)
			line, ended = err, true
			continue
		}
		k.checkEvent(e)
		if e.User == nil {
			continue
		}
		if err := checkReport(k.model, *e.User, q.Disclose); err != nil {
			k.t.Error(err)
		}
		if slices.ContainsFunc(out, func(r panel.Report) bool { return r.Place == e.User.Place }) {
			k.t.Errorf("Read reports %s twice", e.User.Place)
		}
		out = append(out, *e.User)
	}
	k.checkLine(ctx, "Read", line)
	return out, line
}

// checkEvent reports an event that says more or less than one thing, and takes the
// panel's facts over.
func (k *rig) checkEvent(e panel.Event) {
	fields := 0
	if e.User != nil {
		fields++
		k.saw("a report", *e.User)
	}
	if e.Panel != nil {
		fields++
		k.mu.Lock()
		k.facts = *e.Panel
		k.mu.Unlock()
		if m := e.Panel.Model; m != nil {
			if err := checkNarrower(k.Driver.Model(), *m); err != nil {
				k.t.Error(err)
			}
			k.model = *m
		}
		if n := e.Panel.CodeLen; n != 0 && !slices.Contains(k.model.Code.Lens, n) {
			k.t.Errorf("the panel's codes have %d digits, the model knows %v", n, k.model.Code.Lens)
		}
	}
	if e.Stale != nil {
		fields++
	}
	if e.Opened != nil {
		fields++
	}
	if e.State != nil {
		fields++
		k.saw("the session's state", string(e.State))
	}
	if e.Route != "" && e.State == nil {
		k.t.Errorf("an event names the route %q and has no State", e.Route)
	}
	if fields != 1 {
		k.t.Errorf("an event says %d things, want one", fields)
	}
}

// all reads every user and holds the list against the panel.
func (k *rig) all(s panel.Session, q panel.Query) []panel.Report {
	k.t.Helper()
	var out []panel.Report
	k.within(bound, "Read", func(ctx context.Context) {
		var err error
		if out, err = k.read(ctx, s, q); err != nil {
			k.t.Errorf("Read: %v", err)
			return
		}
		k.checkList(out, k.Sim.Users())
	})
	if k.t.Failed() {
		k.t.FailNow()
	}
	return out
}

// checkList holds a complete list against what the panel holds.
func (k *rig) checkList(list []panel.Report, users []User) {
	last := 0
	for _, r := range list {
		if k.model.Slots.Len() > 0 && r.Slot <= last {
			k.t.Errorf("Read reports slot %d behind slot %d", r.Slot, last)
		}
		last = r.Slot
		k.checkTrue(r, users)
	}
	for _, u := range users {
		if k.sees() && !slices.ContainsFunc(list, func(r panel.Report) bool { return r.Place == u.Place }) {
			k.t.Errorf("Read with All does not report %s, who is on the panel", u.Place)
		}
	}
}

// checkTrue holds one report against what the panel holds.
func (k *rig) checkTrue(r panel.Report, users []User) {
	u, exists := find(users, r.Place)
	if exists = exists && k.sees(); r.Exists != exists {
		k.t.Errorf("%s is reported with Exists %v; what the route can see of the panel says %v", r.Place, r.Exists, exists)
	}
	if !exists || !r.Exists {
		return
	}
	e := panel.Edit{Place: r.Place, Set: r.Known, Values: r.Values}
	for f := range r.Known.Each() {
		if !shows(u, true, e, f) {
			k.t.Errorf("%s: the report's %s is not what the panel holds", r.Place, f)
		}
	}
	if r.Known&tags == 0 && k.model.Read&tags != 0 && r.Tags != u.Tags {
		k.t.Errorf("%s: %d tags are reported and %d are enrolled", r.Place, r.Tags, u.Tags)
	}
}

// seated opens a session at a panel with a few users of the kit's own.
func (k *rig) seated() (panel.Session, []panel.Edit) {
	k.t.Helper()
	s := k.session()
	var edits []panel.Edit
	for _, p := range k.places(3) {
		edits = append(edits, k.seat(p))
	}
	time.Sleep(k.model.Lag)
	return s, edits
}

func proveRead(k *rig) {
	s, _ := k.seated()
	for _, r := range k.all(s, panel.Query{All: true}) {
		if missing := k.model.Read &^ (r.Known | panel.FieldCode | tags); r.Exists && missing != 0 {
			k.t.Errorf("%s: the model reads %s, the report does not", r.Place, missing)
		}
	}
	k.all(s, panel.Query{All: true})
}

func proveReadStops(k *rig) {
	s, _ := k.seated()
	for stopAt := range 4 {
		k.within(bound, "Read that is stopped", func(ctx context.Context) {
			said := 0
			for _, err := range s.Read(ctx, panel.Query{All: true}) {
				if said++; err != nil || said > stopAt {
					break
				}
			}
		})
	}
	k.all(s, panel.Query{All: true})
}

func proveReadResumes(k *rig) {
	s, _ := k.seated()
	whole := k.all(s, panel.Query{All: true})
	for i, r := range whole {
		k.within(bound, "Read that resumes", func(ctx context.Context) {
			rest, err := k.read(ctx, s, panel.Query{All: true, After: r.Place})
			if err != nil {
				k.t.Errorf("Read behind %s: %v", r.Place, err)
			}
			same := slices.EqualFunc(rest, whole[i+1:], func(a, b panel.Report) bool { return a.Place == b.Place })
			if !same {
				k.t.Errorf("Read behind %s gives %d users, want the %d behind it", r.Place, len(rest), len(whole)-i-1)
			}
		})
	}
}

func proveReadPlaces(k *rig) {
	s, seated := k.seated()
	ask := []panel.Place{seated[1].Place, k.place()}
	k.within(bound, "Read", func(ctx context.Context) {
		got, err := k.read(ctx, s, panel.Query{Places: ask})
		if err != nil {
			k.t.Errorf("Read of places: %v", err)
		}
		for _, r := range got {
			if !slices.Contains(ask, r.Place) {
				k.t.Errorf("Read reports %s, which nobody asked for", r.Place)
			}
			k.checkTrue(r, k.Sim.Users())
		}
		if len(got) != len(ask) {
			k.t.Errorf("Read of %d places, one of them empty, gives %d reports: every place that is asked for is said", len(ask), len(got))
		}
	})
}

func proveReadFacts(k *rig) {
	s, _ := k.seated()
	k.within(bound, "Read", func(ctx context.Context) {
		got, err := k.read(ctx, s, panel.Query{})
		if err != nil || len(got) != 0 {
			k.t.Errorf("Read of the zero Query gives %d users and %v, want the facts only", len(got), err)
		}
	})
	if id := k.Target.Ident; id != "" && k.facts.Ident != "" && k.facts.Ident != id {
		k.t.Errorf("the panel %q names itself %q", id, k.facts.Ident)
	}
}

// proveMarks: a mark stays while the code stays, and changes with it.
func proveMarks(k *rig) {
	s, seated := k.seated()
	mark := func(p panel.Place) []byte {
		for _, r := range k.all(s, panel.Query{All: true}) {
			if r.Place == p {
				return r.Mark
			}
		}
		return nil
	}
	p := seated[0].Place
	first := mark(p)
	if k.model.Sight != panel.Marked {
		if len(first) != 0 {
			k.t.Error("a Mark without Sight Marked")
		}
		return
	}
	if bytes.Equal(first, mark(seated[1].Place)) {
		k.t.Error("two different codes have one Mark")
	}
	for _, step := range []struct {
		set  panel.Field
		same bool
	}{
		{k.byHand() & panel.FieldLabel, true},
		{panel.FieldCode, false},
	} {
		if step.set != 0 {
			k.keypad(k.edit(panel.Change, p, step.set))
		}
		time.Sleep(k.model.Lag)
		if got := mark(p); bytes.Equal(got, first) != step.same {
			k.t.Errorf("after a change of %s at the keypad the Mark is the same: %v", step.set, !step.same)
		}
	}
}

func proveDisclose(k *rig) {
	s, seated := k.seated()
	for _, r := range k.all(s, panel.Query{All: true, Disclose: true}) {
		i := slices.IndexFunc(seated, func(e panel.Edit) bool { return e.Place == r.Place })
		if i >= 0 && k.model.Sight == panel.Value && r.Sight == panel.Value && !r.Code.Equal(seated[i].Code) {
			k.t.Errorf("%s: with Disclose the digits are not told, and Sight is Value", r.Place)
		}
	}
	k.all(s, panel.Query{All: true}) // checkReport sees to it that no digits are told here
}
