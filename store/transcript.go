package store

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// String is the redacted transcript of a change: what it does, never what is in it.
// It is the golden form of every decision's test.
func (c Change) String() string {
	var b strings.Builder
	for _, l := range c.Entries {
		fmt.Fprintf(&b, "entry %s targets=%d\n", l.Action, len(l.Targets))
	}
	lines := make([]string, 0, len(c.Ops))
	for _, o := range c.Ops {
		lines = append(lines, transcript(o))
	}
	slices.Sort(lines)
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	return b.String()
}

// LogValue keeps bodies out of logs.
func (c Change) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Format keeps bodies out of every verb of fmt.
func (c Change) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

func transcript(o Op) string {
	switch o := o.(type) {
	case Put:
		return fmt.Sprintf("put %s if=%d", o.Record.Key.Kind, o.If)
	case Drop:
		return fmt.Sprintf("drop %s if=%d", o.Key.Kind, o.If)
	case Check:
		return fmt.Sprintf("check %s if=%d", o.Key.Kind, o.If)
	case Claim:
		verb := "hold"
		if o.Reserve {
			verb = "reserve"
		}
		if o.From != "" {
			verb += " handed over"
		}
		return "claim " + verb
	case Release:
		switch {
		case !o.RestUntil.IsZero():
			return "release resting"
		case o.EndRest:
			return "release ending a rest"
		}
		return "release"
	case Count:
		return fmt.Sprintf("count %s by=%+d max=%d", family(o.Counter), o.By, o.Max)
	case Mark:
		return "mark " + family(o.Line)
	case Fence:
		switch {
		case len(o.Fate.Parked) > 0:
			return "fence " + family(o.Line) + " parked"
		case o.Fate.Keep:
			return "fence " + family(o.Line) + " keep"
		case !o.Fate.Again.IsZero():
			return "fence " + family(o.Line) + " again"
		}
		return "fence " + family(o.Line) + " done"
	}
	return fmt.Sprintf("%T", o)
}

func family(s string) string {
	head, _, _ := strings.Cut(s, "/")
	return head
}
