package roster

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Errors of panels.
var (
	// ErrIdentTaken: a panel with this identity is registered already.
	ErrIdentTaken = fault.New(fault.Conflict, "roster: a panel with this identity is registered").
			Hinted("Look for the panel by its identity, or retire the old one first.")
	// ErrPanelFields: a registration lacks something.
	ErrPanelFields = fault.New(fault.Invalid, "roster: a panel needs an identity, a site and a driver")
	// ErrSecretUnbound: the address has changed, so the secret has to be typed again.
	ErrSecretUnbound = fault.New(fault.Precondition, "roster: the panel's secret has to be entered again").
				Hinted("The panel's address was changed. Enter its code or key again, so that it is not sent to a stranger.")
	// ErrNotInService: the panel is out of service or retired.
	ErrNotInService = fault.New(fault.Precondition, "roster: the panel is not in service")
	// ErrQuarantine: the store was restored from a backup and the panel is not released.
	ErrQuarantine = fault.New(fault.Precondition, "roster: the panel is in quarantine").
			Hinted("The database was restored from a backup. Look at the differences and release the panel.")
	// ErrRetireUsers: users are left on the panel.
	ErrRetireUsers = fault.New(fault.Precondition, "roster: users are left on the panel").
			Hinted("Disable the panel's users first, or confirm that they stay.")
)

// Route is one way to a panel: an address, and secrets by the driver's own names.
type Route struct {
	Addr    string
	Secrets map[string]panel.Secret
}

// Registration is what a panel is registered with.
type Registration struct {
	Site   string // the one site that it belongs to
	Name   string // for people, at most 24 characters; may be empty
	Driver string // a name of Options.Drivers
	Ident  string // IMEI, integration id, serial: how the panel names itself
	// Model narrows the driver's model, if the maker's exact type is known.
	Model *panel.Model
	// Routes by the driver's names. Secrets are sealed at once.
	Routes map[string]Route
}

// Panel is what is known of a registered panel.
type Panel struct {
	ID         string
	Site       string
	Name       string
	Driver     string
	Ident      string
	Model      panel.Model
	CodeLen    int // digits of every code, 0 unknown
	State      string
	Created    time.Time
	Baseline   time.Time // every user was read for the first time, zero: not yet
	ReadAt     time.Time // every user was read last
	Quarantine bool      // nothing is written until [Tab.Release]
	Replaces   string    // the identity of the hardware before
	// Line is how the work with it stands.
	Line LineState
}

// LineState is how the work with a panel stands.
type LineState struct {
	Due      time.Time         // zero: nothing to do
	Attempts int               // failed tries since the last success
	Parked   map[string]string // route → why it waits for a person
	LastTry  time.Time
	LastOK   time.Time
	Words    string // of the last failure
	Here     bool   // the panel has called in to this node
}

func linePanel(id string) string { return "panel/" + id }

// Register takes a panel into the roster and marks its line: every user is read before
// anything is written.
func (op *Operator) Register(ctx context.Context, r Registration) (Panel, error) {
	return op.register(ctx, r, nil)
}

// register takes a panel into the roster; also is what the same commit does besides.
func (op *Operator) register(ctx context.Context, r Registration, also func(u *flow.Unit, id string) error) (Panel, error) {
	if r.Ident == "" || r.Site == "" || r.Driver == "" {
		return Panel{}, ErrPanelFields
	}
	if err := checkAlias(r.Name); err != nil {
		return Panel{}, err
	}
	drv, ok := op.desk.o.Drivers[r.Driver]
	if !ok {
		return Panel{}, ErrNoDriver
	}
	if err := op.desk.core.Allowed(ctx, op.actor, "roster.Register", r.Site); err != nil {
		return Panel{}, op.refused(ctx, "Register", nil, err)
	}
	id := flow.NewID()
	p := rec.Panel{Site: r.Site, Name: r.Name, Driver: r.Driver, Ident: r.Ident, Model: drv.Model(), State: rec.InService, Generation: 1}
	if r.Model != nil {
		p.Model = *r.Model
	}
	if len(p.Model.Code.Lens) == 1 {
		p.CodeLen = p.Model.Code.Lens[0]
	}
	var err error
	if p.Routes, err = op.desk.sealRoutes(id, p.Generation, r.Ident, r.Routes); err != nil {
		return Panel{}, err
	}
	_, err = op.desk.core.Act(ctx, op.actor, func(u *flow.Unit) error {
		p.Created = u.Now()
		if _, _, err := flow.Load(u, rec.Panels, id); err != nil {
			return err
		}
		if err := flow.Put(u, rec.Panels, id, &p); err != nil {
			return err
		}
		u.Do(store.Claim{Name: identName(r.Driver, r.Ident), Holder: id, Use: "panel"}, store.Mark{Line: linePanel(id)})
		_, err := u.Say(audit.PanelRegistered, audit.Success, []string{id, flow.Site(r.Site)},
			flow.F(audit.FieldPanel, id), flow.F(audit.FieldIdent, r.Ident), flow.F(audit.FieldSite, r.Site), flow.F(audit.FieldModel, p.Model.Name))
		if err != nil || also == nil {
			return err
		}
		return also(u, id)
	})
	if isTaken(err) {
		err = ErrIdentTaken
	}
	if err != nil {
		return Panel{}, err
	}
	return op.desk.viewPanel(ctx, id, p)
}

func identName(driver, ident string) store.Name { return store.Name("ident|" + driver + "|" + ident) }

// sealRoutes seals secrets to the panel and the generation of its addresses.
func (d *Desk) sealRoutes(id string, gen uint64, ident string, routes map[string]Route) (map[string]rec.PanelRoute, error) {
	out := map[string]rec.PanelRoute{}
	for name, r := range routes {
		pr := rec.PanelRoute{Addr: r.Addr, Secrets: map[string]credentials.Sealed{}}
		for key, s := range r.Secrets {
			sealed, err := d.core.Keys.Seal(secretBinding(id, gen, name, key, r.Addr, ident), []byte(s.Reveal()))
			if err != nil {
				return nil, err
			}
			pr.Secrets[key] = sealed
		}
		out[name] = pr
	}
	return out, nil
}

// secretBinding binds a panel's secret to where it may be sent.
func secretBinding(id string, gen uint64, route, key, addr, ident string) credentials.Binding {
	return rec.SecretBinding(id, gen, route, key, addr, ident)
}

// Panels lists the panels of the operator's sites, by id, after the given one.
func (op *Operator) Panels(ctx context.Context, after string, limit int) ([]Panel, error) {
	g, err := op.desk.core.Authority.Grant(ctx, op.actor)
	if err != nil {
		return nil, err
	}
	if err := op.desk.core.Allowed(ctx, op.actor, "roster.Panels", ""); err != nil {
		return nil, op.refused(ctx, "Panels", nil, err)
	}
	limit = store.Page(limit)
	var out []Panel
	pos := &store.Position{ID: after}
	for len(out) < limit {
		rs, err := op.desk.core.Store.List(ctx, store.Query{Kind: rec.Panels.Name, After: pos, Limit: store.MaxPage})
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			pos = &store.Position{ID: r.Key.ID}
			p, _, err := rec.Panels.Decode(r)
			if err != nil {
				return nil, err
			}
			if !g.Sites.Has(p.Site) {
				continue
			}
			v, err := op.desk.viewPanel(ctx, r.Key.ID, p)
			if err != nil {
				return nil, err
			}
			if out = append(out, v); len(out) == limit {
				break
			}
		}
		if len(rs) < store.MaxPage {
			break
		}
	}
	return out, nil
}

func (d *Desk) viewPanel(ctx context.Context, id string, p rec.Panel) (Panel, error) {
	v := Panel{ID: id, Site: p.Site, Name: p.Name, Driver: p.Driver, Ident: p.Ident, Model: p.Model, CodeLen: p.CodeLen,
		State: string(p.State), Created: p.Created, Baseline: p.Baseline, Replaces: p.Replaces}
	since, err := d.quarantined(ctx)
	if err != nil {
		return v, err
	}
	v.Quarantine = p.Released.Before(since)
	lines, err := d.core.Store.Lines(ctx, linePanel(id), "", 1)
	if err != nil {
		return v, err
	}
	if len(lines) == 1 && lines[0].Name == linePanel(id) {
		v.Line.Due, v.Line.Attempts, v.Line.Parked = lines[0].Due, lines[0].Attempts, maps.Clone(lines[0].Parked)
	}
	a, err := d.attempt(ctx, id)
	if err != nil {
		return v, err
	}
	v.ReadAt = a.ReadAt
	v.Line.LastTry, v.Line.LastOK, v.Line.Words = a.At, a.OK, a.Words
	v.Line.Here = d.local.connected(id)
	return v, nil
}

func (d *Desk) attempt(ctx context.Context, id string) (rec.Attempt, error) {
	r, err := d.core.Store.Load(ctx, rec.Attempts.Key("panel/"+id))
	if err != nil {
		return rec.Attempt{}, err
	}
	a, _, err := rec.Attempts.Decode(r[0])
	return a, err
}

// change loads a panel for a change of its own record, asks the right and writes it.
func (t *Tab) change(ctx context.Context, name string, action audit.Action, edit func(u *flow.Unit, p *rec.Panel) ([]flow.Field, error)) error {
	if t.err != nil {
		return t.err
	}
	_, err := t.core().Act(ctx, t.op.actor, func(u *flow.Unit) error {
		p, err := t.load(u, name)
		if err != nil {
			return err
		}
		fields, err := edit(u, &p)
		if err != nil {
			return err
		}
		if err := flow.Put(u, rec.Panels, t.id, &p); err != nil {
			return err
		}
		u.Do(store.Mark{Line: linePanel(t.id)})
		_, err = u.Say(action, audit.Success, []string{t.id, flow.Site(p.Site)},
			append(fields, flow.F(audit.FieldPanel, t.id), flow.F(audit.FieldIdent, p.Ident), flow.F(audit.FieldSite, p.Site))...)
		return err
	})
	return t.op.refused(ctx, name, []string{t.id}, err)
}

// Change gives the panel another name. Errors: [ErrAliasTooLong].
func (t *Tab) Change(ctx context.Context, name string) error {
	return t.change(ctx, "Change", audit.PanelChanged, func(_ *flow.Unit, p *rec.Panel) ([]flow.Field, error) {
		if err := checkAlias(name); err != nil {
			return nil, err
		}
		p.Name = name
		return []flow.Field{flow.F(audit.FieldFields, "name")}, nil
	})
}

// SetSecret changes the address of a route and its secrets together: a new address voids
// every secret that is not given anew, so that none is sent to a stranger.
func (t *Tab) SetSecret(ctx context.Context, route string, r Route) error {
	return t.change(ctx, "SetSecret", audit.PanelSecretChanged, func(u *flow.Unit, p *rec.Panel) ([]flow.Field, error) {
		return []flow.Field{flow.F(audit.FieldRoute, route)}, t.reroute(u, p, route, r)
	})
}

// reroute gives a route of the panel another address or other secrets.
func (t *Tab) reroute(u *flow.Unit, p *rec.Panel, route string, r Route) error {
	old := p.Routes[route]
	if r.Addr == "" {
		r.Addr = old.Addr
	}
	sealed, err := t.op.desk.sealRoutes(t.id, p.Generation, p.Ident, map[string]Route{route: r})
	if err != nil {
		return err
	}
	now := sealed[route]
	if r.Addr == old.Addr {
		for key, s := range old.Secrets {
			if _, given := now.Secrets[key]; !given {
				now.Secrets[key] = s
			}
		}
	}
	p.Routes = maps.Clone(p.Routes)
	if p.Routes == nil {
		p.Routes = map[string]rec.PanelRoute{}
	}
	p.Routes[route] = now
	return forget(u, t.id, route)
}

// Move gives the panel to another site; its history stays with the entries.
func (t *Tab) Move(ctx context.Context, site string) error {
	if site == "" {
		return ErrPanelFields
	}
	if err := t.core().Allowed(ctx, t.op.actor, "roster.Move", site); err != nil {
		return t.op.refused(ctx, "Move", []string{t.id}, err)
	}
	return t.change(ctx, "Move", audit.PanelMoved, func(u *flow.Unit, p *rec.Panel) ([]flow.Field, error) {
		before := p.Site
		p.Site = site
		u.Do(store.Mark{Line: flow.RightsLine}) // the rules of the site before lead here no more
		return []flow.Field{flow.F(audit.FieldSiteBefore, before)}, nil
	})
}

// Resume sends a parked line to work again, after a person has looked.
func (t *Tab) Resume(ctx context.Context) error {
	if _, err := t.peek(ctx, "Resume"); err != nil {
		return err
	}
	line, err := t.own(ctx, "resume", 10*time.Second)
	if err != nil {
		return t.op.refused(ctx, "Resume", []string{t.id}, err)
	}
	return t.change(ctx, "Resume", audit.PanelResumed, func(u *flow.Unit, _ *rec.Panel) ([]flow.Field, error) {
		u.Do(store.Fence{Line: line.Name, Owner: line.Owner, Token: line.Token, Fate: store.Fate{Parked: map[string]string{}}})
		return nil, nil
	})
}

// OutOfService stops writing to the panel: it is read only, wishes wait.
func (t *Tab) OutOfService(ctx context.Context, out bool) error {
	return t.change(ctx, "OutOfService", audit.PanelOutOfService, func(_ *flow.Unit, p *rec.Panel) ([]flow.Field, error) {
		if p.State == rec.Retired {
			return nil, ErrNotInService
		}
		before := p.State
		p.State = rec.InService
		if out {
			p.State = rec.OutOfService
		}
		return []flow.Field{flow.F(audit.FieldStateBefore, string(before)), flow.F(audit.FieldState, string(p.State))}, nil
	})
}

// Retire ends a panel: its secrets are destroyed, its identity is refused from then on,
// its history stays. Users that are left on it have to be disabled first, unless the
// caller says that they stay.
func (t *Tab) Retire(ctx context.Context, usersStay bool) error {
	return t.change(ctx, "Retire", audit.PanelRetired, func(u *flow.Unit, p *rec.Panel) ([]flow.Field, error) {
		if !usersStay {
			users, err := t.users(u.Context())
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(users, func(u rec.User) bool { return u.Exists() || u.Removing() }) {
				return nil, ErrRetireUsers
			}
		}
		before := p.State
		p.State, p.Routes = rec.Retired, nil
		p.Generation++
		return []flow.Field{flow.F(audit.FieldStateBefore, string(before)), flow.F(audit.FieldState, string(p.State))}, nil
	})
}

// Replace puts other hardware in the panel's place: users, links and wishes stay with
// the panel's id, the old identity is refused from now on, and every code that is still
// kept is written to the new hardware; the others have to be set anew. Secrets are
// given for the new hardware.
func (t *Tab) Replace(ctx context.Context, ident string, routes map[string]Route) error {
	if ident == "" {
		return ErrPanelFields
	}
	err := t.change(ctx, "Replace", audit.PanelReplaced, func(u *flow.Unit, p *rec.Panel) ([]flow.Field, error) {
		if p.State == rec.Retired {
			return nil, ErrNotInService
		}
		before := p.Ident
		p.Ident, p.Replaces = ident, before
		p.Generation++
		p.Baseline = time.Time{}
		sealed, err := t.op.desk.sealRoutes(t.id, p.Generation, ident, routes)
		if err != nil {
			return nil, err
		}
		p.Routes = sealed
		if err := forget(u, t.id, slices.Collect(maps.Keys(sealed))...); err != nil {
			return nil, err
		}
		// The old identity stays claimed by this panel for ever: it cannot come back as another.
		u.Do(store.Claim{Name: identName(p.Driver, ident), Holder: t.id, Use: "panel"})
		return []flow.Field{flow.F(audit.FieldIdentBefore, before)}, nil
	})
	if isTaken(err) {
		return ErrIdentTaken
	}
	return err
}
