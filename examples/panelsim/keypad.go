package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

const help = `set PLACE CODE [LABEL]    give a user a code, as somebody at the keypad does
label PLACE LABEL         give a user a label
remove PLACE              take a user away
users                     who is there, codes included
fault NAME [DURATION]     make something go wrong: %s
refuse FIELD              refuse the next write of code, label, role or partitions
quirk NAME on|off         read an open point otherwise: %s
pair HOST:PORT            let a Qolsys panel pair with who listens there
quit                      unplug the panel for good`

// faults are the names of what can go wrong.
var faults = map[string]paneltest.FaultKind{
	"drop": paneltest.Drop, "delay": paneltest.Delay, "corrupt": paneltest.Corrupt, "duplicate": paneltest.Duplicate, "late": paneltest.Late,
	"busy": paneltest.Busy, "wrongsecret": paneltest.WrongSecret, "armed": paneltest.Armed, "disarm": paneltest.Disarm,
	"cut": paneltest.Cut, "cutbefore": paneltest.CutBefore, "lockout": paneltest.Lockout, "away": paneltest.Away, "back": paneltest.Back,
}

// obey does what a line says and answers in words. It returns false for the last line.
func (d *device) obey(ctx context.Context, line string) (answer string, on bool) {
	verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	var err error
	switch verb {
	case "":
		return "", true
	case "quit":
		return "unplugged", false
	case "help":
		return fmt.Sprintf(help, strings.Join(slices.Sorted(maps.Keys(faults)), ", "), strings.Join(d.Quirks(), "; ")), true
	case "users":
		return d.list(), true
	case "set", "label", "remove":
		err = d.keypad(verb, rest)
	case "fault":
		err = d.fault(rest)
	case "refuse":
		err = d.refuse(rest)
	case "quirk":
		err = d.quirk(rest)
	case "pair":
		var remote string
		if d.pair == nil {
			return "this panel does not pair", true
		}
		if remote, err = d.pair(ctx, rest); err == nil {
			return "paired with " + remote, true
		}
	default:
		return "not understood; type help", true
	}
	if err != nil {
		return "refused: " + err.Error(), true
	}
	return "done", true
}

// list is who is there.
func (d *device) list() string {
	var out []string
	for _, u := range d.Users() {
		out = append(out, strings.TrimRight(fmt.Sprintf("%s code %s %s %s partitions %s tags %d", u.Place, u.Code, u.Label, u.Role, u.Partitions, u.Tags), " "))
	}
	if len(out) == 0 {
		return "nobody"
	}
	return strings.Join(out, "\n")
}

// place reads a slot; where users have ids, a short number stands for one of ours.
func (d *device) place(text string) (panel.Place, error) {
	n, err := strconv.Atoi(text)
	switch {
	case d.ids && err == nil && n > 0:
		return panel.Place{ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n)}, nil
	case d.ids:
		return panel.Place{ID: text}, nil
	}
	return panel.Place{Slot: n}, err
}

// there reports whether a user is at a place.
func (d *device) there(p panel.Place) bool {
	return slices.ContainsFunc(d.Users(), func(u paneltest.User) bool { return u.Place == p })
}

// keypad is somebody at the keypad.
func (d *device) keypad(verb, rest string) error {
	at, rest, _ := strings.Cut(rest, " ")
	place, err := d.place(at)
	if err != nil {
		return err
	}
	rest = strings.TrimSpace(rest)
	e := panel.Edit{Place: place}
	switch verb {
	case "remove":
		e.Do = panel.Remove
		return d.Keypad(e)
	case "label":
		e.Do, e.Set, e.Label = panel.Change, panel.FieldLabel, rest
		return d.Keypad(e)
	}
	digits, label, _ := strings.Cut(rest, " ")
	if e.Code, err = panel.ParseCode(digits); err != nil {
		return err
	}
	e.Do, e.Set = panel.Create, panel.FieldCode
	if d.there(place) {
		e.Do = panel.Change
	}
	if label = strings.TrimSpace(label); label != "" {
		e.Set |= panel.FieldLabel
		e.Label = label
	}
	return d.Keypad(e)
}

func (d *device) fault(rest string) error {
	name, duration, _ := strings.Cut(rest, " ")
	do, ok := faults[name]
	if !ok {
		return fmt.Errorf("no fault %q", name)
	}
	f := paneltest.Fault{Do: do}
	if duration != "" {
		var err error
		if f.For, err = time.ParseDuration(strings.TrimSpace(duration)); err != nil {
			return err
		}
	}
	d.Fault(f)
	return nil
}

func (d *device) refuse(name string) error {
	for f := range panel.AllFields.Each() {
		if f.String() == name {
			d.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: f})
			return nil
		}
	}
	return fmt.Errorf("no field %q", name)
}

func (d *device) quirk(rest string) error {
	name, on := strings.CutSuffix(rest, " on")
	if !on {
		name = strings.TrimSuffix(rest, " off")
	}
	if !d.Quirk(name, on) {
		return fmt.Errorf("no quirk %q", name)
	}
	return nil
}
