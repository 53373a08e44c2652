package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/seed-a2d3eaca/keyholder"

var update = flag.Bool("update", false, "write docs/rules.md and the code blocks of the papers anew")

// root is the top of the tree: a package's tests run in its own folder.
const root = "../.."

// pkg is what go list says about one package.
type pkg struct {
	ImportPath, Dir, Name              string
	Imports, TestImports, XTestImports []string
	Deps                               []string
	DepOnly, Standard                  bool
	Module                             *struct{ Path string }
}

// rel is the package's path inside the tree, "." for the root.
func (p pkg) rel() string { return rel(p.ImportPath) }

func rel(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func ours(importPath string) bool {
	return importPath == module || strings.HasPrefix(importPath, module+"/")
}

// kit reports whether a package exists to test others' code: its name ends in "test".
func kit(rel string) bool { return strings.HasSuffix(path.Base(rel), "test") }

// sim reports whether a package is a simulated panel.
func sim(rel string) bool { return strings.HasSuffix(path.Base(rel), "sim") }

// list runs go list over patterns; "work" means every package of every module.
func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Dir,Name,Imports,TestImports,XTestImports,Deps,DepOnly,Standard,Module"}, args...)...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go list %v: %s", args, stderr.String())
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

// files walks the tree and yields the slash-separated paths of its files, relative to
// the root, without .git and what .gitignore keeps out.
func files(t *testing.T, keep func(name string) bool) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case d.IsDir() && (d.Name() == ".git" || name == "bin" || name == ".ci/cache"):
			return fs.SkipDir
		case d.Type().IsRegular() && keep(name):
			all = append(all, name)
		}
		return nil
	})
	require.NoError(t, err)
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(b)
}

// source is one parsed Go file.
type source struct {
	name string // relative to the root
	test bool   // a _test.go file
	fset *token.FileSet
	file *ast.File
}

func (s source) dir() string { return path.Dir(s.name) }

func (s source) at(n ast.Node) token.Position {
	p := s.fset.Position(n.Pos())
	p.Filename = s.name
	return p
}

// imports reports whether the file imports a package.
func (s source) imports(importPath string) bool {
	for _, i := range s.file.Imports {
		if i.Path.Value == `"`+importPath+`"` {
			return true
		}
	}
	return false
}

// sources parses every Go file of every module, testdata left out.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, name := range files(t, func(name string) bool {
		return path.Ext(name) == ".go" && !strings.Contains("/"+name, "/testdata/")
	}) {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(root, filepath.FromSlash(name)), nil, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		all = append(all, source{name, strings.HasSuffix(name, "_test.go"), fset, f})
	}
	require.NotEmpty(t, all)
	return all
}

// text prints a piece of syntax.
func text(s source, n ast.Node) string {
	var b strings.Builder
	if err := printer.Fprint(&b, s.fset, n); err != nil {
		return err.Error()
	}
	return b.String()
}

// modules are the folders that hold a go.mod, "." for the root.
func modules(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, name := range files(t, func(name string) bool { return path.Base(name) == "go.mod" }) {
		all = append(all, path.Dir(name))
	}
	require.Contains(t, all, ".")
	return all
}
