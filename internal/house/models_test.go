package house

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/lock"
	"github.com/seed-a2d3eaca/keyholder/panel/powermanage"
	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
	"github.com/seed-a2d3eaca/keyholder/panel/twon"
	"github.com/seed-a2d3eaca/keyholder/panel/visonic"
)

// offer is what one way to a panel can do.
type offer struct {
	driver string // its folder
	route  string
	model  panel.Model
}

// offers are the models of every driver. A panel that cannot be reached stands under the
// route of its maker: its limits are data.
func offers() []offer {
	var all []offer
	add := func(driver, route string, models ...panel.Model) {
		for _, m := range models {
			all = append(all, offer{driver, route, m})
		}
	}
	add("panel/dsc", dsc.Route, dsc.Models()...)
	add("panel/powermanage", powermanage.Route, powermanage.NeoR(), powermanage.DualPath(), powermanage.Visonic(), powermanage.Qolsys())
	for _, p := range visonic.Panels() {
		add("panel/visonic", visonic.FramesRoute, p.Model)
	}
	add("panel/visonic", visonic.PowerLinkRoute, visonic.NewPowerLink(visonic.PowerLinkOptions{}).Model())
	add("panel/visonic", visonic.RPCRoute, visonic.NewRPC(visonic.RPCOptions{}).Model())
	writing := visonic.NewRPC(visonic.RPCOptions{Experimental: true}).Model()
	writing.Name += " (RPCOptions.Experimental)"
	add("panel/visonic", visonic.RPCRoute, writing)
	both := panel.Combine(
		panel.Part{Route: visonic.FramesRoute, Driver: visonic.NewFrames(visonic.Options{MarkKey: panel.SecretOf("a key for this table only")})},
		panel.Part{Route: powermanage.Route, Driver: powermanage.New(powermanage.Options{})},
	).Model()
	both.Name += " (the wire reads, the server writes)"
	add("panel/visonic", visonic.FramesRoute+" + "+powermanage.Route, both)
	add("panel/qolsys", qolsys.Route, qolsys.Models()...)
	wall := panel.Combine(
		panel.Part{Route: qolsys.Route, Driver: qolsys.NewIQRemote(qolsys.Options{})},
		panel.Part{Route: powermanage.Route, Driver: powermanage.New(powermanage.Options{Model: powermanage.Qolsys()})},
	).Model()
	wall.Name += " (the wire reads, the server writes)"
	add("panel/qolsys", qolsys.Route+" + "+powermanage.Route, wall)
	add("panel/qolsys", qolsys.RouteControl4, qolsys.NewControl4(qolsys.Options{}).Model())
	add("panel/twon", twon.Route, twon.Models()...)
	add("panel/lock", lock.Route, lock.Models()...)
	return all
}

// columns are what the table has a column for: every field.
var columns = slices.Collect(panel.AllFields.Each())

// standing is what a model says of the writing of a field.
func standing(m panel.Model, f panel.Field) string {
	switch {
	case m.Hands.Has(f):
		return "needs hands"
	case !m.Writes().Has(f):
		return "not possible"
	case m.Experimental.Has(f):
		return "experimental"
	case !m.Change.Has(f):
		return "works, at creation"
	}
	return "works"
}

// sights are the words for what a route sees of a code.
var sights = map[panel.Sight]string{
	panel.Hidden: "nothing", panel.Acked: "an answer", panel.Presence: "presence", panel.Marked: "a mark", panel.Value: "the digits",
}

// sight is what a route sees of a code, and which fields it reports.
func sight(m panel.Model) string {
	s := sights[m.Sight]
	if read := m.Read &^ panel.FieldCode; read != 0 {
		s += "; " + read.String()
	}
	return s
}

// cells are a row of the table without the names of its panels.
func (o offer) cells() []string {
	out := []string{o.model.Vendor, "`" + o.route + "`"}
	for _, f := range columns {
		out = append(out, standing(o.model, f))
	}
	return append(out, sight(o.model))
}

// modelsTable has a row for each vendor, route and set of abilities, and under it what
// stands behind the models.
func modelsTable(all []offer) string {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b offer) int { return cmp.Compare(a.model.Vendor, b.model.Vendor) })
	type row struct {
		cells []string
		names []string
		notes []string
	}
	var rows []*row
	var notes []string
	for _, o := range all {
		cells := o.cells()
		i := slices.IndexFunc(rows, func(r *row) bool { return slices.Equal(r.cells, cells) })
		if i < 0 {
			i = len(rows)
			rows = append(rows, &row{cells: cells})
		}
		if !slices.Contains(notes, o.model.Evidence) {
			notes = append(notes, o.model.Evidence)
		}
		mark := fmt.Sprintf("[%d]", slices.Index(notes, o.model.Evidence)+1)
		rows[i].names = append(rows[i].names, o.model.Name)
		if !slices.Contains(rows[i].notes, mark) {
			rows[i].notes = append(rows[i].notes, mark)
		}
	}

	var b strings.Builder
	line := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	head := []string{"vendor", "route", "panels"}
	for _, f := range columns {
		head = append(head, f.String())
	}
	head = append(head, "sees", "evidence")
	line(head...)
	line(slices.Repeat([]string{"---"}, len(head))...)
	for _, r := range rows {
		line(slices.Concat(r.cells[:2], []string{strings.Join(r.names, ", ")}, r.cells[2:], []string{strings.Join(r.notes, " ")})...)
	}
	b.WriteString("\n")
	for i, n := range notes {
		fmt.Fprintf(&b, "%d. %s\n", i+1, n)
	}
	return b.String()
}

// The README's table of models is what the drivers say of themselves.
func TestModelsTable(t *testing.T) {
	const begin, end = "<!-- models -->\n", "<!-- /models -->"
	was := read(t, "README.md")
	before, rest, ok := strings.Cut(was, begin)
	_, after, closed := strings.Cut(rest, end)
	require.True(t, ok && closed, "README.md has no block of models")
	now := before + begin + modelsTable(offers()) + end + after
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join(root, "README.md"), []byte(now), 0o644))
		return
	}
	assertSameText(t, "README.md", now, was)
}

// Every driver is in the table, and every model in it says whose panel it is and what
// stands behind it.
func TestModelsTableHasEveryDriver(t *testing.T) {
	shown := map[string]bool{}
	for _, o := range offers() {
		shown[o.driver] = true
		assert.NotEmpty(t, o.model.Evidence, o.model.Name)
		assert.NotEmpty(t, o.model.Vendor, o.model.Name)
	}
	for _, s := range sources(t) {
		if path.Dir(s.dir()) == "panel" && !kit(s.dir()) {
			assert.True(t, shown[s.dir()], "%s: no model of this driver is in the README's table", s.dir())
		}
	}
}
