package sqlstore

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// pair is an element of a list in one column. Bare means that it has no value.
type pair struct {
	name, value string
	bare        bool
}

// join writes a list as in the query of a URL: people can read it, any byte survives.
func join(list []pair) string {
	parts := make([]string, len(list))
	for i, p := range list {
		parts[i] = url.QueryEscape(p.name)
		if !p.bare {
			parts[i] += "=" + url.QueryEscape(p.value)
		}
	}
	return strings.Join(parts, "&")
}

// split reads what join wrote. An empty text is an empty list, so no list may consist of
// one bare pair without a name; nothing that is stored has an empty name without a value.
func split(text string) ([]pair, error) {
	if text == "" {
		return nil, nil
	}
	var list []pair
	for part := range strings.SplitSeq(text, "&") {
		name, value, found := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, fmt.Errorf("sqlstore: list column: %w", err)
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, fmt.Errorf("sqlstore: list column: %w", err)
		}
		list = append(list, pair{name, value, !found})
	}
	return list, nil
}

// joinTerms writes terms; a nil value is a bare name.
func joinTerms(terms []store.Term) string {
	list := make([]pair, len(terms))
	for i, t := range terms {
		list[i] = pair{t.Name, string(t.Value), t.Value == nil}
	}
	slices.SortFunc(list, func(a, b pair) int { return cmp.Compare(a.name, b.name) })
	return join(list)
}

func splitTerms(text string) ([]store.Term, error) {
	list, err := split(text)
	if err != nil || list == nil {
		return nil, err
	}
	terms := make([]store.Term, len(list))
	for i, p := range list {
		terms[i] = store.Term{Name: p.name}
		if !p.bare {
			terms[i].Value = []byte(p.value)
		}
	}
	return terms, nil
}

// joinTexts writes texts, none of which is empty.
func joinTexts(texts []string) string {
	list := make([]pair, len(texts))
	for i, t := range texts {
		list[i] = pair{name: t, bare: true}
	}
	return join(list)
}

func splitTexts(text string) ([]string, error) {
	list, err := split(text)
	if err != nil || list == nil {
		return nil, err
	}
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.name
	}
	return texts, nil
}

func joinReservers(reservers []store.Reserver) string {
	list := make([]pair, len(reservers))
	for i, r := range reservers {
		list[i] = pair{name: r.Holder, value: r.Use}
	}
	return join(list)
}

func splitReservers(text string) ([]store.Reserver, error) {
	list, err := split(text)
	if err != nil || list == nil {
		return nil, err
	}
	reservers := make([]store.Reserver, len(list))
	for i, p := range list {
		reservers[i] = store.Reserver{Holder: p.name, Use: p.value}
	}
	return reservers, nil
}

func joinParked(parked map[string]string) string {
	var list []pair
	for _, route := range slices.Sorted(maps.Keys(parked)) {
		list = append(list, pair{name: route, value: parked[route]})
	}
	return join(list)
}

func splitParked(text string) (map[string]string, error) {
	list, err := split(text)
	if err != nil || list == nil {
		return nil, err
	}
	parked := make(map[string]string, len(list))
	for _, p := range list {
		parked[p.name] = p.value
	}
	return parked, nil
}

func joinCounts(counts map[string]int64) string {
	var list []pair
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, pair{name: name, value: strconv.FormatInt(counts[name], 10)})
	}
	return join(list)
}

func splitCounts(text string) (map[string]int64, error) {
	list, err := split(text)
	if err != nil || list == nil {
		return nil, err
	}
	counts := make(map[string]int64, len(list))
	for _, p := range list {
		if counts[p.name], err = strconv.ParseInt(p.value, 10, 64); err != nil {
			return nil, fmt.Errorf("sqlstore: list column: %w", err)
		}
	}
	return counts, nil
}

// joinTargets writes targets as a JSON list of hexadecimal texts, for the view of the log.
func joinTargets(targets [][]byte) string {
	texts := make([]string, len(targets))
	for i, t := range targets {
		texts[i] = `"` + hex.EncodeToString(t) + `"`
	}
	return "[" + strings.Join(texts, ",") + "]"
}

func splitTargets(text string) ([][]byte, error) {
	var texts []string
	if err := json.Unmarshal([]byte(text), &texts); err != nil {
		return nil, fmt.Errorf("sqlstore: targets: %w", err)
	}
	targets := make([][]byte, len(texts))
	for i, t := range texts {
		var err error
		if targets[i], err = hex.DecodeString(t); err != nil {
			return nil, fmt.Errorf("sqlstore: targets: %w", err)
		}
	}
	return targets, nil
}

// nanos is a time as a column holds it: nil for none, the nearest possible one for
// years that 64 bits of nanoseconds do not reach.
func nanos(t time.Time) any {
	switch {
	case t.IsZero():
		return nil
	case t.UTC().Year() < 1678:
		return int64(math.MinInt64)
	case t.UTC().Year() > 2261:
		return int64(math.MaxInt64)
	}
	return t.UnixNano()
}

// instant reads what nanos wrote.
func instant(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.Unix(0, *n).UTC()
}
