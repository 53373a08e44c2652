package house

import (
	"cmp"
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const rulesFile = "docs/rules.md"

// rule is one row of docs/rules.md.
type rule struct {
	id, topic, text string
	missing         string   // why it is not kept yet, "" if it is
	proofs          []string // "folder.TestName", sorted
}

// The ids that nobody may drop from the file, kept or not: R1 to lastR.
const lastR = 267

func TestRulesNameTheTestsThatProveThem(t *testing.T) {
	was := read(t, rulesFile)
	intro, rules := parseRules(t, was)
	proofs := annotations(t)

	known := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		assert.False(t, known[r.id], "%s stands twice", r.id)
		known[r.id] = true
		r.proofs = proofs[r.id]
		r.settle()
	}
	for id, tests := range proofs {
		assert.True(t, known[id], "%s is claimed by %v and not in %s", id, tests, rulesFile)
	}
	for n := 1; n <= lastR; n++ {
		assert.True(t, known[fmt.Sprint("R", n)], "R%d is missing from %s", n, rulesFile)
	}

	now := renderRules(intro, rules)
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join(root, rulesFile), []byte(now), 0o644))
	} else {
		assertSameText(t, rulesFile, now, was)
	}
	for _, r := range rules {
		assert.NotEmpty(t, r.text, r.id)
		if len(r.proofs) == 0 {
			assert.NotEmpty(t, r.missing, "%s lost its proof: bring the test back, or say in %s what is missing", r.id, rulesFile)
		}
	}
}

// settle decides where the rule stands. "a proof in `roster`" is met by a test in that very
// folder: a kit's test of itself, or a codec's, proves less than the package above it keeps.
// Any other reason stays until a person takes it away.
func (r *rule) settle() {
	need, ok := strings.CutPrefix(r.missing, "a proof in ")
	if !ok || len(r.proofs) == 0 {
		return
	}
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(need, -1) {
		if !slices.ContainsFunc(r.proofs, func(p string) bool {
			return strings.HasPrefix(p, m[1]+".")
		}) {
			return
		}
	}
	r.missing = ""
}

func TestRuleMovesUpOnlyWithItsProof(t *testing.T) {
	for _, c := range []struct {
		missing string
		proofs  []string
		kept    bool
	}{
		{"a proof in `panel`", nil, false},
		{"a proof in `panel`", []string{"panel.TestA"}, true},
		{"a proof in `panel`", []string{"panel/dsc.TestA"}, false},
		{"a proof in `panel/dsc`", []string{"panel.TestA"}, false},
		{"a proof in `panel`", []string{"paneltest.TestA"}, false},
		{"a proof in `panel` and `roster`", []string{"panel.TestA"}, false},
		{"a proof in `panel` and `roster`", []string{"panel.TestA", "roster.TestB"}, true},
		{"only for slots", []string{"panel.TestA"}, false},
		{"", []string{"panel.TestA"}, true},
		{"", nil, false},
	} {
		r := rule{missing: c.missing, proofs: c.proofs}
		r.settle()
		assert.Equal(t, c.kept, r.kept(), "%+v", c)
	}
}

func (r rule) kept() bool { return r.missing == "" && len(r.proofs) > 0 }

var ruleID = regexp.MustCompile(`^[RGDSC]\d+$`)

// annotations finds every "// Rules: R72, R73" in the comment of a test.
func annotations(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, s := range sources(t) {
		used := map[*ast.CommentGroup]bool{}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !s.test || f.Recv != nil || f.Doc == nil || !isTest(f.Name.Name) {
				continue
			}
			used[f.Doc] = true
			for _, id := range ruleIDs(t, s, f.Doc) {
				proof := s.dir() + "." + f.Name.Name
				if !slices.Contains(all[id], proof) {
					all[id] = append(all[id], proof)
				}
			}
		}
		for _, g := range s.file.Comments {
			if !used[g] && len(ruleIDs(t, s, g)) > 0 {
				t.Errorf("%s: rules are claimed right above a test function, nowhere else", s.at(g))
			}
		}
	}
	for _, tests := range all {
		slices.Sort(tests)
	}
	return all
}

func isTest(name string) bool {
	return slices.ContainsFunc([]string{"Test", "Example", "Fuzz", "Benchmark"}, func(p string) bool { return strings.HasPrefix(name, p) })
}

func ruleIDs(t *testing.T, s source, g *ast.CommentGroup) []string {
	t.Helper()
	var ids []string
	for _, c := range g.List {
		list, ok := strings.CutPrefix(c.Text, "// Rules: ")
		if !ok {
			continue
		}
		for id := range strings.SplitSeq(list, ",") {
			id = strings.TrimSpace(id)
			assert.Regexp(t, ruleID, id, "%s", s.at(c))
			ids = append(ids, id)
		}
	}
	return ids
}

// The file has an introduction, then two parts with the same topics: a table of what is
// kept, and a table of what is not kept yet.
const (
	keptPart = "## Kept"
	openPart = "## Not kept yet"
	keptHead = "| id | rule | proven by |\n| --- | --- | --- |\n"
	openHead = "| id | rule | missing | proven so far |\n| --- | --- | --- | --- |\n"
)

func parseRules(t *testing.T, file string) (intro string, rules []rule) {
	t.Helper()
	intro, rest, ok := strings.Cut(file, keptPart+"\n")
	require.True(t, ok, "%s has no part %q", rulesFile, keptPart)
	var topic string
	open := false
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		if h, ok := strings.CutPrefix(line, "### "); ok {
			topic = h
			continue
		}
		if line == openPart {
			open = true
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		id := strings.TrimSpace(cells[0])
		if !ruleID.MatchString(id) {
			continue
		}
		want := 3
		if open {
			want = 4
		}
		require.Len(t, cells, want, "%s: %s", rulesFile, line)
		r := rule{id: id, topic: topic, text: strings.TrimSpace(cells[1])}
		if open {
			r.missing = strings.TrimSpace(cells[2])
		}
		rules = append(rules, r)
	}
	return intro, rules
}

func renderRules(intro string, rules []rule) string {
	var topics []string
	for _, r := range rules {
		if !slices.Contains(topics, r.topic) {
			topics = append(topics, r.topic)
		}
	}
	// Topics stand in the order of their first rule, so that moving a row moves no topic.
	slices.SortFunc(topics, func(a, b string) int { return byID(first(rules, a), first(rules, b)) })
	rules = slices.SortedFunc(slices.Values(rules), byID)

	var b strings.Builder
	b.WriteString(intro)
	for _, part := range []struct {
		title, head string
		kept        bool
	}{{keptPart, keptHead, true}, {openPart, openHead, false}} {
		if !part.kept {
			b.WriteString("\n")
		}
		b.WriteString(part.title + "\n")
		for _, topic := range topics {
			head := "\n### " + topic + "\n\n" + part.head
			for _, r := range rules {
				if r.topic != topic || r.kept() != part.kept {
					continue
				}
				b.WriteString(head + r.row())
				head = ""
			}
		}
	}
	return b.String()
}

func (r rule) row() string {
	proofs := make([]string, len(r.proofs))
	for i, p := range r.proofs {
		proofs[i] = "`" + p + "`"
	}
	cells := []string{r.id, r.text, strings.Join(proofs, ", ")}
	if !r.kept() {
		cells = slices.Insert(cells, 2, r.missing)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func first(rules []rule, topic string) rule {
	return slices.MinFunc(slices.DeleteFunc(slices.Clone(rules), func(r rule) bool { return r.topic != topic }), byID)
}

// byID orders R before D before G, each by number.
func byID(a, b rule) int {
	na, _ := strconv.Atoi(a.id[1:])
	nb, _ := strconv.Atoi(b.id[1:])
	return cmp.Or(strings.IndexByte("RDGSC", a.id[0])-strings.IndexByte("RDGSC", b.id[0]), na-nb)
}
