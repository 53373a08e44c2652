package twon

import (
	"fmt"
	"strconv"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// latest is the last second that the manual promises a device can count to.
const latest = 1<<31 - 1

// open is an end that is not set.
const open = "0"

// validFrom writes when a window begins: its first whole second.
func validFrom(w panel.Window) (string, error) {
	if w.Revoked {
		return "", ErrWindow
	}
	if w.From.IsZero() {
		return open, nil
	}
	first := w.From.Unix()
	if w.From.Nanosecond() > 0 {
		first++
	}
	switch {
	case first > latest:
		return "", ErrWindow
	case first <= 0:
		return open, nil // the device's time begins later
	}
	return strconv.FormatInt(first, 10), nil
}

// validTo writes when a window ends: its last whole second. An end that cannot be written
// must not turn into "open".
func validTo(w panel.Window) (string, error) {
	if w.Revoked {
		return "", ErrWindow
	}
	if w.Until.IsZero() {
		return open, nil
	}
	last := w.Until.Unix() - 1
	if last < 1 || last > latest {
		return "", ErrWindow
	}
	return strconv.FormatInt(last, 10), nil
}

// window reads what a device says: the second validTo is taken for the last that opens.
func (a access) window() (panel.Window, error) {
	var w panel.Window
	first, set, err := a.ValidFrom.seconds()
	if err != nil {
		return w, fmt.Errorf("from: %w", err)
	}
	if set {
		w.From = time.Unix(first, 0).UTC()
	}
	last, set, err := a.ValidTo.seconds()
	if err != nil {
		return w, fmt.Errorf("until: %w", err)
	}
	if set {
		w.Until = time.Unix(last+1, 0).UTC()
	}
	w.Revoked = a.shut()
	return w, nil
}
