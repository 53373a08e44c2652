package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

var update = flag.Bool("update", false, "write the stories of testdata anew")

// claims are what each line says of the panel, by how the line goes on behind the panel's
// name; "# 4" stands for "slot 4" and "entry 4". The panel is asked when the line is told.
var claims = map[string]func(*testing.T, *part){
	"panel connected":             onlyMaster,
	"its route writes":            onlyMaster,
	"no route writes a code here": onlyMaster,
	"# 4 waits for hands":         onlyMaster,
	"code set on # 4":             func(t *testing.T, p *part) { assert.True(t, p.opens(cleanerCode)); nobodyCame(t, p) },
	"partitions for # 4 refused": func(t *testing.T, p *part) {
		assert.NotEqual(t, panel.PartitionsOf(1, 2), holder(p, cleanerCode).Partitions)
	},
	"partitions of # 4 need hands": func(t *testing.T, p *part) {
		assert.Equal(t, panel.PartitionsOf(1, 2), holder(p, cleanerCode).Partitions)
	},
	"the same code":                       nobodyCame,
	"a label before a code":               nobodyCame,
	"disabling the Master":                func(t *testing.T, p *part) { assert.True(t, p.opens(master)) },
	"disabling # 4":                       func(t *testing.T, p *part) { assert.True(t, p.opens(cleanerCode)) },
	"there is no Master":                  func(t *testing.T, p *part) { assert.Empty(t, withRole(p, panel.Master)) },
	"panel unplugged":                     asItWas,
	"plugged in again, settled as one":    nightShift,
	"plugged in again, keyed in as one":   nightShift,
	"# 6 is":                              changedHands,
	"# 4 removed at the keypad":           func(t *testing.T, p *part) { assert.False(t, p.opens(nightCode)); assert.Len(t, guests(p), 1) },
	"# 7 settled apart":                   guestWithout("User 7"),
	"# 7: its label refused, and with it": guestWithout(""),
}

// guests are the users whom the story has brought.
func guests(p *part) []paneltest.User {
	return slices.DeleteFunc(p.Users(), func(u paneltest.User) bool { return u.Code == master })
}

func holder(p *part, code string) (found paneltest.User) {
	for _, u := range p.Users() {
		if u.Code == code {
			found = u
		}
	}
	return found
}

func withRole(p *part, r panel.Role) []paneltest.User {
	return slices.DeleteFunc(p.Users(), func(u paneltest.User) bool { return u.Role != r })
}

func onlyMaster(t *testing.T, p *part) {
	assert.Empty(t, guests(p))
	if sim, ok := p.wall.(*dscsim.Panel); ok {
		assert.Positive(t, sim.Connected())
	}
}

func nobodyCame(t *testing.T, p *part) { assert.Len(t, guests(p), 1) }

func asItWas(t *testing.T, p *part) {
	assert.Len(t, guests(p), 2)
	assert.True(t, p.opens(cleanerCode), "it still is as it was")
	assert.Equal(t, "Cleaner", holder(p, cleanerCode).Label)
	gardener := holder(p, gardenerCode)
	assert.Equal(t, "Gardener", gardener.Label)
	if p.name == "dsc" || p.name == "2n" {
		assert.Equal(t, 1, gardener.Tags)
	}
	if p.name == "dsc" {
		assert.Equal(t, panel.Supervisor, gardener.Role)
	}
}

func nightShift(t *testing.T, p *part) {
	assert.Equal(t, "Night shift", holder(p, nightCode).Label)
	assert.False(t, p.opens(cleanerCode))
	assert.False(t, p.opens(passingCode))
	if p.name == "dsc" || p.name == "qolsys" {
		assert.Equal(t, panel.PartitionsOf(2, 3), holder(p, nightCode).Partitions)
	}
}

func changedHands(t *testing.T, p *part) {
	neighbour := holder(p, neighbourCode)
	assert.Equal(t, "Neighbour", neighbour.Label)
	assert.False(t, p.opens(gardenerCode))
	assert.Zero(t, neighbour.Tags)
	if sim, ok := p.wall.(*dscsim.Panel); ok {
		assert.Equal(t, panel.User, neighbour.Role)
		assert.Zero(t, sim.Attributes(6)&supervisor)
	}
}

func guestWithout(label string) func(*testing.T, *part) {
	return func(t *testing.T, p *part) {
		assert.True(t, p.opens(guestCode))
		assert.Equal(t, label, holder(p, guestCode).Label)
		assert.False(t, p.opens(nightCode), "never written back")
		assert.Equal(t, "Neighbours", holder(p, neighbourCode).Label)
	}
}

// witness hears the story and asks the panel about each line.
type witness struct {
	*testing.T
	parts []*part
	heard bytes.Buffer
}

var (
	placed = regexp.MustCompile(`\b(slot|entry) (\d)`)
	begins = regexp.MustCompile(`^\w+: `)
)

func (w *witness) Write(line []byte) (int, error) {
	n, err := w.heard.Write(line)
	text := string(line)
	if strings.HasPrefix(text, "action log: ") {
		for _, p := range w.parts {
			assert.False(w, p.opens(nightCode), "%s: never written back", p.name)
			assert.Len(w, guests(p), 2, p.name)
		}
		return n, err
	}
	told := w.parts[0]
	if len(w.parts) > 1 {
		i := slices.IndexFunc(w.parts, func(p *part) bool { return strings.HasPrefix(text, p.name+": ") })
		if !assert.GreaterOrEqual(w, i, 0, "nobody's line: %s", text) {
			return n, err
		}
		told, text = w.parts[i], text[len(w.parts[i].name)+2:]
	}
	text = placed.ReplaceAllString(text, "# $2")
	known := 0
	for begin, check := range claims {
		if strings.HasPrefix(text, begin) {
			known++
			check(w.T, told)
		}
	}
	assert.Equal(w, 1, known, "a line of the story that nobody checks: %s", line)
	return n, err
}

// What differs from run to run.
var (
	numberOfEntries = regexp.MustCompile(`\d+ entries`)
	fileAtEnd       = regexp.MustCompile(`anchored: .*\.anchor`)
)

// hear plays a story and compares it with one that is known, panel by panel.
func hear(t *testing.T, file, golden string, cast company) {
	t.Helper()
	w := &witness{T: t, parts: cast.parts}
	require.NoError(t, tell(t.Context(), file, cast, w))
	require.Contains(t, w.heard.String(), "anchored: "+file+".anchor\n")
	text := fileAtEnd.ReplaceAllString(numberOfEntries.ReplaceAllString(w.heard.String(), "N entries"), "anchored: FILE")
	lines := strings.SplitAfter(text, "\n")
	if len(cast.parts) > 1 {
		slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(begins.FindString(a), begins.FindString(b)) })
	}
	got := strings.Join(lines, "")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// Rules: R40, R204
func TestTheStoryIsTrue(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keyholder.db")
	// The second time another panel calls, and the log of the first one goes on.
	for range 2 {
		hear(t, file, "testdata/story.txt", alone())
	}
	for _, name := range []string{file, file + ".anchor", file + ".signer", file + ".keys"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
}

// Six panels at once on real sockets take about ten seconds, in which servers are asked
// gently whether their jobs have ended; -short leaves them out.
//
// Rules: R40, R204, R246
func TestTheStoryOfAllPanelsIsTrue(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for servers")
	}
	t.Parallel()
	cast, err := everybody(t.Context())
	require.NoError(t, err)
	hear(t, filepath.Join(t.TempDir(), "keyholder.db"), "testdata/all.txt", cast)
}

// The front page is what a host writes, and no more than that.
func TestAHostIsSixtyLines(t *testing.T) {
	text, err := os.ReadFile("host.go")
	require.NoError(t, err)
	require.LessOrEqual(t, bytes.Count(text, []byte("\n")), 60)
}
