package main

import (
	"net/http"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/journal"
)

// logView is a page of the action log, and whether the log is whole.
type logView struct {
	Entries []logRow
	Newer   journal.Cursor
	Older   journal.Cursor
	About   string // the panel user whom it is about, "" for all
	Health  journal.Health
	Report  *audit.Report // if it was asked for
}

// logRow is an entry in few words: ids are for programs.
type logRow struct{ journal.Entry }

// Text says what happened.
func (e logRow) Text() string {
	text, _, _ := strings.Cut(e.Description, ": ")
	return strings.TrimSuffix(text, ".")
}

// By says who did it: a person's name, or the part of keyholder.
func (e logRow) By() string {
	if e.Actor.Kind == audit.SystemActor {
		return "keyholder · " + e.Actor.Via
	}
	return e.Who
}

// Words are the details that a person asks for first.
func (e logRow) Words() string {
	var words []string
	for _, d := range e.Details {
		switch d.Name {
		case audit.FieldSlot, audit.FieldLabel, audit.FieldEmail, audit.FieldRole, audit.FieldPartitions, audit.FieldUsers,
			audit.FieldFields, audit.FieldFieldsRefused, audit.FieldFieldsUnsure, audit.FieldReason, audit.FieldOperation:
			if d.Value != "" {
				words = append(words, d.Name+" "+d.Value)
			}
		}
	}
	return strings.Join(words, " · ")
}

// verdict is one answer of a report.
type verdict struct {
	Name, Text string
	OK         bool
}

// Verdicts are the report's answers, in words.
func (v logView) Verdicts() []verdict {
	var all []verdict
	for _, a := range []struct {
		name, yes string
		verdict   audit.Verdict
	}{
		{"Integrity", "Every entry is what was written, and the tree is what was signed.", v.Report.Integrity},
		{"Completeness", "No entry is missing, and the log only grew since it was anchored.", v.Report.Completeness},
		{"State", "Every record is what the last entry about it left.", v.Report.State},
	} {
		one := verdict{Name: a.name, Text: a.yes, OK: a.verdict.OK()}
		if !one.OK {
			one.Text = a.verdict.First().String()
		}
		all = append(all, one)
	}
	return all
}

// actionLog shows a page of the log; with verify it reads the whole log first.
func (w *web) actionLog(r *http.Request) (answer, error) {
	ctx := r.Context()
	q := journal.Query{At: journal.Cursor(r.FormValue("at"))}
	v := logView{About: r.FormValue("about")}
	if v.About != "" {
		q.About = []string{v.About}
	}
	page, err := w.journal().Query(ctx, q)
	if err != nil {
		return answer{}, err
	}
	v.Newer, v.Older = page.Newer, page.Older
	for _, e := range page.Entries {
		v.Entries = append(v.Entries, logRow{e})
	}
	if v.Health, err = w.log.Health(ctx); err != nil {
		return answer{}, err
	}
	if r.FormValue("verify") != "" {
		report, err := w.journal().Verify(ctx)
		if err != nil {
			return answer{}, err
		}
		v.Report = &report
	}
	panels, err := w.roster().Panels(ctx, "", 1)
	a := answer{name: "log.html", view: view{Title: "Action log", Nav: "log", Page: v}}
	if len(panels) > 0 {
		a.view.Panel = panels[0]
	}
	return a, err
}
