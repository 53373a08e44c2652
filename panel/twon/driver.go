package twon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Driver speaks to 2N devices. It implements [panel.Driver].
type Driver struct {
	panel.Dials
	opts Options

	mu   sync.Mutex
	mine map[string]*writes // by target
}

// New makes a driver. It connects when a session is opened.
func New(o Options) *Driver {
	return &Driver{opts: o.withDefaults(), mine: map[string]*writes{}}
}

// Model is [Widest], with [Options.Log] as it is with a device that tells who opened.
func (d *Driver) Model() panel.Model {
	m := Widest()
	if d.opts.Log {
		m = telling(m)
	}
	if d.opts.DiscloseCodes {
		m = disclosing(m)
	}
	return m
}

// info is the result of /api/system/info.
type info struct {
	Variant string `json:"variant"`
	Serial  string `json:"serialNumber"`
	Version string `json:"swVersion"`
}

// Open asks the device who it is, signs in, and reads its template and its clock. If
// t.Ident is set it must be the device's serial number; the account is not presented to
// another one, unless it asks for an account before it says who it is. A refused account
// is presented once.
func (d *Driver) Open(ctx context.Context, t panel.Target) (panel.Session, error) {
	c, err := newCaller(d.opts, t.Routes[Route])
	if err != nil {
		return nil, err
	}
	s := &session{opts: d.opts, caller: c, mine: d.writesOf(t), model: d.Model(), live: map[int]context.CancelCauseFunc{}}
	s.start, s.mark = parseState(t.Routes[Route].State)
	if err := s.greet(ctx, t.Ident); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// greet learns what the device is.
func (s *session) greet(ctx context.Context, ident string) error {
	var who info
	if err := s.ask(ctx, request{method: http.MethodGet, path: pathInfo}, &who); err != nil {
		return err
	}
	if who.Serial == "" {
		return fmt.Errorf("%w: a device without a serial number", panel.ErrProtocol)
	}
	if ident != "" && who.Serial != ident {
		return panel.ErrIdentity
	}
	raw, _, err := s.caller.call(ctx, request{method: http.MethodGet, path: pathTemplate})
	if err != nil {
		return err
	}
	if s.shape, err = parseTemplate(raw); err != nil {
		return err
	}
	s.model = s.shape.model(s.model)
	if s.logs, err = s.hasLog(ctx); err != nil {
		return err
	}
	// Where somebody listened before, a log that is gone is a failure of Watch, not another
	// model: codes that are there stay, and it is known that nobody hears.
	if !s.shape.pin || !s.logs && s.mark.Heard == 0 {
		s.model = silent(s.model)
	}
	s.facts = panel.Facts{Ident: who.Serial, Version: who.Version}
	var clock struct {
		UTC int64 `json:"utcTime"`
	}
	switch err := s.ask(ctx, request{method: http.MethodGet, path: pathTime}, &clock); {
	case errors.Is(err, ErrService), errors.Is(err, ErrPrivileges), err == nil && clock.UTC == 0:
		// Older firmware, or the account may not ask: the clock stays unknown.
	case err != nil:
		return err
	default:
		s.facts.Clock = time.Unix(clock.UTC, 0).UTC()
		if off := time.Since(s.facts.Clock).Abs(); off > s.opts.Skew {
			s.model = clockless(s.model)
		}
	}
	return nil
}

// ask calls and reads a result that is no directory.
func (s *session) ask(ctx context.Context, q request, result any) error {
	raw, _, err := s.caller.call(ctx, q)
	if err == nil && json.Unmarshal(raw, result) != nil {
		err = fmt.Errorf("%w: a result of another form", panel.ErrProtocol)
	}
	return err
}

// writesOf is what this driver changed at a target.
func (d *Driver) writesOf(t panel.Target) *writes {
	key := t.Panel + " " + t.Routes[Route].Addr
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.mine[key]
	if w == nil {
		w = &writes{at: map[string]int64{}}
		d.mine[key] = w
	}
	return w
}
