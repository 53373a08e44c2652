package roster

import (
	"context"
	"log/slog"
	"maps"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// settle commits what came of the edits, and reports whether anything moved. Edits without
// an outcome stay unsure.
func (w *turn) settle(ctx context.Context, edits []panel.Edit, outcomes map[panel.Place]panel.Outcome, broken bool) (moved bool, err error) {
	err = halves(edits, func(some []panel.Edit) error {
		part, err := w.settleSome(ctx, some, outcomes, broken)
		moved = moved || part && err == nil
		return err
	})
	return moved, err
}

func (w *turn) settleSome(ctx context.Context, edits []panel.Edit, outcomes map[panel.Place]panel.Outcome, broken bool) (bool, error) {
	moved := false
	_, err := w.act(ctx, func(u *flow.Unit) error {
		moved = false
		for _, e := range edits {
			o, answered := outcomes[e.Place]
			if !answered && !broken {
				// The driver ended in order without a word about this edit: it is as unsure as a
				// lost answer.
				w.desk.core.Logger().WarnContext(ctx, "driver gave no outcome", slog.String("panel", w.id), slog.String("place", e.Place.String()))
			}
			id := rec.UserID(w.id, e.Place)
			user, ok, err := flow.Load(u, rec.Users, id)
			if err != nil || !ok {
				return err
			}
			before := user
			var found panel.Finding
			if answered {
				if f := user.Flight; f != nil && f.Set.Has(panel.FieldCode) && f.Do != panel.Remove && f.Ticket == nil && f.State.Codeless() {
					o = embodied(o, f.Set)
				}
				user.Slot = user.Settle(told(e, o, broken), w.panel.Model).Again(w.panel.Model.Create)
				if o.Report != nil {
					st, err := w.desk.state(w.id, w.panel.Model, *o.Report)
					if err != nil {
						return err
					}
					user.Slot, found = user.Observe(panel.Sighting{State: st, Sight: o.Report.Sight, At: u.Now()}, 0)
				}
				w.done = w.done || o.Done != 0
				moved = moved || o.Done != 0 || before.Pending != user.Pending || before.Cure != user.Cure
			} else {
				user.Slot = user.Lost()
			}
			finish(before, &user, found, u.Now(), w.panel.Model)
			if err := w.sayOutcome(u, before, user, id, o, answered); err != nil {
				return err
			}
			if w.panel.Model.Secret != 0 && e.Place.Slot == w.panel.Model.Secret && o.Done.Has(panel.FieldCode) {
				if err := w.newSecret(u, e.Code); err != nil {
					return err
				}
				w.opened = opens(w.opened, e.Code) // the session goes on with it
			}
			if err := put(u, id, before, &user); err != nil {
				return err
			}
		}
		return nil
	})
	return moved, err
}

// embodied is the outcome for a user who has tags alone: they are there if their tags are.
func embodied(o panel.Outcome, set panel.Field) panel.Outcome {
	const tags = panel.FieldLegacyTags | panel.FieldLockTags
	switch {
	case o.Done&set&tags != 0:
		o.Done |= panel.FieldCode
	case o.Unsure&set&tags != 0:
		o.Unsure |= panel.FieldCode
	default:
		for f := range (set & tags).Each() {
			if why := o.Refused[f]; why != nil {
				o.Refused = maps.Clone(o.Refused)
				o.Refused[panel.FieldCode] = why
			}
		}
	}
	return o
}

// told is an outcome as the slot machine is to take it. A code that was in doubt, was
// written again on a line that works and is still in doubt was not taken, perhaps because
// the panel refuses its own duplicate. Writing it once more would tell as little: such a
// code counts as refused, which clears the place first and is never final.
func told(e panel.Edit, o panel.Outcome, broken bool) panel.Outcome {
	if broken || o.Ticket != nil || e.Ticket != nil || e.Do == panel.Remove || !e.Unsure.Has(panel.FieldCode) || !o.Unsure.Has(panel.FieldCode) {
		return o
	}
	o.Unsure &^= panel.FieldCode
	o.Refused = maps.Clone(o.Refused)
	if o.Refused == nil {
		o.Refused = map[panel.Field]error{}
	}
	o.Refused[panel.FieldCode] = panel.ErrRefused
	return o
}

// sayOutcome adds the entry of an outcome.
func (w *turn) sayOutcome(u *flow.Unit, before, user rec.User, id string, o panel.Outcome, answered bool) error {
	var refused panel.Field
	reason := ""
	for f, err := range o.Refused {
		refused |= f
		reason = flow.Reason(err)
	}
	unsure := o.Unsure
	if !answered && before.Flight != nil {
		unsure = before.Flight.Set
	}
	action, outcome := audit.UserSettled, audit.Success
	switch {
	case o.Done == 0 && refused != 0:
		action, outcome = audit.UserRefused, audit.Failure
	case o.Done == 0:
		action, outcome = audit.UserUnsure, audit.Failure
	}
	about := user
	if before.Flight != nil {
		about.Tenancy = before.Flight.Tenancy
	}
	fields := []flow.Field{flow.F(audit.FieldRevision, number(user.Revision)), flow.F(audit.FieldReason, reason)}
	if o.Done != 0 {
		fields = append(fields, flow.F(audit.FieldFields, o.Done.String()))
	}
	if refused != 0 {
		fields = append(fields, flow.F(audit.FieldFieldsRefused, refused.String()))
	}
	if unsure != 0 {
		fields = append(fields, flow.F(audit.FieldFieldsUnsure, unsure.String()))
	}
	_, err := sayUser(u, action, outcome, w.panel, about, id, fields...)
	return err
}
