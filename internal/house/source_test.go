package house

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Nothing runs before main and nothing registers itself.
func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: no init functions; pass values", s.at(f))
			}
		}
	}
}

// Only where the clock is a bubble's may anything sleep, in its tests and in the kits that
// run there: elsewhere it waits for something, with a context.
func TestNobodySleeps(t *testing.T) {
	for _, s := range sources(t) {
		if s.test && s.imports("testing/synctest") || kit(s.dir()) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
					t.Errorf("%s: wait for something, or use testing/synctest", s.at(sel))
				}
			}
			return true
		})
	}
}

// skips are the tests that may be skipped, as "folder.Func", and why.
var skips = map[string]string{
	"credentials.TestAKeyFileThatOthersMayReadIsRefused": "the mode of a file says nothing on Windows",
}

// A skipped test proves nothing. Long ones may step aside for -short.
func TestNoTestIsSkipped(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || skips[s.dir()+"."+f.Name.Name] != "" {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if cond, ok := n.(*ast.IfStmt); ok && text(s, cond.Cond) == "testing.Short()" {
					return false
				}
				// A rapid.T skips an action that does not apply, not the test.
				if l, ok := n.(*ast.FuncLit); ok && strings.Contains(text(s, l.Type), "*rapid.T") {
					return false
				}
				if l, ok := n.(*ast.FuncDecl); ok && strings.Contains(text(s, l.Type), "*rapid.T") {
					return false
				}
				if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
					t.Errorf("%s: a test is skipped", s.at(sel))
				}
				return true
			})
		}
	}
}

// A linter is silenced for one named reason.
func TestNolintHasAReason(t *testing.T) {
	good := regexp.MustCompile(`^//nolint:[a-z,]+ // \S+ \S+`)
	for _, s := range sources(t) {
		for _, g := range s.file.Comments {
			for _, c := range g.List {
				if strings.HasPrefix(c.Text, "//nolint") && !good.MatchString(c.Text) {
					t.Errorf("%s: write //nolint:name // and why", s.at(c))
				}
			}
		}
	}
}
