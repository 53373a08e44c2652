package house

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// The list of words is put together here so that this file does not hold them.
func TestFilesSpeakOfTheProjectOnly(t *testing.T) {
	word := func(parts ...string) string { return regexp.QuoteMeta(strings.Join(parts, "")) }
	banned := map[string]*regexp.Regexp{
		"a path of one machine":    regexp.MustCompile(strings.Join([]string{word("/wo", "rk/"), word("/t", "mp/"), word("/fa", "rm"), word("/ro", "ot/"), `/home/[a-z]`}, "|")),
		"the host of a registry":   regexp.MustCompile(strings.Join([]string{word("proxy", ".golang"), word("sum", ".golang"), word("registry", ".npm"), word("deb", ".debian")}, "|")),
		"how work is organised":    regexp.MustCompile(`(?i)` + strings.Join([]string{word("require", "ments.md"), word("des", "ign.md"), word("anch", "ors.md"), word("sha", "red/"), word("sub", "agent"), word("the br", "ief"), `(both|the) see` + `ds\b`, `\bsee` + `d 00`}, "|")),
		"something left for later": regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`),
		"somebody's name":          regexp.MustCompile(`(?i)\b(` + strings.Join([]string{word("ali", "ce"), word("an", "na"), word("b", "ob"), word("car", "ol"), word("ja", "ne"), word("jo", "hn"), word("mal", "lory"), word("rob", "in")}, "|") + `)\b`),
		"a merge that went wrong":  regexp.MustCompile(`(?m)^(<{7}|>{7}) `),
	}
	plain := map[string]bool{".go": true, ".md": true, ".mod": true, ".work": true, ".yml": true, ".json": true, ".sql": true, ".html": true, ".sh": true, ".txt": true, "": true}
	for _, name := range files(t, func(name string) bool { return plain[path.Ext(name)] }) {
		if name == "credentials/password/common.txt" {
			continue // words that people choose, names among them
		}
		body := read(t, name)
		for what, re := range banned {
			if at := re.FindStringIndex(body); at != nil {
				t.Errorf("%s:%d: %q is %s", name, 1+strings.Count(body[:at[0]], "\n"), body[at[0]:at[1]], what)
			}
		}
	}
}
