package roster

import (
	"cmp"
	"context"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// DuressPoint is a device on which a person has rights, and whether a duress PIN would
// raise an alarm there. It is the same whether the person has one or not. Doors that are
// decided here raise it always and are not listed.
type DuressPoint struct {
	Panel string
	Ident string
	Site  string
	Works bool
	Words string // why it would not
}

// DuressPoints tells a person, or who may see their devices, where a duress PIN would not
// work. Show it where a duress PIN can be set, set or not, and again when it has changed:
// with the device's watch, its model or the rules. The list is sorted by Ident.
func (p *Person) DuressPoints(ctx context.Context) ([]DuressPoint, error) {
	g := accounts.Grant{Sites: accounts.AllSites()}
	if p.op.actor.Kind() == audit.SystemActor || string(p.op.actor.ID()) != p.id {
		var err error
		if g, err = p.may(ctx, "DuressPoints"); err != nil {
			return nil, err
		}
	}
	rel, err := p.op.desk.relation(ctx)
	if err != nil {
		return nil, err
	}
	var out []DuressPoint
	_, err = p.core().Act(ctx, p.op.actor, func(u *flow.Unit) error {
		out = nil
		who, err := p.op.desk.someone(u, p.id)
		if err != nil {
			return err
		}
		if !g.Sites.All() && !g.Sites.Overlaps(who.Sites) {
			return accounts.ErrAccountNotFound
		}
		stands, err := p.op.desk.stands(u, p.id)
		if err != nil {
			return err
		}
		for at, reach := range rel.reaches(stands.as) {
			if len(reach.keypad) == 0 {
				continue
			}
			id := at.panel
			device, found, err := flow.Peek(u, rec.Panels, id)
			if err != nil {
				return err
			}
			if !found || device.Site != at.site || device.State == rec.Retired || !g.Sites.Has(device.Site) {
				continue
			}
			listens, err := listened(u, id, device.Model)
			if err != nil {
				return err
			}
			one := DuressPoint{Panel: id, Ident: device.Ident, Site: device.Site, Words: unwarned(device.Model, listens)}
			one.Works = one.Words == ""
			out = append(out, one)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b DuressPoint) int {
		return cmp.Or(cmp.Compare(a.Ident, b.Ident), cmp.Compare(a.Panel, b.Panel))
	})
	return out, err
}

// unwarned says why a device raises no alarm for a person's duress PIN, "" if it does.
func unwarned(m panel.Model, listens bool) string {
	switch {
	case m.Duress == panel.DuressByEvent && listens:
		return ""
	case m.Duress == panel.DuressByEvent:
		return "nobody hears the device now"
	case m.Duress == panel.DuressPerUser:
		return "the panel has duress users of its own: one is placed there by hand"
	case m.Duress == panel.DuressPerPartition:
		return "the panel has duress codes of its own, one for each partition"
	case m.Duress == panel.DuressPerPanel:
		return "the panel has one duress code of its own"
	}
	return "the device knows no duress"
}
