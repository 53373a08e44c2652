package visonic

import (
	"context"
	"iter"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// readOnly is embedded by sessions of routes that write nothing.
type readOnly struct{ panel.NoWatch }

// Apply refuses every field with [panel.ErrUnsupported], without a byte.
func (readOnly) Apply(ctx context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		for _, e := range edits {
			if err := ctx.Err(); err != nil {
				yield(panel.Outcome{}, err)
				return
			}
			if e.Do == panel.Remove {
				e.Set = panel.FieldCode
			}
			o := panel.Outcome{Place: e.Place, Refused: map[panel.Field]error{}}
			for f := range e.Set.Each() {
				o.Refused[f] = panel.ErrUnsupported
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}
