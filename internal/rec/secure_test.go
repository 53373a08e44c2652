package rec_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// A kind that is secure and not listed would be changed behind the log unnoticed.
//
// Rules: R253
func TestEverySecureKindIsVerified(t *testing.T) {
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var secure []store.Kind
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			values := map[string]ast.Expr{}
			for _, e := range lit.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if key, ok := kv.Key.(*ast.Ident); ok {
						values[key.Name] = kv.Value
					}
				}
			}
			if on, ok := values["Secure"].(*ast.Ident); ok && on.Name == "true" {
				kind, ok := values["Name"].(*ast.BasicLit)
				require.True(t, ok, "%s: the name of a secure kind is written out", name)
				text, err := strconv.Unquote(kind.Value)
				require.NoError(t, err)
				secure = append(secure, store.Kind(text))
			}
			return true
		})
	}
	assert.ElementsMatch(t, secure, rec.SecureKinds())
}
