package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// table is what was measured. It prints as Markdown that people can read as it is.
type table struct {
	rows  [][]string
	notes []string
}

var head = []string{"what", "ours", "reference", "ratio", "goal", ""}

// ratio adds a row about two operations. Goal 0: there is none.
func (t *table) ratio(what string, p pairs, reference string, goal float64) {
	low, middle, high := p.ratios()
	row := []string{what, span(median(p.ours)), span(median(p.reference)) + " " + reference, fmt.Sprintf("%.2f (%.2f to %.2f)", middle, low, high), "", ""}
	if goal > 0 {
		row[4], row[5] = fmt.Sprintf("≤ %gx", goal), verdict(middle <= goal)
	}
	t.rows = append(t.rows, row)
}

// limit adds a row about a quantity.
func (t *table) limit(what, ours, goal string, met bool) {
	t.rows = append(t.rows, []string{what, ours, "", "", goal, verdict(met)})
}

// score adds a row about something that holds or does not, with how a rival does.
func (t *table) score(what, ours, rival, goal string, met bool) {
	t.rows = append(t.rows, []string{what, ours, rival, "", goal, verdict(met)})
}

// plain adds a row without a goal or a reference.
func (t *table) plain(what string, p pairs) {
	t.rows = append(t.rows, []string{what, fmt.Sprintf("%s, %d allocs", span(median(p.ours)), p.allocs), "", "", "", ""})
}

// note explains below the table what was compared.
func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

// span writes a duration with three digits.
func span(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d >= 10*time.Microsecond:
		return d.Round(100 * time.Nanosecond).String()
	}
	return d.String()
}

// missed lists the goals that were missed, or is nil.
func (t *table) missed() error {
	var errs []error
	for _, row := range t.rows {
		if row[5] == verdict(false) {
			errs = append(errs, fmt.Errorf("missed the goal %s: %s", row[4], row[0]))
		}
	}
	return errors.Join(errs...)
}

// print writes the table and its notes.
func (t *table) print(w io.Writer) error {
	all := append([][]string{head, make([]string, len(head))}, t.rows...)
	widths := make([]int, len(head))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	var b strings.Builder
	for n, row := range all {
		for i, cell := range row {
			pad, fill := widths[i]-utf8.RuneCountInString(cell), " "
			if n == 1 {
				fill = "-"
			}
			b.WriteString("| " + cell + strings.Repeat(fill, pad) + " ")
		}
		b.WriteString("|\n")
	}
	for _, n := range t.notes {
		b.WriteString("\n* " + n)
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}
