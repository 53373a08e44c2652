package audit_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

var update = flag.Bool("update", false, "write testdata/catalogue.golden anew")

// constants returns the string constants of a source file, those of a type or, with "",
// those whose name begins with Field.
func constants(t *testing.T, file, typ string) map[string]string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	found := map[string]string{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		name := spec.Names[0].Name
		if id, typed := spec.Type.(*ast.Ident); typed && id.Name == typ || typ == "" && strings.HasPrefix(name, "Field") {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			found[name] = value
		}
		return true
	})
	return found
}

// Every action has one row with a sentence, a severity, a place in OCSF and its fields.
// Rules: R44, R152, R189, R255
func TestCatalogueIsComplete(t *testing.T) {
	specs := audit.Catalogue()
	var codes []string
	for _, s := range specs {
		codes = append(codes, string(s.Action))
		require.Regexp(t, `^[A-Z].*[a-z]\.$`, s.Text, s.Action)
		require.NotEqual(t, "unknown", s.Severity.String(), s.Action)
		require.Contains(t, []int{2004, 3001, 3002, 3004, 3005, 6003}, s.OCSFClass, s.Action)
		require.NotZero(t, s.OCSFActivity, s.Action)
		require.Equal(t, s.OCSFClass*100+s.OCSFActivity, s.OCSFType())
		for _, f := range s.Fields {
			require.NotEqual(t, "unknown", f.Class.String(), "%s %s", s.Action, f.Name)
		}
		require.True(t, slices.IsSortedFunc(s.Fields, func(a, b audit.FieldSpec) int { return strings.Compare(a.Name, b.Name) }))
		for i := 1; i < len(s.Fields); i++ {
			require.NotEqual(t, s.Fields[i-1].Name, s.Fields[i].Name, s.Action)
		}
		found, ok := audit.Lookup(s.Action)
		require.True(t, ok)
		require.Equal(t, s, found)
	}
	require.True(t, slices.IsSorted(codes))
	require.Equal(t, codes, slices.Compact(slices.Clone(codes)), "a code twice")

	var declared []string
	for _, code := range constants(t, "actions.go", "Action") {
		declared = append(declared, code)
	}
	slices.Sort(declared)
	require.Equal(t, declared, codes, "constants and rows")
}

// Every field name that is declared belongs to an action, and has the class that its
// comment says.
// Rules: R255
func TestEveryFieldNameIsUsed(t *testing.T) {
	used := map[string]audit.Class{}
	for _, s := range audit.Catalogue() {
		for _, f := range s.Fields {
			if class, seen := used[f.Name]; seen {
				require.Equal(t, class, f.Class, f.Name)
			}
			used[f.Name] = f.Class
		}
	}
	source, err := os.ReadFile("names.go")
	require.NoError(t, err)
	declared := constants(t, "names.go", "")
	require.Len(t, used, len(declared))
	for name, value := range declared {
		require.Contains(t, used, value, name)
		require.Regexp(t, `\b`+name+`\s+= "[a-z.]+"\s+// `+used[value].String()+`\b`, string(source))
	}
}

// The catalogue is a promise to whoever filters by its codes: a change shows here.
func TestCatalogueGolden(t *testing.T) {
	var b strings.Builder
	for _, s := range audit.Catalogue() {
		fmt.Fprintf(&b, "%s %s %d\n  %s\n ", s.Action, s.Severity, s.OCSFType(), s.Text)
		for _, f := range s.Fields {
			fmt.Fprintf(&b, " %s:%s", f.Name, f.Class)
		}
		b.WriteString("\n")
	}
	const golden = "testdata/catalogue.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

// Rules: R193, R255
func TestCheckRefusesWhatIsNotInTheCatalogue(t *testing.T) {
	require.NoError(t, audit.Check(sample()))
	e := sample()
	e.Action = "user.code.guessed"
	require.ErrorIs(t, audit.Check(e), audit.ErrAction)
	e = sample()
	e.Fields = append(e.Fields, audit.Public("digits", "1234", fill(9)))
	require.ErrorIs(t, audit.Check(e), audit.ErrField)
	for _, s := range audit.Catalogue() {
		for _, f := range s.Fields {
			e := audit.Entry{Action: s.Action, Fields: []audit.Field{{Name: f.Name, Class: f.Class}}}
			require.NoError(t, audit.Check(e))
			for _, other := range []audit.Class{0, audit.ClassPublic, audit.ClassPersonal, audit.ClassSecret} {
				if other != f.Class {
					e.Fields[0].Class = other
					require.ErrorIs(t, audit.Check(e), audit.ErrField, "%s %s", s.Action, f.Name)
				}
			}
		}
	}
}

func TestActorFieldsFitEveryAction(t *testing.T) {
	fields := audit.Actor{Kind: audit.HostActor, ID: "h-1", Name: "somebody", Via: "cli"}.Fields(audit.NewSalt)
	require.Len(t, fields, 3)
	require.NotEqual(t, fields[0].Salt, fields[1].Salt)
	for _, s := range audit.Catalogue() {
		require.NoError(t, audit.Check(audit.Entry{Action: s.Action, Fields: fields}))
	}
	require.Len(t, audit.Actor{Kind: audit.SystemActor, ID: "sweep"}.Fields(audit.NewSalt), 2)
}
