package keys_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// stored are the records of every kind. A new kind is added here, and the test says whether
// a rotation has to know it.
var stored = map[string]any{
	"APIToken": rec.APIToken{}, "Address": rec.Address{}, "Alarm": rec.Alarm{}, "Approval": rec.Approval{}, "Ask": rec.Ask{},
	"Assigned": rec.Assigned{}, "Attempt": rec.Attempt{}, "Attributes": rec.Attributes{}, "Challenge": rec.Challenge{},
	"Consents": rec.Consents{}, "Credential": rec.Credential{}, "Device": rec.Device{}, "Enrolling": rec.Enrolling{}, "Enrolment": rec.Enrolment{}, "Erasure": rec.Erasure{},
	"Group": rec.Group{}, "Guessing": rec.Guessing{}, "Hold": rec.Hold{}, "Lockout": rec.Lockout{}, "Login": rec.Login{},
	"Missing": rec.Missing{}, "OneTime": rec.OneTime{}, "Opening": rec.Opening{}, "Panel": rec.Panel{}, "Photo": rec.Photo{},
	"Point": rec.Point{}, "Post": rec.Post{}, "Projection": rec.Projection{}, "Quarantine": rec.Quarantine{}, "Reader": rec.Reader{},
	"Registration": rec.Registration{}, "Role": rec.Role{}, "Rule": rec.Rule{}, "Salt": rec.Salt{}, "Seen": rec.Seen{},
	"Session": rec.Session{}, "Signal": rec.Signal{}, "Subject": rec.Subject{}, "Taken": rec.Taken{}, "Taking": rec.Taking{},
	"Usage": rec.Usage{}, "User": rec.User{}, "Watching": rec.Watching{}, "Writer": rec.Writer{}, "accounts.Account": accounts.Account{},
	"accounts.Profile": accounts.Profile{}, "accounts.Site": accounts.Site{}, "credentials.Epoch": credentials.Epoch{},
	"credentials.Rotation": credentials.Rotation{}, "panel.Query": panel.Query{},
}

// quiet are the kinds that several sorts of records share.
var quiet = map[string]store.Kind{
	"Attempt": store.Attempt, "Cursor": store.Cursor, "Sent": store.Sent, "Session": store.Session, "Touch": store.Touch, "Watermark": store.Watermark,
}

// declared are the kinds that the records' package declares, by the type of their records.
func declared(t *testing.T) map[string]store.Kind {
	t.Helper()
	files, err := filepath.Glob("../internal/rec/*.go")
	require.NoError(t, err)
	kinds := map[string]store.Kind{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			of, ok := lit.Type.(*ast.IndexExpr)
			if !ok {
				return true
			}
			var name store.Kind
			for _, e := range lit.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "Name" { //nolint:forcetypeassert // a field of a struct
					switch v := kv.Value.(type) {
					case *ast.BasicLit:
						text, err := strconv.Unquote(v.Value)
						require.NoError(t, err)
						name = store.Kind(text)
					case *ast.SelectorExpr:
						name = quiet[v.Sel.Name]
					}
				}
			}
			require.NotEmpty(t, name, "%s: a kind without a name that can be read here", file)
			kinds[written(of.Index)] = name
			return true
		})
	}
	return kinds
}

func written(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		return written(s.X) + "." + s.Sel.Name
	}
	return e.(*ast.Ident).Name //nolint:forcetypeassert // there is nothing else
}

// keyed reports whether a record can carry what a key made: a sealed value, a fingerprint,
// claimed names, or the id of a key.
func keyed(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		if t == reflect.TypeFor[credentials.Fingerprint]() {
			return true
		}
		return keyed(t.Elem(), seen) || t.Kind() == reflect.Map && keyed(t.Key(), seen)
	case reflect.Struct:
		if t == reflect.TypeFor[credentials.Sealed]() {
			return true
		}
		for f := range t.Fields() {
			if f.Name == "KeyID" || f.Name == "Names" && f.Type == reflect.TypeFor[[]string]() || keyed(f.Type, seen) {
				return true
			}
		}
	default:
	}
	return false
}

// Whatever can carry what a key made is looked at before that key is dropped.
//
// Rules: G191
func TestEveryKindWithSealedFieldsIsRotated(t *testing.T) {
	found := declared(t)
	require.Greater(t, len(found), 40, "this can tell")
	sealed := 0
	for name, kind := range found {
		record, known := stored[name]
		require.True(t, known, "a new kind of record, %s: add it to the list above", name)
		if !keyed(reflect.TypeOf(record), map[reflect.Type]bool{}) {
			continue
		}
		sealed++
		require.Contains(t, rec.KeyedKinds(), kind, "%s carries what a key made: it belongs into rec.KeyedKinds, and what lasts into the rotation's holdings", name)
	}
	require.GreaterOrEqual(t, sealed, 10)
}
