package dsc

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// refusalError is a panel's no: a result of 0502 or 0501. The command was not carried out.
type refusalError struct {
	command itv2.Command
	result  itv2.Result
	nack    bool
}

// Error names command and result, never what was in the command.
func (r *refusalError) Error() string {
	kind := "result"
	if r.nack {
		kind = "not accepted"
	}
	return fmt.Sprintf("dsc: %v: %s %v", r.command, kind, r.result)
}

func refused(err error) bool {
	_, ok := errors.AsType[*refusalError](err)
	return ok
}

// unsentError wraps what kept a command from being sent: no byte of it has left.
type unsentError struct{ error }

// Unwrap returns the reason.
func (u unsentError) Unwrap() error { return u.error }

func wasSent(err error) bool {
	_, ok := errors.AsType[unsentError](err)
	return !ok
}

// ended is the line error for a context that is over.
func ended(ctx context.Context) error {
	return fmt.Errorf("%w: %w", panel.ErrTimeout, context.Cause(ctx))
}

// meaning is what a refusal is about.
type meaning struct {
	line   error // nothing more can be done on this line now
	field  error // this value of this field was refused
	unsure bool  // beside line: the panel itself does not know what it did
}

// ofEnter says what a refused start of programming means. Which result an armed panel
// gives is not published: "not available" is taken for it, and "busy" where the panel
// said before that it is armed.
func (r *refusalError) ofEnter(armed bool) error {
	switch {
	case r.result == itv2.InvalidCode || r.result == itv2.CodeRequired:
		return fmt.Errorf("%w: %w", panel.ErrSecret, r)
	case r.result == itv2.NackLockout && r.nack:
		return fmt.Errorf("%w: %w", panel.ErrBlocked, r)
	case r.result == itv2.NotAvailable, armed && r.result == itv2.SystemBusy:
		return fmt.Errorf("%w: %w", panel.ErrArmed, r)
	}
	return fmt.Errorf("%w: %w", panel.ErrBusy, r)
}

// ofWrite says what a refused write means. No paper says which result a duplicate or
// forbidden code gets, so that the panel's number is kept and no reason is claimed.
func (r *refusalError) ofWrite(slot int, armed bool) meaning {
	field := func(kind error) meaning { return meaning{field: fmt.Errorf("%w: %w", kind, r)} }
	line := func(kind error) meaning { return meaning{line: fmt.Errorf("%w: %w", kind, r)} }
	unsure := meaning{line: fmt.Errorf("%w: %w", panel.ErrTimeout, r), unsure: true}
	if r.nack {
		switch r.result {
		case itv2.NackUnknown, itv2.NackPassThrough, itv2.NackDestination, itv2.NackBuffer, itv2.NackSubCommand:
			return field(panel.ErrUnsupported)
		case itv2.NackSequence, itv2.NackSession, itv2.NackPowerUp:
			return line(panel.ErrBusy)
		case itv2.NackNoAnswer:
			return unsure
		case itv2.NackLockout:
			return line(panel.ErrBlocked)
		case itv2.NackLength:
			return field(panel.ErrRefused)
		}
	}
	switch r.result {
	case itv2.NotInProgramming:
		return line(panel.ErrBusy)
	case itv2.SystemBusy:
		if armed {
			return line(panel.ErrArmed)
		}
		return line(panel.ErrBusy)
	case itv2.InternalError, itv2.TimedOut:
		return unsure
	case itv2.InvalidCode, itv2.CodeRequired, itv2.NotAvailable:
		if slot == masterSlot {
			return meaning{field: fmt.Errorf("%w: %w: %w", panel.ErrRefused, panel.ErrUserProtected, r)}
		}
		if r.result == itv2.NotAvailable {
			return field(panel.ErrUnsupported)
		}
	}
	return field(panel.ErrRefused)
}
