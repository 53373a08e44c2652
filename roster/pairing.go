package roster

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Errors of pairing.
var (
	// ErrNoPairing: panels of this driver are not paired.
	ErrNoPairing = fault.New(fault.Unsupported, "roster: panels of this driver are not paired").
			Hinted("Give the panel's code or key with its registration.")
	// ErrNotConfirmed: the person said that another panel has come.
	ErrNotConfirmed = fault.New(fault.Denied, "roster: the panel was not confirmed").
			Hinted("Delete this service from the list of remotes at the panel that came, and pair again.")
	// ErrPairingOver: nobody confirmed a panel before the window closed.
	ErrPairingOver = fault.New(fault.Precondition, "roster: the time for pairing is over").
			Hinted("Begin again. If the panel shows this service among its remotes, delete it there first.")
)

// pairFor is how long pairing may take, with the confirmation: no longer than a factor
// that was just proven is fresh.
const pairFor = 3 * time.Minute

// Candidate is a panel that let us in at its keypad and that nobody has confirmed yet.
type Candidate struct {
	Ident string    // how the panel names itself: a serial number or an address
	Print string    // SHA-256 of its certificate, in hexadecimal digits
	Until time.Time // the window closes
}

// Confirm shows a candidate to a person who can see the panel, and reports whether both
// agree. Its ctx ends when the window closes; what is answered later counts for nothing.
type Confirm func(ctx context.Context, c Candidate) bool

// Pair registers a panel whose key only the panel gives. It opens a window of three
// minutes for the panel that names itself r.Ident, and closes it when that panel has let
// us in. Only when a person has confirmed it is the panel registered, with the key sealed
// in its record: until then nothing of it is kept anywhere. The key is a secret of the
// rank of the master code, and asks the right to give those beside the one to register.
// Every step is an entry. Errors beside those of [Operator.Register]: [ErrNoPairing],
// [ErrNotConfirmed], [ErrPairingOver], and the driver's own.
//
// Pair blocks: a program with pages runs it beside its requests and lets confirm wait for
// one of them.
func (op *Operator) Pair(ctx context.Context, r Registration, confirm Confirm) (Panel, error) {
	var made Panel
	if r.Ident == "" || r.Site == "" || r.Driver == "" {
		return made, ErrPanelFields
	}
	for _, act := range []string{"Pair", "Register"} { // the act before what it does: a factor is proven for the act
		if err := op.desk.core.Allowed(ctx, op.actor, "roster."+act, r.Site); err != nil {
			return made, op.refused(ctx, act, nil, err)
		}
	}
	if held, err := op.desk.core.Store.Holders(ctx, identName(r.Driver, r.Ident)); err != nil {
		return made, err
	} else if held[0].Holder != "" {
		return made, ErrIdentTaken
	}
	w := pairing{op: op, act: "Pair", driver: r.Driver, ident: r.Ident, site: r.Site}
	err := w.run(ctx, confirm, func(c panel.Candidate) error {
		r.Ident, r.Routes = c.Ident, maps.Clone(r.Routes)
		if r.Routes == nil {
			r.Routes = map[string]Route{}
		}
		r.Routes[c.Route] = paired(r.Routes[c.Route], c)
		var err error
		made, err = op.register(ctx, r, func(u *flow.Unit, id string) error { return w.paired(u, id, c) })
		return err
	})
	return made, err
}

// PairAnew gives a registered panel a new key, as [Operator.Pair] does with its first one:
// after somebody deleted this service at the panel, say. A parked line waits for
// [Tab.Resume].
func (t *Tab) PairAnew(ctx context.Context, confirm Confirm) error {
	p, err := t.peek(ctx, "PairAnew")
	if err != nil {
		return err
	}
	if p.State == rec.Retired {
		return ErrNotInService
	}
	w := pairing{op: t.op, act: "PairAnew", driver: p.Driver, ident: p.Ident, site: p.Site, panel: t.id}
	return w.run(ctx, confirm, func(c panel.Candidate) error {
		return t.change(ctx, "PairAnew", audit.PanelSecretChanged, func(u *flow.Unit, now *rec.Panel) ([]flow.Field, error) {
			if now.Driver != p.Driver || now.Ident != p.Ident || now.State == rec.Retired {
				return nil, panel.ErrIdentity // replaced or retired while the window was open
			}
			if err := t.reroute(u, now, c.Route, paired(Route{}, c)); err != nil {
				return nil, err
			}
			return []flow.Field{flow.F(audit.FieldRoute, c.Route)}, w.paired(u, t.id, c)
		})
	})
}

// paired is a route with the key that a panel gave.
func paired(r Route, c panel.Candidate) Route {
	r.Secrets = maps.Clone(r.Secrets)
	if r.Secrets == nil {
		r.Secrets = map[string]panel.Secret{}
	}
	maps.Copy(r.Secrets, c.Secrets)
	return r
}

// pairing is a window for one panel.
type pairing struct {
	op                  *Operator
	act                 string // the operation
	driver, ident, site string
	panel               string // its id; "": it is not registered yet
}

// run opens the window, lets a person judge who came, and keeps what was confirmed.
func (w pairing) run(ctx context.Context, confirm Confirm, keep func(panel.Candidate) error) error {
	core := w.op.desk.core
	if err := core.Allowed(ctx, w.op.actor, "roster."+w.act, w.site); err != nil {
		return w.op.refused(ctx, w.act, w.targets(w.panel), err)
	}
	drv, ok := w.op.desk.o.Drivers[w.driver]
	if !ok {
		return ErrNoDriver
	}
	door, ok := drv.(panel.Pairer)
	if !ok {
		return ErrNoPairing
	}
	if err := w.say(ctx, audit.PanelPairingBegun, audit.Success); err != nil {
		return err
	}
	err := w.meet(ctx, door, confirm, keep)
	if err == nil {
		return nil
	}
	end := context.WithoutCancel(ctx) // also who hangs up has to be found in the log
	if serr := w.say(end, audit.PanelPairingEnded, audit.Failure, flow.F(audit.FieldReason, flow.Reason(err))); serr != nil {
		return serr
	}
	return err
}

func (w pairing) meet(ctx context.Context, door panel.Pairer, confirm Confirm, keep func(panel.Candidate) error) error {
	until := w.op.desk.core.Time().Add(pairFor)
	window, cancel := context.WithTimeoutCause(ctx, pairFor, ErrPairingOver)
	defer cancel()
	c, err := door.Pair(window, w.ident)
	switch {
	case window.Err() != nil:
		return context.Cause(window)
	case err != nil:
		return err
	case !strings.EqualFold(c.Ident, w.ident):
		return panel.ErrIdentity
	}
	if err := w.say(ctx, audit.PanelPairingShown, audit.Success, flow.F(audit.FieldPrint, c.Print), flow.F(audit.FieldRoute, c.Route)); err != nil {
		return err
	}
	confirmed := confirm(window, Candidate{Ident: c.Ident, Print: c.Print, Until: until})
	switch {
	case window.Err() != nil:
		return context.Cause(window)
	case !confirmed:
		return ErrNotConfirmed
	}
	// A right that was taken away meanwhile is gone.
	if err := w.op.desk.core.Allowed(ctx, w.op.actor, "roster."+w.act, w.site); err != nil {
		return w.op.refused(ctx, w.act, w.targets(w.panel), err)
	}
	return keep(c)
}

// paired enters that the key was stored, in the commit that stores it.
func (w pairing) paired(u *flow.Unit, id string, c panel.Candidate) error {
	_, err := u.Say(audit.PanelPaired, audit.Success, w.targets(id), flow.F(audit.FieldPanel, id), flow.F(audit.FieldIdent, c.Ident),
		flow.F(audit.FieldPrint, c.Print), flow.F(audit.FieldRoute, c.Route), flow.F(audit.FieldSite, w.site))
	return err
}

func (w pairing) targets(id string) []string {
	targets := []string{flow.Site(w.site)}
	if id != "" {
		targets = append(targets, id)
	}
	return targets
}

// say enters a step at which nothing is stored. It leaves a factor that was proven for
// pairing to the commit that stores the key.
func (w pairing) say(ctx context.Context, action audit.Action, outcome audit.Outcome, fields ...flow.Field) error {
	fields = append(fields, flow.F(audit.FieldIdent, w.ident), flow.F(audit.FieldSite, w.site))
	if w.panel != "" {
		fields = append(fields, flow.F(audit.FieldPanel, w.panel))
	}
	_, err := w.op.desk.core.Act(ctx, w.op.actor.Bare(), func(u *flow.Unit) error {
		_, err := u.Say(action, outcome, w.targets(w.panel), fields...)
		return err
	})
	return err
}
