package door

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

const (
	maxPoints = 32
	maxFormer = 2 * maxPoints
	// maxTargets is how many points an entry leads to: a leaf has 16 targets in all.
	maxTargets = 12

	// For how long an edge decides by itself about a point.
	usualBound   = 15 * time.Minute
	longestBound = 24 * time.Hour
)

// SetPoints says anew for which points a reader speaks, what each does while the server is
// out of reach, and for how long: see [NewReader]. The server goes by it at once, an [Edge]
// from when it is told on, and at the latest when what it was told is too old by the bound
// of before. Errors: [ErrReaderForm], [ErrReaderNotFound].
func (op *Operator) SetPoints(ctx context.Context, reader string, points map[string]Outage, bounds map[string]time.Duration) error {
	list, err := readerPoints(points, bounds)
	if err != nil {
		return err
	}
	return op.change(ctx, "SetPoints", reader, func(u *flow.Unit, r rec.Reader) error {
		if err := atSite(u, r.Site, list); err != nil {
			return err
		}
		changed := map[string]bool{}
		for _, p := range list {
			changed[p.ID] = !slices.Contains(r.Points, p)
		}
		for _, p := range r.Points {
			if changed[p.ID] = !slices.Contains(list, p); changed[p.ID] {
				r.Former = append(r.Former, rec.FormerPoint{ReaderPoint: p, Until: u.Now()})
			}
		}
		maps.DeleteFunc(changed, func(_ string, is bool) bool { return !is })
		if len(changed) == 0 {
			return nil
		}
		r.Points, r.Former = list, r.Former[max(0, len(r.Former)-maxFormer):]
		ids := slices.Sorted(maps.Keys(changed))
		_, err := u.Say(audit.DoorReaderChanged, audit.Success, append(ids[:min(len(ids), maxTargets)], reader, flow.Site(r.Site)),
			flow.F(audit.FieldReader, reader), flow.F(audit.FieldSite, r.Site), flow.F(audit.FieldState, "points set"))
		return errors.Join(err, flow.Put(u, rec.Readers, reader, &r))
	})
}

// readerPoints are the points of a reader in the form that is kept.
func readerPoints(points map[string]Outage, bounds map[string]time.Duration) ([]rec.ReaderPoint, error) {
	if len(points) == 0 || len(points) > maxPoints {
		return nil, ErrReaderForm
	}
	var list []rec.ReaderPoint
	for id, outage := range points {
		if outage != OutageCached && outage != OutageDeny {
			return nil, ErrReaderForm
		}
		list = append(list, rec.ReaderPoint{ID: id, OnOutage: outage, Bound: bounds[id]})
	}
	for id, bound := range bounds {
		if outage, own := points[id]; !own || outage != OutageCached || bound <= 0 || bound > longestBound {
			return nil, ErrReaderForm
		}
	}
	slices.SortFunc(list, func(a, b rec.ReaderPoint) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// atSite checks that points are there and of a site.
func atSite(u *flow.Unit, site string, list []rec.ReaderPoint) error {
	for _, p := range list {
		point, found, err := flow.Load(u, rec.Points, p.ID)
		if err != nil {
			return err
		}
		if !found || point.Site != site {
			return ErrReaderForm
		}
	}
	return nil
}

// bounded is for how long an edge decides by itself about a point.
func bounded(p rec.ReaderPoint) time.Duration {
	if p.Bound <= 0 {
		return usualBound
	}
	return p.Bound
}
