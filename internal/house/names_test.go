package house

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// Somebody who opens a package's page learns first whether it is meant for them.
func TestPackagesSayForWhomTheyAre(t *testing.T) {
	comments, names := map[string]string{}, map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		names[s.dir()] = s.file.Name.Name
		if s.file.Doc != nil {
			if comments[s.dir()] != "" {
				t.Errorf("%s: a second package comment", s.name)
			}
			comments[s.dir()] = strings.Join(strings.Fields(s.file.Doc.Text()), " ")
		}
	}
	audience := regexp.MustCompile(`\b(is|are) for\b`)
	for dir, name := range names {
		switch doc := comments[dir]; {
		case doc == "":
			t.Errorf("%s: package %s has no package comment", dir, name)
		case !audience.MatchString(doc):
			t.Errorf("%s: the package comment does not say for whom it is (\"It is for …\")", dir)
		}
	}
}

// A name that would fit every package says nothing about this one.
func TestPackagesAreNamedForWhatTheyHold(t *testing.T) {
	vague := map[string]bool{
		"util": true, "utils": true, "common": true, "types": true, "models": true, "model": true, "helpers": true,
		"helper": true, "base": true, "misc": true, "shared": true, "lib": true, "core": true, "interfaces": true,
	}
	for _, p := range list(t, "work") {
		if vague[p.Name] || vague[path.Base(p.rel())] {
			t.Errorf("%s: name it for what it holds", p.rel())
		}
		if p.Name != "main" && p.rel() != "." && p.Name != path.Base(p.rel()) {
			t.Errorf("%s: package %s has another name than its folder", p.rel(), p.Name)
		}
	}
}
