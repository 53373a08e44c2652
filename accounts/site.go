package accounts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Sites restricts somebody to sites: all of them, or these. The zero value is none: a
// restriction whose last site was taken away leads nowhere. It is a value; nothing
// changes it.
//
// Its JSON form is {"all":true} or {"these":["a","b"]}.
type Sites struct {
	all   bool
	these []string // sorted, each once
}

// AllSites is every site, also those that are added later.
func AllSites() Sites { return Sites{all: true} }

// TheseSites is the sites with these ids and no others; without ids it is none.
func TheseSites(ids ...string) Sites {
	these := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "" })
	slices.Sort(these)
	return Sites{these: slices.Compact(these)}
}

// Has reports whether site is one of them. No site ("") is one of all sites only.
func (s Sites) Has(site string) bool {
	if s.all {
		return true
	}
	_, found := slices.BinarySearch(s.these, site)
	return found
}

// All reports whether there is no restriction.
func (s Sites) All() bool { return s.all }

// IDs lists the sites in order; nil if they are all or none.
func (s Sites) IDs() []string { return slices.Clone(s.these) }

// None reports whether there is no site at all.
func (s Sites) None() bool { return !s.all && len(s.these) == 0 }

// Without takes sites away. It never widens; all sites cannot be made fewer this way
// and stay all: name the sites that are to be left instead.
func (s Sites) Without(ids ...string) Sites {
	return Sites{all: s.all, these: slices.DeleteFunc(slices.Clone(s.these), func(id string) bool { return slices.Contains(ids, id) })}
}

// Meet is what both allow.
func (s Sites) Meet(t Sites) Sites {
	switch {
	case s.all:
		return t
	case t.all:
		return s
	}
	return Sites{these: slices.DeleteFunc(slices.Clone(s.these), func(id string) bool { return !t.Has(id) })}
}

// Covers reports whether every site of t is one of s.
func (s Sites) Covers(t Sites) bool {
	return s.all || !t.all && !slices.ContainsFunc(t.these, func(id string) bool { return !s.Has(id) })
}

// Overlaps reports whether some site is in both.
func (s Sites) Overlaps(t Sites) bool { return !s.Meet(t).None() }

// String says it in words: "all sites", "no sites", or the ids.
func (s Sites) String() string {
	switch {
	case s.all:
		return "all sites"
	case s.None():
		return "no sites"
	}
	return strings.Join(s.these, ", ")
}

// MarshalJSON implements [json.Marshaler].
func (s Sites) MarshalJSON() ([]byte, error) {
	if s.all {
		return []byte(`{"all":true}`), nil
	}
	return json.Marshal(struct {
		These []string `json:"these"`
	}{append([]string{}, s.these...)})
}

// UnmarshalJSON implements [json.Unmarshaler]. Everything but the two forms is
// [ErrSites]: a restriction that is not understood must not become a wider one.
func (s *Sites) UnmarshalJSON(b []byte) error {
	var form struct {
		All   *bool     `json:"all"`
		These *[]string `json:"these"`
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&form); err != nil {
		return fmt.Errorf("%w: unknown form", ErrSites)
	}
	switch {
	case form.All != nil && *form.All && form.These == nil:
		*s = AllSites()
	case form.All == nil && form.These != nil && !slices.Contains(*form.These, ""):
		*s = TheseSites(*form.These...)
	default:
		return fmt.Errorf("%w: neither all nor these", ErrSites)
	}
	return nil
}
