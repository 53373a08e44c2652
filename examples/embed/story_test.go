package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

var update = flag.Bool("update", false, "write testdata/story.txt anew")

// claims are what each line says of the panel, by how the line begins. The panel is
// asked when the line is told.
var claims = map[string]func(*testing.T, *dscsim.Panel){
	"panel connected": func(t *testing.T, p *dscsim.Panel) {
		assert.Positive(t, p.Connected())
		assert.Len(t, p.Users(), 1)
	},
	"code set on slot 4": func(t *testing.T, p *dscsim.Panel) {
		assert.True(t, p.Accepts(cleanerCode))
		assert.Equal(t, []int{1, 4}, slots(p))
	},
	"the same code refused": nobodyCame,
	"a label before a code": nobodyCame,
	"disabling the Master":  func(t *testing.T, p *dscsim.Panel) { assert.True(t, p.Accepts(master)) },
	"panel unplugged": func(t *testing.T, p *dscsim.Panel) {
		assert.True(t, p.Accepts(cleanerCode), "it still is as it was")
		assert.Equal(t, 1, user(p, 6).Tags)
		assert.Equal(t, panel.Supervisor, user(p, 6).Role)
	},
	"plugged in again": func(t *testing.T, p *dscsim.Panel) {
		assert.True(t, p.Accepts(nightCode))
		assert.False(t, p.Accepts(cleanerCode))
		assert.False(t, p.Accepts(passingCode))
	},
	"slot 6 is": func(t *testing.T, p *dscsim.Panel) {
		u := user(p, 6)
		assert.True(t, p.Accepts(neighbourCode))
		assert.False(t, p.Accepts(gardenerCode))
		assert.Zero(t, u.Tags)
		assert.Equal(t, panel.User, u.Role)
		assert.Zero(t, p.Attributes(6)&supervisor)
	},
	"slot 4 removed at the keypad": func(t *testing.T, p *dscsim.Panel) {
		assert.False(t, p.Accepts(nightCode))
		assert.Equal(t, []int{1, 6}, slots(p))
	},
	"slot 7 settled apart": func(t *testing.T, p *dscsim.Panel) {
		assert.True(t, p.Accepts(guestCode))
		assert.Equal(t, "User 7", user(p, 7).Label)
	},
	"action log": func(t *testing.T, p *dscsim.Panel) {
		assert.False(t, p.Accepts(nightCode), "never written back")
		assert.Equal(t, []int{1, 6, 7}, slots(p))
	},
}

func nobodyCame(t *testing.T, p *dscsim.Panel) { assert.Equal(t, []int{1, 4}, slots(p)) }

func slots(p *dscsim.Panel) (all []int) {
	for _, u := range p.Users() {
		all = append(all, u.Slot)
	}
	return all
}

func user(p *dscsim.Panel, n int) (found paneltest.User) {
	for _, u := range p.Users() {
		if u.Slot == n {
			return u
		}
	}
	return found
}

// witness hears the story and asks the panel about each line.
type witness struct {
	*testing.T
	panel *dscsim.Panel
	heard bytes.Buffer
}

func (w *witness) Write(line []byte) (int, error) {
	known := 0
	for begin, check := range claims {
		if strings.HasPrefix(string(line), begin) {
			known++
			check(w.T, w.panel)
		}
	}
	assert.Equal(w, 1, known, "a line of the story that nobody checks: %s", line)
	return w.heard.Write(line)
}

// What differs from run to run.
var (
	numberOfEntries = regexp.MustCompile(`\d+ entries`)
	fileAtEnd       = regexp.MustCompile(`anchored: .*\.anchor`)
)

// Rules: R40, R204
func TestTheStoryIsTrue(t *testing.T) {
	const golden = "testdata/story.txt"
	file := filepath.Join(t.TempDir(), "keyholder.db")
	// The second time another panel calls, and the log of the first one goes on.
	for range 2 {
		sim := simulated()
		w := &witness{T: t, panel: sim.panel}
		require.NoError(t, tell(t.Context(), file, sim, w))
		require.Len(t, claims, strings.Count(w.heard.String(), "\n"))
		require.Contains(t, w.heard.String(), "anchored: "+file+".anchor\n")

		got := fileAtEnd.ReplaceAll(numberOfEntries.ReplaceAll(w.heard.Bytes(), []byte("N entries")), []byte("anchored: FILE"))
		if *update {
			require.NoError(t, os.WriteFile(golden, got, 0o600))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	}
	for _, name := range []string{file, file + ".anchor", file + ".signer", file + ".keys"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
}
