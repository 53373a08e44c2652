package powermanage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// A job is asked for gently: soon at first, then ever more rarely.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 10 * time.Second
)

// step is one write of an edit, and the job that it becomes.
type step string

// The steps, in the order in which an edit takes them.
const (
	stepClear step = "clear" // the code is taken away
	stepCode  step = "code"
	stepLabel step = "label"
)

// field is what a step is about.
func (st step) field() panel.Field {
	if st == stepLabel {
		return panel.FieldLabel
	}
	return panel.FieldCode
}

// ticket names a job that was still running when its edit came back.
type ticket struct {
	Step  step   `json:"step"`
	Token string `json:"token"`
	Again bool   `json:"again,omitempty"` // its predecessor failed, and nobody knows why
}

// bytes is the ticket as an outcome carries it.
func (t ticket) bytes() []byte {
	raw, err := json.Marshal(t)
	if err != nil {
		return nil // two strings are always JSON
	}
	return raw
}

// ticketOf reads a ticket, nil for what is none.
func ticketOf(raw []byte) *ticket {
	var t ticket
	if json.Unmarshal(raw, &t) != nil {
		return nil
	}
	switch t.Step {
	case stepClear, stepCode, stepLabel:
		return &t
	}
	return nil
}

// start sends a write and returns its job. An error that is no *refusalError leaves open
// whether the server has taken it.
func (s *session) start(ctx context.Context, st step, e panel.Edit) (token string, err error) {
	var raw []byte
	switch st {
	case stepClear:
		raw, err = s.call(ctx, http.MethodPost, "set_user_code", setCode{Code: removed, Slot: e.Slot})
	case stepCode:
		raw, err = s.call(ctx, http.MethodPost, "set_user_code", setCode{Code: e.Code.Reveal(), Slot: e.Slot})
	case stepLabel:
		raw, err = s.call(ctx, http.MethodPost, "set_name", setName{Class: "USER", Slot: e.Slot, Name: e.Label})
	}
	if err != nil {
		return "", err
	}
	p, err := decode[processToken](raw)
	if err == nil {
		err = whole(p.Token)
	}
	return p.Token, err
}

// poll asks for a job until it has ended or has been waited for long enough.
func (s *session) poll(ctx context.Context, token string, pause time.Duration) (verdict, error) {
	until := time.Now().Add(s.wait)
	for {
		if err := sleep(ctx, pause); err != nil {
			return running, err
		}
		raw, err := s.call(ctx, http.MethodGet, "process_status?process_tokens="+url.QueryEscape(token), nil)
		if err != nil {
			return running, lineError(err)
		}
		v, err := verdictOf(raw, token)
		pause = min(max(firstPause, 2*pause), longestPause)
		if err != nil || v != running || time.Now().Add(pause).After(until) {
			return v, err
		}
	}
}

// why says what kept the panel from doing a job, as far as its status tells: the words of
// a failed job are not published. nil: it refuses the value.
func (s *session) why(ctx context.Context) error {
	st, err := s.status(ctx, s.call)
	switch {
	case err != nil:
		return lineError(err)
	case !st.Connected:
		return fmt.Errorf("%w: %w", panel.ErrUnreachable, ErrNotConnected)
	case st.programming():
		return fmt.Errorf("%w: %w", panel.ErrBusy, ErrJobFailed)
	case st.armed():
		return fmt.Errorf("%w: %w", panel.ErrArmed, ErrJobFailed)
	}
	return nil
}

// write takes one step of an edit. It returns true if the panel has done it; an error is
// about the line. What is refused or in doubt is noted in the draft.
//
// A job of an earlier edit that has failed may have done so because the panel was armed or
// busy then. It is begun anew, once.
func (s *session) write(ctx context.Context, d *draft, st step) (bool, error) {
	t := ticket{Step: st}
	if d.ticket != nil && d.ticket.Step == st {
		t, d.ticket = *d.ticket, nil
		v, err := s.follow(ctx, d, t, 0)
		if err != nil || v != failed || t.Again {
			return v == succeeded, err
		}
		d.again(st.field())
		t.Again = true
	}
	d.sent = true
	var err error
	if t.Token, err = s.start(ctx, st, d.edit); err != nil {
		return false, d.refused(st, err)
	}
	v, err := s.follow(ctx, d, t, firstPause)
	return v == succeeded, err
}

// follow waits for a job and notes what became of it.
func (s *session) follow(ctx context.Context, d *draft, t ticket, pause time.Duration) (verdict, error) {
	v, err := s.poll(ctx, t.Token, pause)
	f := t.Step.field()
	switch {
	case err != nil, v == running:
		d.waits(t)
	case v == forgotten:
		d.unsure(f)
	case v == failed:
		if err = s.why(ctx); err == nil {
			d.refuse(f, fmt.Errorf("%w: %w", panel.ErrRefused, ErrJobFailed))
		}
	}
	return v, err
}

// refused notes what came of a write that became no job.
func (d *draft) refused(st step, err error) error {
	if unsent, ok := errors.AsType[unsentError](err); ok {
		return unsent
	}
	r, ok := errors.AsType[*refusalError](err)
	if !ok {
		d.unsure(st.field())
		return err
	}
	m := r.ofWrite()
	switch {
	case m.field != nil:
		d.refuse(st.field(), m.field)
	case m.unsure:
		d.unsure(st.field())
	}
	return m.line
}
