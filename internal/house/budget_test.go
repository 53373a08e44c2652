package house

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

// required is every module that the root may require directly, and what for. A new one
// needs a reason that a host developer would accept.
var required = map[string]string{
	"github.com/eclipse/paho.mqtt.golang": "MQTT 3.1.1, behind panel/qolsys",
	"github.com/google/uuid":              "random ids, behind our own types",
	"github.com/icholy/digest":            "HTTP digest authentication, behind panel/twon",
	"github.com/pquerna/otp":              "time-based codes, behind credentials/otp",
	"github.com/stretchr/testify":         "tests",
	"go.uber.org/zap":                     "a first-class log sink, audit/zapaudit",
	"golang.org/x/crypto":                 "bcrypt, argon2id",
	"golang.org/x/mod":                    "the Merkle tree and signed notes; go.mod in these tests",
	"pgregory.net/rapid":                  "tests",
}

// linked is every foreign module that the root's packages may put into a host's binary,
// and the only folders that may bring it ("" for any).
var linked = map[string]string{
	"github.com/google/uuid":              "",
	"github.com/eclipse/paho.mqtt.golang": "panel/qolsys",
	"github.com/gorilla/websocket":        "panel/qolsys", // an MQTT transport
	"golang.org/x/net":                    "panel/qolsys", // the MQTT client's proxy dialer
	"golang.org/x/sync":                   "panel/qolsys",
	"github.com/icholy/digest":            "panel/twon",
	"github.com/pquerna/otp":              "credentials/otp",
	"github.com/boombuler/barcode":        "credentials/otp", // otp's picture of a key
	"go.uber.org/zap":                     "audit/zapaudit",
	"go.uber.org/multierr":                "audit/zapaudit",
	"golang.org/x/crypto":                 "",
	"golang.org/x/sys":                    "", // processor features for x/crypto
	"golang.org/x/mod":                    "",
}

func TestRootModuleStaysLight(t *testing.T) {
	f, err := modfile.Parse("go.mod", []byte(read(t, "go.mod")), nil)
	require.NoError(t, err)
	assert.Equal(t, module, f.Module.Mod.Path)
	assert.Empty(t, f.Replace, "a published module replaces nothing")
	for _, r := range f.Require {
		if !r.Indirect && required[r.Mod.Path] == "" {
			t.Errorf("go.mod requires %s: it is not in the budget of internal/house/budget_test.go", r.Mod.Path)
		}
	}
}

func TestHostsLinkFewModules(t *testing.T) {
	home := map[string]string{} // package → module
	var products []pkg
	for _, p := range list(t, "-deps", "./...") {
		if p.Module != nil {
			home[p.ImportPath] = p.Module.Path
		}
		if !p.DepOnly && !kit(p.rel()) && !sim(p.rel()) {
			products = append(products, p)
		}
	}
	for _, p := range products {
		for _, d := range p.Deps {
			m := home[d]
			if m == "" || m == module {
				continue
			}
			switch only, ok := linked[m]; {
			case !ok:
				t.Errorf("%s links %s (by %s): it is not in the budget", p.rel(), m, d)
			case only != "" && p.rel() != only && !slices.Contains(p.Deps, module+"/"+only):
				t.Errorf("%s links %s, which only %s may bring", p.rel(), m, only)
			}
		}
	}
}

// A host that logs by slog links no other logger.
func TestHostsWithoutZapLinkNone(t *testing.T) {
	for _, p := range list(t, "./...") {
		if strings.HasPrefix(p.rel(), "audit/zapaudit") || floors[p.rel()].level >= 7 {
			continue
		}
		assert.NotContains(t, p.Deps, "go.uber.org/zap", p.rel())
	}
}

func TestEveryModuleIsInTheWorkspace(t *testing.T) {
	w, err := modfile.ParseWork("go.work", []byte(read(t, "go.work")), nil)
	require.NoError(t, err)
	used := map[string]bool{}
	for _, u := range w.Use {
		used[path.Clean(u.Path)] = true
	}
	for _, m := range modules(t) {
		if m == "tools" { // pins the linter; its requirements would steer the others' versions
			assert.False(t, used[m], "tools stays outside go.work")
			continue
		}
		assert.True(t, used[m], "%s is not in go.work", m)
		f, err := modfile.Parse("go.mod", []byte(read(t, path.Join(m, "go.mod"))), nil)
		require.NoError(t, err)
		assert.Equal(t, strings.TrimSuffix(module+"/"+m, "/."), f.Module.Mod.Path)
	}
}

// Each module is published on its own, so each carries the licence.
func TestEveryModuleCarriesTheLicence(t *testing.T) {
	licence := read(t, "LICENSE")
	assert.Contains(t, licence, "Apache License")
	for _, m := range modules(t) {
		assert.Equal(t, licence, read(t, path.Join(m, "LICENSE")), "%s/LICENSE differs from the root's", m)
	}
}
