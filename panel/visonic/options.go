package visonic

import (
	"context"
	"io"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Errors of this package beside those of package panel, each wrapped together with the
// line error that it is an instance of.
var (
	// ErrDenied: the panel denies access. The download code is wrong, the panel has not
	// enrolled this line, or, by some reports, it is armed: the wire does not say which.
	ErrDenied = fault.New(fault.Denied, "visonic: access denied").
			Hinted("Check the download code and that the panel has enrolled this line. Some panels answer the same while they are armed: disarm, then resume.")
	// ErrUnknownPanel: the panel names a type that is not in [Panels].
	ErrUnknownPanel = fault.New(fault.Unsupported, "visonic: unknown type of panel")
	// ErrNoMessage: the panel does not know a message that its kind is documented to know.
	ErrNoMessage = fault.New(fault.Unsupported, "visonic: the panel does not know the message")
	// ErrDownloadCode: the download code is not four hexadecimal digits.
	ErrDownloadCode = fault.New(fault.Invalid, "visonic: the download code has the wrong form").
			Hinted("The download code has four hexadecimal digits.")
)

// Options says how a route reads. The zero value shows of a code only that there is one.
type Options struct {
	// Dial opens the line to a panel: a serial port at 9600 baud, 8N1, or a TCP connection
	// to a serial server. It must not outlive ctx. The line's Close must end a Read that is
	// waiting. Required for [NewFrames].
	Dial func(ctx context.Context, addr string) (io.ReadWriteCloser, error)
	// MarkKey, if set, lets reports carry a mark of each code that is keyed with it, so that
	// a change at the keypad is noticed without showing a digit. It must be secret, long
	// (at least 16 bytes) and always the same: four digits are found by trying.
	MarkKey panel.Secret
	// DiscloseCodes lets [panel.Query.Disclose] be obeyed. Reports without it show only
	// that there is a code: MarkKey has no effect then.
	DiscloseCodes bool
	// Zone is the time zone in which the panels' clocks are set; nil: clocks are not read,
	// because the wire names no zone.
	Zone *time.Location
}

// minMarkKey is the shortest key that marks are made with.
const minMarkKey = 16

// model is a model as these options read it.
func (o Options) model(m panel.Model) panel.Model {
	switch {
	case o.DiscloseCodes:
		return disclosing(m)
	case len(o.MarkKey.Reveal()) >= minMarkKey:
		m.Sight = panel.Marked
	}
	return m
}
