package house

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// papers are the Markdown files that people read first.
func papers(t *testing.T) []string {
	t.Helper()
	return files(t, func(name string) bool {
		return path.Ext(name) == ".md" && !strings.Contains("/"+name, "/testdata/")
	})
}

// A block of Go in a paper is a piece of a file that is compiled and tested with the
// rest, named in a comment right above it:
//
//	<!-- file: examples/embed/host.go -->            the whole file
//	<!-- file: panel/driver.go#Driver,Session -->    declarations of it, in this order
var (
	block = regexp.MustCompile("(?m)((?:^<!-- file: \\S+ -->\n)?)^```go\n((?s:.*?))^```$")
	named = regexp.MustCompile(`<!-- file: (\S+?)(?:#(\S+))? -->`)
)

func TestPapersShowCodeThatCompiles(t *testing.T) {
	for _, paper := range papers(t) {
		was := read(t, paper)
		now := block.ReplaceAllStringFunc(was, func(b string) string {
			parts := block.FindStringSubmatch(b)
			name := named.FindStringSubmatch(parts[1])
			if name == nil {
				t.Errorf("%s: a block of Go without a file: put <!-- file: path --> or <!-- file: path#Name --> right above it\n%s", paper, parts[2])
				return b
			}
			return parts[1] + "```go\n" + excerpt(t, name[1], name[2]) + "```"
		})
		if *update {
			require.NoError(t, os.WriteFile(filepath.Join(root, filepath.FromSlash(paper)), []byte(now), 0o644))
			continue
		}
		assertSameText(t, paper, now, was)
	}
}

// assertSameText shows the first lines in which a file is not what it should be.
func assertSameText(t *testing.T, name, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	var differ []string
	note := func(mark, from, other string) {
		lines := map[string]bool{}
		for l := range strings.Lines(other) {
			lines[l] = true
		}
		for l := range strings.Lines(from) {
			if !lines[l] && len(differ) < 20 {
				differ = append(differ, mark+strings.TrimRight(l, "\n"))
			}
		}
	}
	note("- ", got, want)
	note("+ ", want, got)
	t.Errorf("%s is not what the tree says; run go test ./internal/house -update\n%s", name, strings.Join(differ, "\n"))
}

// excerpt returns a file, or some of its declarations with their comments.
func excerpt(t *testing.T, name, decls string) string {
	t.Helper()
	require.Equal(t, ".go", path.Ext(name), "only Go files are compiled")
	body := read(t, name)
	if decls == "" {
		return body
	}
	var out []string
	for _, s := range sources(t) {
		if s.name != name {
			continue
		}
		for want := range strings.SplitSeq(decls, ",") {
			d, doc := find(s.file, want)
			require.NotNil(t, d, "%s declares no %s", name, want)
			from := s.fset.Position(d.Pos()).Offset
			if doc != nil {
				from = s.fset.Position(doc.Pos()).Offset
			}
			out = append(out, body[from:s.fset.Position(d.End()).Offset]+"\n")
		}
	}
	return strings.Join(out, "\n")
}

// find returns a top-level function, method ("Type.Method"), type, constant or variable.
func find(f *ast.File, name string) (ast.Node, *ast.CommentGroup) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if funcName(d) == name {
				return d, d.Doc
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if !declares(spec, name) {
					continue
				}
				if !d.Lparen.IsValid() {
					return d, d.Doc
				}
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					return spec, spec.Doc
				case *ast.ValueSpec:
					return spec, spec.Doc
				}
			}
		}
	}
	return nil, nil
}

func declares(spec ast.Spec, name string) bool {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		return spec.Name.Name == name
	case *ast.ValueSpec:
		for _, id := range spec.Names {
			if id.Name == name {
				return true
			}
		}
	}
	return false
}

func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	typ := d.Recv.List[0].Type
	if p, ok := typ.(*ast.StarExpr); ok {
		typ = p.X
	}
	if id, ok := typ.(*ast.Ident); ok {
		return id.Name + "." + d.Name.Name
	}
	return d.Name.Name
}

// A link inside the tree leads somewhere.
func TestPapersLinkToFilesThatExist(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, paper := range papers(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, paper), -1) {
			to, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(to, "://") {
				continue
			}
			if to == "" {
				to = path.Base(paper)
			}
			to = path.Join(path.Dir(paper), to)
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); !assert.NoError(t, err, "%s links to %s", paper, m[1]) {
				continue
			}
			if anchor != "" {
				assert.Contains(t, headings(read(t, to)), anchor, "%s links to %s", paper, m[1])
			}
		}
	}
}

// headings are a paper's anchors as a forge makes them.
func headings(paper string) []string {
	var all []string
	drop := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for line := range strings.Lines(paper) {
		if h := strings.TrimLeft(line, "#"); h != line && strings.HasPrefix(h, " ") {
			all = append(all, strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(h)), ""), " ", "-"))
		}
	}
	return all
}

// Continuous integration runs the command that the README tells people to run.
func TestReadmeSaysHowToTest(t *testing.T) {
	assert.Contains(t, read(t, "README.md"), "<!-- test -->\n```sh\ngo test work\n```\n")
}

// What the README says about a driver is what the tree has.
func TestPapersNamePackagesThatExist(t *testing.T) {
	dirs := map[string]bool{}
	for _, s := range sources(t) {
		for d := s.dir(); d != "."; d = path.Dir(d) {
			dirs[d] = true
		}
	}
	tree := regexp.MustCompile("`((?:panel|store|audit|credentials|accounts|internal|examples|engine|notify)(?:/[a-z0-9]+)+)`")
	for _, m := range tree.FindAllStringSubmatch(read(t, "README.md"), -1) {
		assert.True(t, dirs[m[1]], "README.md names %s, which does not exist", m[1])
	}
}
