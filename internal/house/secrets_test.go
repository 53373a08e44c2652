package house

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// revealers are the folders whose code may take a secret out of its type, and why. A
// pattern is path.Match's.
var revealers = map[string]string{
	"credentials":         "judges a code's form, fingerprints and seals it",
	"credentials/*":       "derives and compares one-time codes and passwords",
	"panel/*":             "a driver sends the digits to its panel",
	"panel/*/internal/*":  "a driver's wire puts the digits and keys into a frame",
	"panel/*/*sim":        "a simulated panel keeps the digits, as the real one does",
	"internal/flow":       "seals what a decision stores",
	"examples/smsgateway": "signs what it sends to the gateway",
	"bench":               "counts the digits of codes, and shows an app's code",
	"notify/smtp":         "signs in to the mail server",
	"notify/webpush":      "signs and encrypts what is pushed",
	"roster":              "seals a panel's secrets as they are entered, and follows a panel that rewrites its codes",
	"signin/oidc":         "signs in to the provider",
	"signin":              "fingerprints, seals and sends one-time codes",
	"people":              "puts a one-time code into words for its owner",
	"examples/acmedriver": "a driver and its simulator in one file",
	"examples/crash":      "gives the people it plays the codes and tokens that they type",
	"examples/embed":      "drives a simulated panel's keypad",
	"examples/server":     "shows a code that was handed over to its holder, and the word for it",
}

// Digits and keys leave their types only where they are sent, sealed or compared.
//
// Rules: R39
func TestSecretsLeaveTheirTypesInFewPlaces(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || allowed(s.dir(), revealers) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Reveal" {
				t.Errorf("%s: Reveal may be called only in the folders listed in internal/house/secrets_test.go", s.at(sel))
			}
			return true
		})
	}
}

func allowed(dir string, patterns map[string]string) bool {
	for p := range patterns {
		if ok, err := path.Match(p, dir); err == nil && ok {
			return true
		}
	}
	return false
}

// quiet is what may change without an entry in the action log. Whoever adds to it makes
// something that nobody can be held to.
var quiet = []string{"attempt", "cursor", "sent", "session", "touch", "watermark"}

func TestOnlyBookkeepingIsQuiet(t *testing.T) {
	var got []string
	for _, k := range kinds(t) {
		if store.Quiet(store.Kind(k)) {
			got = append(got, k)
		}
	}
	assert.Equal(t, quiet, got)
}

// kinds are the values of all constants of type store.Kind in the tree, sorted.
func kinds(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				if !isKind(s, v.Type) {
					continue
				}
				require.Len(t, v.Values, len(v.Names), "%s: a kind is written out", s.at(v))
				for _, e := range v.Values {
					lit, ok := e.(*ast.BasicLit)
					require.True(t, ok, "%s: a kind is written out", s.at(v))
					text, err := strconv.Unquote(lit.Value)
					require.NoError(t, err)
					all = append(all, text)
				}
			}
		}
	}
	slices.Sort(all)
	assert.Equal(t, slices.Compact(slices.Clone(all)), all, "two constants name one kind")
	return all
}

func isKind(s source, typ ast.Expr) bool {
	switch typ := typ.(type) {
	case *ast.Ident:
		return typ.Name == "Kind" && s.dir() == "store"
	case *ast.SelectorExpr:
		x, ok := typ.X.(*ast.Ident)
		return ok && x.Name == "store" && typ.Sel.Name == "Kind"
	}
	return false
}
