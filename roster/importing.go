package roster

import (
	"context"
	"errors"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Errors of imports.
var (
	// ErrImportChanged: the rows are not those of the dry run, or what it rests on is not so
	// any more: the panel and its users, what persons have, the rules for codes, the keys. Also
	// when it was longer ago than [ImportLife].
	ErrImportChanged = fault.New(fault.Conflict, "roster: the import differs from its dry run").
				Hinted("Run the dry run again and commit with its token.")
	// ErrImportStopped: too many rows were refused as not available.
	ErrImportStopped = fault.New(fault.Busy, "roster: the import was stopped").
				Hinted("Too many codes were not available. Let codes be generated, or try again later.")
)

// ImportOptions say what an import does.
type ImportOptions struct {
	// Token of a dry run of the same rows: the import is carried out. Empty: a dry run.
	Token string
	// Progress is called after each row; nil: not.
	Progress func(done, total int)
}

// RowOutcome is what became of one row.
type RowOutcome struct {
	Row     int         // counted from 1
	Place   panel.Place // of a user of a panel
	Receipt Receipt
	Account accounts.ID // of a person
	Tag     uint64      // the id of the tag that the person was given, 0: none
	Err     error       // nil: accepted
}

// ImportReport is what an import did, or would do.
type ImportReport struct {
	ID     string
	DryRun bool
	// Token of a dry run that came to its end commits exactly these rows, within
	// [ImportLife] and while nothing has changed of what they were judged by.
	Token    string
	Accepted int
	Refused  int
	// Rows of a dry run for somebody without the right to know about collisions leave out
	// why a code is not available: they only count in NotAvailable.
	Rows         []RowOutcome
	NotAvailable int
}

func (r *ImportReport) add(o RowOutcome) {
	r.Rows = append(r.Rows, o)
	if o.Err != nil {
		r.Refused++
	} else {
		r.Accepted++
	}
}

// importing is one import at work, of whatever rows.
type importing struct {
	op      *Operator
	name    string // of the operation
	site    string // "": of no single one
	targets []string
	said    []flow.Field // what entries say of all rows
	rows    int
	footing footing
	judge   func(ctx context.Context, i int, knows bool) RowOutcome // without writing
	carry   func(ctx context.Context, i int) RowOutcome             // carries it out
}

// run tries or carries out the rows, one after the other.
func (m *importing) run(ctx context.Context, o ImportOptions) (ImportReport, error) {
	rep := ImportReport{ID: flow.NewID(), DryRun: o.Token == ""}
	if rep.DryRun {
		return m.try(ctx, rep, o)
	}
	if err := m.footing.redeem(o.Token); err != nil {
		return ImportReport{}, m.op.refused(ctx, m.name, m.targets, err)
	}
	if err := m.say(ctx, audit.ImportStarted, rep); err != nil {
		return rep, err
	}
	var stopped error
	for i := range m.rows {
		if stopped = ctx.Err(); stopped != nil {
			break
		}
		out := m.carry(ctx, i)
		rep.add(out)
		if o.Progress != nil {
			o.Progress(i+1, m.rows)
		}
		if errors.Is(out.Err, ErrCollisionBudget) {
			stopped = ErrImportStopped
			break
		}
	}
	return rep, errors.Join(stopped, m.say(context.WithoutCancel(ctx), audit.ImportDone, rep))
}

// try judges every row without writing. Whether a code is taken is judged only for those
// who may know; others get the number of rows that the rules refuse.
func (m *importing) try(ctx context.Context, rep ImportReport, o ImportOptions) (ImportReport, error) {
	knows := m.op.desk.core.Allowed(ctx, m.op.actor, "roster.Collisions", m.site) == nil
	began := m.op.desk.core.Time()
	for i := range m.rows {
		if ctx.Err() != nil {
			return rep, ctx.Err()
		}
		out := m.judge(ctx, i, knows)
		if errors.Is(unsaid(out.Err), credentials.ErrNotAvailable) {
			rep.NotAvailable++
			if !knows {
				out.Err = nil
			}
		}
		rep.add(out)
		if o.Progress != nil {
			o.Progress(i+1, m.rows)
		}
	}
	var err error
	rep.Token, err = m.footing.token(began)
	return rep, err
}

func (m *importing) say(ctx context.Context, action audit.Action, rep ImportReport) error {
	_, err := m.op.desk.core.Act(ctx, m.op.actor, func(u *flow.Unit) error {
		_, err := u.Say(action, audit.Success, append([]string{rep.ID}, m.targets...), append([]flow.Field{flow.F(audit.FieldImport, rep.ID),
			flow.F(audit.FieldRows, number(m.rows)), flow.F(audit.FieldAccepted, number(rep.Accepted)), flow.F(audit.FieldRefused, number(rep.Refused))}, m.said...)...)
		return err
	})
	return err
}

// errJudged ends a decision that was made only to be judged.
var errJudged = errors.New("roster: judged")

// judged is what a decision came to that was made only to be judged: nil, if it would stand.
func judged(err error) error {
	if errors.Is(err, errJudged) {
		return nil
	}
	return err
}
