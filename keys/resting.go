package keys

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Resting lists the records, of whatever kind, that still rest on a key: that carry a
// name made under it, a value sealed under it, or a fingerprint or salt that names it. It
// looks at the text of every record, so it also finds what the rotation knows nothing of.
// A key of which nothing rests may be destroyed.
func (s *Service) Resting(ctx context.Context, key string) ([]string, error) {
	var out []string
	for _, kind := range rec.KeyedKinds() {
		err := list(ctx, s.core.Store, store.Query{Kind: kind}, func(r store.Record) error {
			if strings.Contains(r.Key.ID, "|"+key+"|") {
				out = append(out, r.Key.String())
				return nil
			}
			if !bytes.Contains(r.Body, []byte(key)) {
				return nil
			}
			var body any
			if err := json.Unmarshal(r.Body, &body); err != nil {
				return err
			}
			if rests(body, key) {
				out = append(out, r.Key.String())
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func rests(v any, key string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "|"+key+"|")
	case []any:
		for _, e := range v {
			if rests(e, key) {
				return true
			}
		}
	case map[string]any:
		_, sealed := v["b"]
		_, salt := v["salt"]
		_, mark := v["print"]
		if v["k"] == key && sealed || v["key"] == key && (salt || mark) {
			return true
		}
		for name, e := range v {
			if strings.Contains(name, "|"+key+"|") || rests(e, key) {
				return true
			}
		}
	}
	return false
}
