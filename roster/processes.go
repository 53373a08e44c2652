package roster

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// Process is a change on its way to a panel.
type Process struct {
	Panel    string
	Ident    string
	Site     string
	Place    panel.Place
	Creator  accounts.ID // who asked for it, "": it follows from rules
	Account  accounts.ID // whom it is about, "" if nobody is linked
	What     panel.Field
	Removal  bool // it takes the user away
	State    Fate
	Since    time.Time
	Attempts int       // failed tries on the panel's line
	Next     time.Time // when the line is tried again
	By       time.Time // at the latest; zero: the line fails or waits for a person
	Parked   bool      // the line waits for a person: [Tab.Resume]
	Words    string    // the panel's last words
	Cancel   bool      // [Tab.Cancel] takes it back
	Revision uint64
}

// Receipt names the wish, to ask about it or wait for it.
func (p Process) Receipt() Receipt {
	return Receipt{Panel: p.Panel, Place: p.Place, Revision: p.Revision}
}

// Processes lists what is on its way to the panels of the operator's sites, or of one of
// them: what takes access away first, then the oldest.
func (op *Operator) Processes(ctx context.Context, site string) ([]Process, error) {
	lines, late := map[string]store.Line{}, lags{desk: op.desk}
	var out []Process
	err := op.under(ctx, "Processes", site, rec.ByPending, func(u rec.User, p rec.Panel, words string) error {
		line, err := op.line(ctx, lines, u.Panel)
		if err != nil {
			return err
		}
		l, err := late.of(ctx, u.Panel, p)
		if err != nil {
			return err
		}
		one := process(u)
		one.By = l.by
		one.Ident, one.Site, one.Words = p.Ident, p.Site, words
		one.Attempts, one.Next, one.Parked = line.Attempts, line.Due, len(line.Parked) > 0
		out = append(out, one)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b Process) int {
		if a.Removal != b.Removal {
			if a.Removal {
				return -1
			}
			return 1
		}
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Ident, b.Ident))
	})
	return out, nil
}

// line reads a panel's line once.
func (op *Operator) line(ctx context.Context, lines map[string]store.Line, id string) (store.Line, error) {
	if l, ok := lines[id]; ok {
		return l, nil
	}
	found, err := op.desk.core.Store.Lines(ctx, linePanel(id), "", 1)
	if err == nil && len(found) == 1 && found[0].Name == linePanel(id) {
		lines[id] = found[0]
	}
	return lines[id], err
}

// process is a user's wish as a process.
func process(u rec.User) Process {
	_, cannot := u.Cancel()
	p := Process{Panel: u.Panel, Place: u.Place, What: u.Pending | u.Unsure, Removal: u.Taking() != 0,
		State: progress(u, u.Revision).Fate, Since: u.WishedAt, Cancel: cannot == nil, Revision: u.Revision}
	if u.Author.Kind != audit.SystemActor {
		p.Creator = accounts.ID(u.Author.ID)
	}
	if u.Link != nil {
		p.Account = accounts.ID(u.Link.Account)
	}
	return p
}

// Retry tries a panel's line now instead of later. A parked line needs [Tab.Resume].
func (t *Tab) Retry(ctx context.Context) error {
	p, err := t.peek(ctx, "Retry")
	if err != nil {
		return err
	}
	_, err = t.core().Act(ctx, t.op.actor, func(u *flow.Unit) error {
		u.Do(store.Mark{Line: linePanel(t.id)})
		_, err := u.Say(audit.PanelChanged, audit.Success, []string{t.id, flow.Site(p.Site)}, flow.F(audit.FieldPanel, t.id), flow.F(audit.FieldIdent, p.Ident), flow.F(audit.FieldReason, "tried again by hand"))
		return err
	})
	return err
}
