package house

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// makers are the calls that may give a package variable its value: what they make never
// changes, or changes unseen.
var makers = map[string]bool{
	"errors.New": true, "fault.New": true, "fmt.Errorf": true, // sentinels
	"regexp.MustCompile": true, "template.Must": true, "netip.MustParsePrefix": true, "netip.MustParseAddr": true, "time.Date": true,
	"bytes.Repeat": true, "strings.Repeat": true, "big.NewInt": true, "crc32.MakeTable": true, "base64.NewEncoding": true, "base32.NewEncoding": true,
	"sync.OnceValue": true,                                                               // a table that is computed when first used
	"flag.Bool":      true, "flag.Int": true, "flag.String": true, "flag.Duration": true, // programs and tests
	"len": true, "byte": true, "string": true, "int64": true, "uint64": true,
}

// A package holds constants, sentinels and tables, and nothing that changes.
func TestPackagesHoldNoState(t *testing.T) {
	byDir := map[string][]source{}
	for _, s := range sources(t) {
		if !s.test {
			byDir[s.dir()] = append(byDir[s.dir()], s)
		}
	}
	for _, pkg := range byDir {
		vars := map[string]string{} // name → where
		for _, s := range pkg {
			for _, d := range s.file.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
					for _, spec := range g.Specs {
						checkVar(t, s, g, spec.(*ast.ValueSpec), vars)
					}
				}
			}
		}
		for _, s := range pkg {
			checkAssignments(t, s, vars)
		}
	}
}

func checkVar(t *testing.T, s source, g *ast.GenDecl, v *ast.ValueSpec, vars map[string]string) {
	t.Helper()
	embedded := strings.Contains(raw(g.Doc)+raw(v.Doc), "//go:embed")
	for i, name := range v.Names {
		if name.Name == "_" {
			continue
		}
		vars[name.Name] = s.at(name).String()
		switch {
		case embedded:
		case len(v.Values) != len(v.Names):
			t.Errorf("%s: variable %s starts empty, so it is meant to change; keep state in a value", s.at(name), name.Name)
		default:
			if why := constantLike(s, v.Values[i]); why != "" {
				t.Errorf("%s: variable %s is made by %s; keep state in a value", s.at(name), name.Name, why)
			}
		}
	}
}

// raw is a comment group with its directives, which Text leaves out.
func raw(g *ast.CommentGroup) string {
	if g == nil {
		return ""
	}
	var b strings.Builder
	for _, c := range g.List {
		b.WriteString(c.Text + "\n")
	}
	return b.String()
}

// constantLike returns what in an expression may be state, "" if nothing.
func constantLike(s source, e ast.Expr) (why string) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if _, conversion := n.Fun.(*ast.ArrayType); conversion {
				return true
			}
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok {
				if _, chained := sel.X.(*ast.CallExpr); chained { // fault.New(…).Hinted(…)
					return true
				}
			}
			if f := text(s, n.Fun); !makers[strings.SplitN(f, "[", 2)[0]] {
				why = f
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				why = "a pointer"
			}
		}
		return why == ""
	})
	return why
}

// checkAssignments finds package variables that are written to after all.
func checkAssignments(t *testing.T, s source, vars map[string]string) {
	t.Helper()
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		local := localNames(f)
		written := func(e ast.Expr) {
			if id := rootIdent(e); id != nil && vars[id.Name] != "" && !local[id.Name] {
				t.Errorf("%s: writes to the package variable %s", s.at(id), id.Name)
			}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, e := range n.Lhs {
						written(e)
					}
				}
			case *ast.IncDecStmt:
				written(n.X)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					written(n.X)
				}
			}
			return true
		})
	}
}

// localNames are the names that a function declares anywhere inside.
func localNames(f *ast.FuncDecl) map[string]bool {
	local := map[string]bool{}
	add := func(ids ...*ast.Ident) {
		for _, id := range ids {
			local[id.Name] = true
		}
	}
	if f.Recv != nil {
		for _, p := range f.Recv.List {
			add(p.Names...)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncType:
			for _, list := range []*ast.FieldList{n.Params, n.Results} {
				if list != nil {
					for _, p := range list.List {
						add(p.Names...)
					}
				}
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, e := range n.Lhs {
					if id, ok := e.(*ast.Ident); ok {
						add(id)
					}
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok {
					add(id)
				}
			}
		case *ast.ValueSpec:
			add(n.Names...)
		}
		return true
	})
	return local
}

func rootIdent(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}
