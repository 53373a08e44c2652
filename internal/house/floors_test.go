package house

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A floor is a level and, where one folder holds several layers of one thing, a step
// inside it.
type floor struct {
	level int
	step  int
}

// floors says where every package stands. A package imports only lower floors; inside
// one level only from a later step to an earlier one of the same top folder.
var floors = map[string]floor{
	".":               {0, 0}, // the front page of the documentation
	"fault":           {0, 0},
	"internal/hidden": {0, 0}, // keeps the secrets of all floors from printing
	"internal/mint":   {0, 0}, // lets a public package make some values for this module only

	"credentials":          {1, 1},
	"credentials/otp":      {1, 2},
	"credentials/recur":    {1, 2},
	"credentials/password": {1, 2},
	"audit":                {1, 0},
	"store":                {1, 0},

	"credentials/keyringtest": {2, 0}, // the kit that proves a keyring
	"credentials/tink":        {2, 1}, // a module of its own

	"panel":             {2, 0},
	"engine":            {2, 0},
	"notify":            {2, 0},
	"notify/notifytest": {2, 1},
	"audit/zapaudit":    {2, 0},
	"audit/httpanchor":  {2, 0},
	"store/memstore":    {2, 0},
	"store/sqlstore":    {2, 0},
	"store/storetest":   {2, 0},

	"panel/paneltest":     {3, 0},
	"panel/powermanage":   {3, 0},
	"accounts":            {3, 0},
	"store/sqlite":        {3, 0},
	"store/postgres":      {3, 0},
	"engine/river":        {3, 0},
	"notify/smtp":         {3, 0},
	"notify/smtp/smtpsim": {3, 1},
	"notify/webpush":      {3, 0},

	// A vendor's wire, then its driver, then its simulator.
	"panel/dsc/internal/itv2":          {4, 1},
	"panel/dsc":                        {4, 2},
	"panel/dsc/dscsim":                 {4, 3},
	"panel/qolsys/internal/iqremote":   {4, 1},
	"panel/qolsys":                     {4, 2},
	"panel/qolsys/qolsyssim":           {4, 3},
	"panel/qolsys/announce":            {4, 3}, // the mDNS announcement, a module of its own
	"panel/visonic/internal/powerlink": {4, 1},
	"panel/visonic":                    {4, 2},
	"panel/visonic/visonicsim":         {4, 3},
	"panel/lock":                       {4, 2},
	"panel/lock/locksim":               {4, 3},
	"panel/twon":                       {4, 2},
	"panel/twon/twonsim":               {4, 3},
	"panel/powermanage/powermanagesim": {4, 0},
	"internal/rec":                     {4, 0},
	"examples/acmedriver":              {4, 0},
	"internal/flow":                    {5, 0},
	"roster":                           {6, 0},
	"people":                           {6, 0},
	"signin":                           {6, 0},
	"signin/oidc":                      {6, 1}, // a module of its own: one protocol of proving people elsewhere
	"door":                             {6, 0},
	"journal":                          {6, 0},
	"keys":                             {6, 0}, // moves a store to another root key, with the records of all services
	"notify/notices":                   {6, 0},
	"people/scim":                      {7, 0}, // a protocol over people and signin
	"notify/smtp/receipt":              {7, 0}, // tests over a real line and file
	"examples/embed":                   {7, 0},
	"examples/hostpeople":              {7, 0},
	"examples/server":                  {7, 0},
	"examples/crash":                   {7, 0},
	"examples/soak":                    {7, 0},
	"examples/signin":                  {7, 0},
	"examples/workflows":               {7, 0},
	"examples/makers":                  {7, 0},
	"examples/panelsim":                {7, 0},
	"examples/verify":                  {7, 0},
	"examples/smsgateway":              {7, 0},
	"examples/export":                  {7, 0},
	"bench":                            {7, 0},
	"internal/house":                   {7, 0},
}

// below reports whether a package may import another.
func below(importer, imported string) bool {
	a, b := floors[importer], floors[imported]
	if a.level != b.level {
		return b.level < a.level
	}
	return b.step < a.step && top(importer) == top(imported)
}

// top is the folder that a family of packages shares: panel/dsc for the DSC driver's,
// else the first.
func top(rel string) string {
	parts := strings.Split(rel, "/")
	if parts[0] == "panel" && len(parts) > 1 {
		return path.Join(parts[:2]...)
	}
	return parts[0]
}

// A test may also import its own floor and anything made for tests: kits, and the
// simulator of its own vendor.
func belowTest(importer, imported string) bool {
	return importer == imported || below(importer, imported) || kit(imported) ||
		floors[importer].level == floors[imported].level ||
		sim(imported) && top(importer) == top(imported)
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range list(t, "work") {
		if _, ok := floors[p.rel()]; !ok {
			t.Errorf("%s: give it a floor in internal/house/floors_test.go, and say why it is needed in ARCHITECTURE.md", p.rel())
			continue
		}
		check := func(imports []string, ok func(importer, imported string) bool, what string) {
			for _, i := range imports {
				if !ours(i) {
					continue
				}
				if _, known := floors[rel(i)]; known && !ok(p.rel(), rel(i)) {
					t.Errorf("%s (floor %d) %s %s (floor %d): imports point down", p.rel(), floors[p.rel()].level, what, rel(i), floors[rel(i)].level)
				}
			}
		}
		check(p.Imports, below, "imports")
		check(p.TestImports, belowTest, "tests with")
		check(p.XTestImports, belowTest, "tests with")
	}
}

// The table itself is tested, because a wrong rule would let everything pass.
func TestFloorRule(t *testing.T) {
	for _, c := range []struct {
		importer, imported string
		ok, inTest         bool
	}{
		{"panel", "credentials", true, true},
		{"credentials", "panel", false, false},
		{"panel", "panel", false, true},
		{"panel", "engine", false, true},
		{"panel/dsc", "panel/dsc/internal/itv2", true, true},
		{"panel/dsc/internal/itv2", "panel/dsc", false, true},
		{"panel/dsc/dscsim", "panel/visonic", false, true},
		{"store", "store/storetest", false, true},
		{"store", "store/memstore", false, false},
		{"panel/visonic", "panel/visonic/visonicsim", false, true},
		{"credentials/otp", "credentials", true, true},
		{"audit", "credentials", false, true},
		{"roster", "people", false, true},
	} {
		name := fmt.Sprintf("%s imports %s", c.importer, c.imported)
		assert.Equal(t, c.ok, below(c.importer, c.imported), name)
		assert.Equal(t, c.inTest, belowTest(c.importer, c.imported), "the test of %s", name)
	}
}

// A driver knows panel and nothing of what is done with it: an integrator needs no more,
// and a driver cannot reach into a store.
func TestDriversKnowPanelOnly(t *testing.T) {
	for _, p := range list(t, "work") {
		if !strings.HasPrefix(p.rel(), "panel/") && p.rel() != "examples/acmedriver" || kit(p.rel()) {
			continue
		}
		for _, i := range p.Imports {
			if ours(i) && rel(i) != "panel" && !strings.HasPrefix(rel(i), "panel/") && rel(i) != "fault" {
				t.Errorf("%s imports %s: a driver imports panel (and fault) alone", p.rel(), rel(i))
			}
		}
	}
}

// What a host links holds no test code: no testing, no assertions, no kit, no simulated
// panel. Simulators build on the kit, and demos on simulators.
func TestProductsLinkNoTestCode(t *testing.T) {
	for _, p := range list(t, "work") {
		if kit(p.rel()) || sim(p.rel()) || floors[p.rel()].level >= 7 || top(p.rel()) == "examples" {
			continue
		}
		for _, d := range p.Deps {
			if d == "testing" || strings.HasPrefix(d, "testing/") || strings.HasPrefix(d, "github.com/stretchr/testify") ||
				strings.HasPrefix(d, "pgregory.net/rapid") || ours(d) && (kit(rel(d)) || sim(rel(d))) {
				t.Errorf("%s links %s, which is for tests and demos", p.rel(), d)
			}
		}
	}
}

// Kits are products for people who bring their own test tools.
func TestKitsNeedTheStandardLibraryOnly(t *testing.T) {
	standard := map[string]bool{}
	for _, p := range list(t, "std") {
		standard[p.ImportPath] = true
	}
	for _, p := range list(t, "work") {
		if !kit(p.rel()) {
			continue
		}
		for _, i := range p.Imports {
			if !ours(i) && !standard[i] {
				t.Errorf("%s imports %s: a kit needs the standard library only", p.rel(), i)
			}
		}
	}
}
