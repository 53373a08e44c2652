package main

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// gridView is the Users grid.
type gridView struct {
	roster.Page
	Columns []string
	Sizes   []int
	Number  int // of this page
	Count   string
}

// Prev and Next are the numbers of the pages beside this one.
func (g gridView) Prev() int { return g.Number - 1 }

// Next is the number of the page behind this one.
func (g gridView) Next() int { return g.Number + 1 }

// grid shows a page of the users of a panel.
func (w *web) grid(r *http.Request) (answer, error) {
	ctx, tab := r.Context(), w.tab(r.PathValue("panel"))
	info, err := tab.Info(ctx)
	if err != nil {
		return answer{}, err
	}
	number, size, err := paging(r)
	if err != nil {
		return answer{}, err
	}
	page, err := tab.Users(ctx, number, size)
	if err != nil {
		return answer{}, err
	}
	g := gridView{Page: page, Columns: roster.Columns(), Sizes: roster.PageSizes(), Number: number, Count: roster.CountText(page.Total)}
	return answer{name: "grid.html", view: view{Title: "Equipment users", Nav: "users", Panel: info, Page: g,
		Refresh: refresh(slices.ContainsFunc(page.Rows, moving), info)}}, nil
}

// paging reads the number of a page, from 1, and its size, 0 for the usual one.
func paging(r *http.Request) (number, size int, err error) {
	number = 1
	for name, into := range map[string]*int{"page": &number, "size": &size} {
		if text := r.FormValue(name); text != "" {
			if *into, err = strconv.Atoi(text); err != nil {
				return 0, 0, errForm
			}
		}
	}
	return max(number, 1), size, nil
}

// moving reports whether something of a user is on its way to the panel.
func moving(row roster.Row) bool {
	return slices.ContainsFunc(row.Fields, func(f roster.FieldView) bool {
		return f.State == roster.FieldPending || f.State == roster.FieldUnsure
	})
}

// place reads the slot of an address.
func place(r *http.Request) (panel.Place, error) {
	n, err := strconv.Atoi(r.PathValue("slot"))
	if err != nil {
		return panel.Place{}, panel.ErrUserNotFound
	}
	return panel.Place{Slot: n}, nil
}

// detailsView is everything about one user.
type detailsView struct {
	roster.Details
	Edit    string // the field whose form is open
	Confirm string // the act that is to be confirmed
	Roles   []panel.Role
	Parts   []partition
	Lengths string
	Line    string // how the work with the panel stands, if it matters
	Notice  string // what was done last
	Offer   string // how the code stands that was handed over, if one was
}

// partition is a box to be checked.
type partition struct {
	Number int
	On     bool
}

// Can reports whether the details offer an action.
func (d detailsView) Can(a string) bool {
	return slices.Contains(d.Details.Details(), roster.Action(a))
}

// Why is the reason why an action is not offered.
func (d detailsView) Why(a string) string {
	err := d.WhyNot(roster.Action(a))
	if err == nil {
		return ""
	}
	if hint := fault.Hint(err); hint != "" {
		return hint
	}
	return sentence(err)
}

// fieldRow is one field of the details.
type fieldRow struct {
	Key, Title string
	Shown      string // what the panel reports
	View       roster.FieldView
	Open       bool // its form is shown
	Can        bool
	Why        string // not
}

// Rows are the fields that can be changed.
func (d detailsView) Rows() []fieldRow {
	rows := []fieldRow{
		{Key: "code", Title: "Code", Shown: d.CodeText, View: d.Field(panel.FieldCode)},
		{Key: "label", Title: "Label", Shown: d.Label, View: d.Field(panel.FieldLabel)},
		{Key: "role", Title: "Role", Shown: d.RoleText(), View: d.Field(panel.FieldRole)},
		{Key: "partitions", Title: "Partitions", Shown: d.PartitionsText(), View: d.Field(panel.FieldPartitions)},
	}
	for i := range rows {
		r := &rows[i]
		edit := "Edit " + r.Key
		r.Can, r.Why = d.Can(edit), d.Why(edit)
		r.Open = r.Can && d.Edit == r.Key
	}
	return rows
}

// details shows one user.
func (w *web) details(r *http.Request) (answer, error) {
	ctx, tab := r.Context(), w.tab(r.PathValue("panel"))
	at, err := place(r)
	if err != nil {
		return answer{}, err
	}
	info, err := tab.Info(ctx)
	if err != nil {
		return answer{}, err
	}
	d, err := tab.Details(ctx, at)
	if err != nil {
		return answer{}, err
	}
	offer, err := tab.Offered(ctx, at)
	if err != nil {
		return answer{}, err
	}
	v := detailsView{Details: d, Offer: offered(offer), Notice: notice(r.FormValue("done")), Edit: r.FormValue("edit"), Confirm: r.FormValue("confirm"), Lengths: lengths(info)}
	for _, role := range info.Model.Roles {
		if role != panel.Master {
			v.Roles = append(v.Roles, role)
		}
	}
	on := d.Partitions
	if p, err := panel.ParsePartitions(d.Field(panel.FieldPartitions).Wanted); err == nil && p != 0 {
		on = p
	}
	for n := range info.Model.Partitions {
		v.Parts = append(v.Parts, partition{n + 1, on.Has(n + 1)})
	}
	if moving(d.Row) && !info.Line.Here {
		v.Line = "The panel is not connected. What is pending is sent when it calls in."
	}
	return answer{name: "details.html", view: view{Title: d.Title, Nav: "users", Panel: info, Page: v,
		Refresh: refresh(moving(d.Row) && v.Edit == "" && v.Confirm == "", info)}}, nil
}

// lengths says how long a code has to be.
func lengths(p roster.Panel) string {
	if p.CodeLen != 0 {
		return strconv.Itoa(p.CodeLen)
	}
	var all []string
	for _, n := range p.Model.Code.Lens {
		all = append(all, strconv.Itoa(n))
	}
	return strings.Join(all, " or ")
}
