package powermanage

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Apply carries out edits one after the other, each as one to three jobs: the code is
// taken away, set, and named. The Master's code, which opens the route, changes last.
func (s *session) Apply(ctx context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		m := s.Model()
		var drafts []*draft
		for _, e := range masterLast(m, edits) {
			d := newDraft(m, e)
			if d.ticket == nil { // else it was admitted, and its job runs
				d.admit()
			}
			if d.left != 0 {
				drafts = append(drafts, d)
			} else if !yield(d.outcome(), nil) {
				return
			}
		}
		if len(drafts) == 0 {
			return
		}
		ctx, end, err := s.begin(ctx)
		if err != nil {
			yield(panel.Outcome{}, err)
			return
		}
		defer end()
		var l *userList // as last read, nil if something was written since
		for _, d := range drafts {
			l, err = s.carryOut(ctx, d, l)
			if d.touched() && !yield(d.outcome(), nil) {
				return
			}
			if err != nil {
				yield(panel.Outcome{}, lineError(err))
				return
			}
		}
	}
}

// masterLast orders edits so that the code that opens the route changes last.
func masterLast(m panel.Model, edits []panel.Edit) []panel.Edit {
	last := func(e panel.Edit) int {
		if m.Secret != 0 && e.Slot == m.Secret {
			return 1
		}
		return 0
	}
	return slices.SortedStableFunc(slices.Values(edits), func(a, b panel.Edit) int { return cmp.Compare(last(a), last(b)) })
}

// carryOut does one edit and reads the list again if it wrote something.
func (s *session) carryOut(ctx context.Context, d *draft, l *userList) (*userList, error) {
	if l == nil {
		now, err := s.users(ctx)
		if err != nil {
			return nil, err
		}
		l = &now
	}
	d.see(*l)
	if !d.fits() {
		return l, nil
	}
	for _, st := range d.steps() {
		done, err := s.write(ctx, d, st)
		if err == nil && !done && st == stepClear {
			done, err = s.vacant(ctx, d)
		}
		if err != nil {
			if d.cleared {
				d.unsure(d.left & panel.FieldCode) // the place is not as it was
			}
			return nil, err
		}
		if !done && st != stepLabel {
			break // without its code there is nobody to be named
		}
		if done {
			d.done(st)
		}
		if done && st == stepCode && s.family.Secret != 0 && d.edit.Slot == s.family.Secret {
			s.master = panel.SecretOf(d.edit.Code.Reveal())
		}
	}
	if !d.sent && d.edit.Ticket == nil {
		return l, nil
	}
	now, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	d.see(now)
	d.settle()
	return s.unname(ctx, d, &now)
}

// vacant reports whether a place that was not cleared, or may have been, is empty: a job
// that takes the code of nobody may fail. By then the list shows everybody who is there.
func (s *session) vacant(ctx context.Context, d *draft) (bool, error) {
	if d.out.Ticket != nil {
		return false, nil
	}
	if err := sleep(ctx, lag); err != nil {
		return false, err
	}
	l, err := s.users(ctx)
	if err != nil {
		return false, err
	}
	if d.see(l); d.seen != nil {
		return false, nil
	}
	d.again(panel.FieldCode)
	return true, nil
}

// unname takes the name of a former holder from a new user who has none of his own.
func (s *session) unname(ctx context.Context, d *draft, l *userList) (*userList, error) {
	usual := fmt.Sprintf(d.model.Label.Default, d.edit.Slot)
	created := d.edit.Do == panel.Create || d.edit.Do == panel.Replace
	if !created || !d.out.Done.Has(panel.FieldCode) || (d.out.Done | d.out.Unsure).Has(panel.FieldLabel) || !d.model.Writes().Has(panel.FieldLabel) ||
		d.seen == nil || d.seen.Name == "" || d.seen.Name == usual {
		return l, nil
	}
	named := newDraft(d.model, panel.Edit{Place: d.edit.Place, Set: panel.FieldLabel, Values: panel.Values{Label: usual}})
	if _, err := s.write(ctx, named, stepLabel); err != nil {
		return nil, err
	}
	now, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	d.see(now)
	return &now, nil
}
