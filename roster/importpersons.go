package roster

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// PersonRow is what one person is given, all of it or nothing. Somebody with several tags
// has several rows.
type PersonRow struct {
	Account accounts.ID
	PIN     panel.Code          // zero: stays as it is
	Tag     panel.Tag           // zero: none is added
	Label   string              // what is written on the tag
	Window  *credentials.Window // when the PIN is good; nil: stays as it is
}

// ReadPersons reads the rows of a CSV file with a header line: account (its id), and
// optionally pin, tag (hexadecimal digits, a colon, and its length in bits; four for each
// digit without), label, from and until (RFC 3339). It treats cells as [ReadImport] does,
// with the same errors.
func ReadPersons(r io.Reader) ([]PersonRow, error) { return bounded(r, personColumns().csv) }

// ReadPersonsJSON reads the rows of a JSON file: an array of objects whose members are the
// columns of [ReadPersons], all of them strings. Errors: as [ReadImportJSON].
func ReadPersonsJSON(r io.Reader) ([]PersonRow, error) { return bounded(r, personColumns().json) }

func personColumns() columns[PersonRow] {
	return columns[PersonRow]{
		{name: "account", need: true, read: func(r *PersonRow, cell string) error { r.Account = accounts.ID(cell); return nil }},
		{name: "pin", read: func(r *PersonRow, cell string) (err error) {
			if cell != "" {
				r.PIN, err = credentials.ParseCode(cell)
			}
			return err
		}},
		{name: "tag", read: func(r *PersonRow, cell string) (err error) {
			if cell != "" {
				r.Tag, err = parseTag(cell)
			}
			return err
		}},
		{name: "label", words: true, read: func(r *PersonRow, cell string) error { r.Label = cell; return nil }},
		{name: "from", read: func(r *PersonRow, cell string) error {
			return instant(cell, &r.Window, func(w *credentials.Window) *time.Time { return &w.From })
		}},
		{name: "until", read: func(r *PersonRow, cell string) error {
			return instant(cell, &r.Window, func(w *credentials.Window) *time.Time { return &w.Until })
		}},
	}
}

func parseTag(cell string) (panel.Tag, error) {
	number, length, found := strings.Cut(cell, ":")
	bits := 0
	if found {
		var err error
		if bits, err = strconv.Atoi(length); err != nil || bits == 0 {
			return panel.Tag{}, credentials.ErrTagForm
		}
	}
	return credentials.ParseTag(number, bits)
}

// ImportPersons gives PINs and tags to many people, each row judged as [Person.SetPIN],
// [Person.SetWindow] and [Person.AddTag] would judge it, with their rights, and done in one
// change. It goes on as [Tab.Import] does; a commit is bound to what these people had at
// the dry run.
func (op *Operator) ImportPersons(ctx context.Context, rows []PersonRow, o ImportOptions) (ImportReport, error) {
	const name = "ImportPersons"
	if err := op.desk.core.Allowed(ctx, op.actor, "roster."+name, ""); err != nil {
		return ImportReport{}, op.refused(ctx, name, nil, err)
	}
	if len(rows) == 0 || len(rows) > MaxImportRows {
		return ImportReport{}, op.refused(ctx, name, nil, ErrImportForm)
	}
	on, err := op.footing(ctx, rows)
	if err != nil {
		return ImportReport{}, err
	}
	inFile := given{map[string][]giving{}, map[string][]giving{}}
	m := &importing{op: op, name: name, rows: len(rows), footing: on,
		judge: func(ctx context.Context, i int, knows bool) RowOutcome {
			return RowOutcome{Row: i + 1, Account: rows[i].Account, Err: op.judgePerson(ctx, rows[i], inFile, knows)}
		},
		carry: func(ctx context.Context, i int) RowOutcome {
			tag, err := op.Person(rows[i].Account).give(ctx, rows[i])
			return RowOutcome{Row: i + 1, Account: rows[i].Account, Tag: tag, Err: err}
		},
	}
	return m.run(ctx, o)
}

// footing is the rows, and what these people have: their PIN is written with every change.
func (op *Operator) footing(ctx context.Context, rows []PersonRow) (footing, error) {
	b, err := op.desk.footing("persons")
	if err != nil {
		return b, err
	}
	var keys []store.Key
	for _, r := range rows {
		pin, tag, err := op.claims(r)
		if err != nil {
			return b, err
		}
		if err := b.add(r.Account, pin.Hold, tag.Hold, r.Label, r.Window); err != nil {
			return b, err
		}
		keys = append(keys, rec.Credentials.Key(rec.CredentialID(string(r.Account), rec.PIN, 0)))
	}
	return b, b.records(ctx, keys)
}

// claims are what a row would claim.
func (op *Operator) claims(r PersonRow) (pin, tag credentials.Claim, err error) {
	keys, o := op.desk.core.Keys, op.desk.o
	if !r.PIN.IsZero() {
		if pin, err = o.Codes.Claim(keys, flow.Tenant(), r.PIN, false); err != nil {
			return pin, tag, err
		}
	}
	if !r.Tag.IsZero() {
		tag, err = credentials.ClaimTag(keys, flow.Tenant(), r.Tag, o.CardFormats...)
	}
	return pin, tag, err
}

// acts are the single operations that the row is made of.
func (r PersonRow) acts() (names []string) {
	if !r.PIN.IsZero() {
		names = append(names, "SetPIN")
	}
	if r.Window != nil {
		names = append(names, "SetWindow")
	}
	if !r.Tag.IsZero() {
		names = append(names, "AddTag")
	}
	return names
}

// allowed asks the rights of all that the row is made of.
func (p *Person) allowed(ctx context.Context, r PersonRow) (g accounts.Grant, err error) {
	acts := r.acts()
	if len(acts) == 0 {
		return g, ErrImportForm
	}
	for _, name := range acts {
		if g, err = p.may(ctx, name); err != nil {
			return g, err
		}
	}
	return g, nil
}

// give does what a row asks for, in one change, and returns the id of the tag.
func (p *Person) give(ctx context.Context, r PersonRow) (tag uint64, err error) {
	if _, err := p.allowed(ctx, r); err != nil {
		return 0, err
	}
	var paid []store.Count
	if !r.PIN.IsZero() || !r.Tag.IsZero() {
		if paid, err = p.reserve(ctx); err != nil {
			return 0, p.op.refused(ctx, "Person."+r.acts()[0], []string{p.id}, err)
		}
	}
	err = p.change(ctx, r.acts()[0], wishOptions{}.paid(paid), func(h *holding) error {
		tag, err = h.give(r)
		return err
	})
	if err != nil {
		tag = 0
	}
	return tag, (&Tab{op: p.op}).undisclosed(ctx, err, paid)
}

// give makes the changes that a row asks for.
func (h *holding) give(r PersonRow) (tag uint64, err error) {
	if !r.PIN.IsZero() {
		if err := h.setCode(rec.PIN, r.PIN); err != nil {
			return 0, err
		}
	}
	if r.Window != nil {
		if err := h.setWindow(*r.Window); err != nil {
			return 0, err
		}
	}
	if r.Tag.IsZero() {
		return 0, nil
	}
	tag, err = h.addTag(r.Tag, r.Label)
	if len(r.acts()) > 1 {
		h.fields = "PIN, tags"
	}
	return tag, err
}
