package store

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits of one Change. A change that needs more is two changes with an intent between them.
const (
	MaxOps    = 64        // operations in a change
	MaxLeaves = 64        // leaves in a change
	MaxBody   = 256 << 10 // bytes of one record body or one leaf body
	MaxChange = 2 << 20   // bytes of a change in all
	MaxTerms  = 8         // terms of a record
	MaxTerm   = 128       // bytes of a term's value, a name, a line's name, a counter's name
	MaxID     = 128       // bytes of a record's id, a change's id, a holder, a use
	MaxKind   = 32        // bytes of a kind
)

// bookkeeping reports whether an operation needs no entry.
func bookkeeping(o Op) bool {
	switch o := o.(type) {
	case Put:
		return Quiet(o.Record.Key.Kind)
	case Drop:
		return Quiet(o.Key.Kind)
	case Check, Count, Mark, Fence:
		return true
	}
	return false
}

// Validate checks everything about a change that needs no database: limits, one
// operation a target, and an entry unless all operations are bookkeeping.
func (c Change) Validate() error {
	switch {
	case c.ID == "" || len(c.ID) > MaxID:
		return fmt.Errorf("%w: change id of %d bytes", ErrMalformed, len(c.ID))
	case len(c.Ops) > MaxOps || len(c.Entries) > MaxLeaves:
		return fmt.Errorf("%w: %d operations and %d entries", ErrTooLarge, len(c.Ops), len(c.Entries))
	case len(c.Ops) == 0 && len(c.Entries) == 0:
		return fmt.Errorf("%w: empty change", ErrMalformed)
	}
	size, quiet := 0, true
	seen := make(map[string]bool, len(c.Ops))
	for i, o := range c.Ops {
		n, err := check(o)
		if err == nil && seen[o.Target()] {
			err = fmt.Errorf("%w: two operations on %s", ErrMalformed, printable(o.Target()))
		}
		if err != nil {
			return &OpError{Index: i, Op: o, Err: err}
		}
		seen[o.Target()] = true
		size += n
		quiet = quiet && bookkeeping(o)
	}
	ids := make(map[string]bool, len(c.Entries))
	for _, l := range c.Entries {
		if l.ID == "" || len(l.ID) > MaxID || l.Action == "" || len(l.Action) > MaxID || l.At.IsZero() || !storable(l.At) || len(l.Targets) > 16 || len(l.Body) == 0 || ids[l.ID] {
			return fmt.Errorf("%w: leaf %q", ErrMalformed, printable(l.ID))
		}
		if len(l.Body) > MaxBody {
			return fmt.Errorf("%w: leaf of %d bytes", ErrTooLarge, len(l.Body))
		}
		for _, t := range l.Targets {
			if len(t) == 0 || len(t) > MaxTerm {
				return fmt.Errorf("%w: leaf target of %d bytes", ErrMalformed, len(t))
			}
		}
		ids[l.ID] = true
		size += len(l.Body)
	}
	if size > MaxChange {
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, size)
	}
	if !quiet && len(c.Entries) == 0 {
		return ErrNoEntry
	}
	return nil
}

func check(o Op) (int, error) {
	bad := func(what string) (int, error) { return 0, fmt.Errorf("%w: %s", ErrMalformed, what) }
	key := func(k Key) bool {
		return k.Kind != "" && len(k.Kind) <= MaxKind && k.ID != "" && len(k.ID) <= MaxID && !strings.Contains(string(k.Kind), "/")
	}
	name := func(s string, limit int) bool { return s != "" && len(s) <= limit }
	switch o := o.(type) {
	case Put:
		if !key(o.Record.Key) {
			return bad("key")
		}
		if len(o.Record.Terms) > MaxTerms {
			return bad("too many terms")
		}
		size := len(o.Record.Body)
		for i, t := range o.Record.Terms {
			if !name(t.Name, MaxKind) || len(t.Value) > MaxTerm {
				return bad("term")
			}
			if slices.ContainsFunc(o.Record.Terms[:i], func(u Term) bool { return u.Name == t.Name }) {
				return bad("term twice")
			}
			size += len(t.Value)
		}
		if len(o.Record.Body) > MaxBody {
			return 0, fmt.Errorf("%w: record of %d bytes", ErrTooLarge, len(o.Record.Body))
		}
		if len(o.Record.Body) == 0 {
			return bad("empty body")
		}
		return size, nil
	case Drop:
		if !key(o.Key) || o.If == 0 {
			return bad("drop of nothing")
		}
	case Check:
		if !key(o.Key) {
			return bad("key")
		}
	case Claim:
		if !name(string(o.Name), MaxTerm) || !name(o.Holder, MaxID) || !name(o.Use, MaxID) || len(o.From) > MaxID || (o.Reserve && o.From != "") {
			return bad("claim")
		}
	case Release:
		if !name(string(o.Name), MaxTerm) || !name(o.Holder, MaxID) || !name(o.Use, MaxID) || !storable(o.RestUntil) {
			return bad("release")
		}
	case Count:
		if !name(o.Counter, MaxTerm) || o.By == 0 || o.Max < 0 || !storable(o.Until) {
			return bad("count")
		}
	case Mark:
		if !name(o.Line, MaxTerm) || !storable(o.Due) {
			return bad("line")
		}
	case Fence:
		if !name(o.Line, MaxTerm) || !name(o.Owner, MaxID) || o.Token == 0 || !storable(o.Fate.Again) {
			return bad("fence")
		}
		size := 0
		for route, why := range o.Fate.Parked {
			size += len(route) + len(why)
		}
		return size, nil
	default:
		return bad(fmt.Sprintf("unknown operation %T", o))
	}
	return 0, nil
}

// storable reports whether t is zero or within the years that nanoseconds in 64 bits hold.
func storable(t time.Time) bool {
	return t.IsZero() || (t.UTC().Year() > 1677 && t.UTC().Year() < 2262)
}

// printable keeps bytes that are no text out of error texts.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, s)
}
