package door

import (
	"context"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Known is what an edge has when it asks for changes. It is no secret.
type Known struct {
	// Cursor is where the changes end that it was told; -1: it was told nothing.
	Cursor int64 `json:"cursor"`
	// Keys tell which keys of its site it has, the one that it uses first. Changes since the
	// cursor are of that one; under another it is told everything.
	Keys []credentials.Fingerprint `json:"keys"`
}

// siteKey makes fingerprints under a site's key, by one of which it is known.
type siteKey struct {
	*credentials.Probe
	check credentials.Fingerprint
}

func newSiteKey(key credentials.SiteKey) siteKey {
	p := credentials.NewProbe(key)
	return siteKey{Probe: p, check: p.Print(credentials.MarkMaterial([]byte("keyholder/door/site-key/v1")))} // nobody's code
}

// siteKeyFor chooses the newest key of a site that an edge has, or the newest of all if it
// has none.
func (s *Service) siteKeyFor(ctx context.Context, site string, known Known, f *feed) (siteKey, error) {
	ids, err := s.printKeys(ctx)
	if err != nil {
		return siteKey{}, err
	}
	var all []siteKey
	for _, id := range ids {
		key, err := credentials.NewSiteKey(s.core.Keys, id, site)
		if err != nil {
			return siteKey{}, err
		}
		all = append(all, newSiteKey(key))
	}
	use := max(0, slices.IndexFunc(all, func(k siteKey) bool { return slices.Contains(known.Keys, k.check) }))
	f.Check, f.Due = all[use].check, use > 0
	f.All = len(known.Keys) == 0 || known.Keys[0] != f.Check
	return all[use], nil
}

// printKeys are the keys that site keys are derived from, the newest first: those of the
// epoch, and the old one as long as a rotation is not over.
func (s *Service) printKeys(ctx context.Context) ([]string, error) {
	ids := s.core.Keys.Epoch().Prints
	r, err := load(ctx, s.core.Store, rec.Rotations, rec.RotationID)
	if err != nil || r.Phase != credentials.ReadingOld || slices.Contains(ids, r.From) {
		return ids, err
	}
	return append(ids, r.From), nil
}
