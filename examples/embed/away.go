package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// gardener gives slot 6 to somebody with a tag, and on a panel that knows supervisors to
// one of them.
func (s *story) gardener(ctx context.Context) error {
	if s.byHand() {
		return s.keysTheGardener(ctx)
	}
	w := roster.CodeWish{Label: "Gardener"}
	if s.model.Writes().Has(panel.FieldRole) && s.model.Allows(panel.Supervisor) {
		w.Role = panel.Supervisor
	}
	r, err := s.set(ctx, 6, gardenerCode, w)
	if err != nil {
		return err
	}
	if _, err := s.settles(ctx, r, roster.Settled); err != nil || !s.tags() {
		return err
	}
	return s.enrols(ctx)
}

// tags reports whether the story has a tag: where the panel enrols one at its keypad, or
// the route writes one. A tag that belongs to the slot is the panel's, not its holder's.
func (s *story) tags() bool {
	return s.model.Read.Has(panel.FieldLegacyTags) && (s.model.Kind == panel.DSC || s.model.Writes().Has(panel.FieldLegacyTags))
}

// enrols gives slot 6 a tag.
func (s *story) enrols(ctx context.Context) error {
	tag, err := credentials.ParseTag("0A1B2C3D", 32)
	if err != nil {
		return err
	}
	if s.model.Writes().Has(panel.FieldLegacyTags) {
		r, err := s.tab.AddTag(ctx, s.place(6), panel.FieldLegacyTags, tag)
		if err != nil {
			return err
		}
		_, err = s.settles(ctx, r, roster.Settled)
		return err
	}
	enrol := panel.Edit{Place: s.place(6), Set: panel.FieldLegacyTags, Values: panel.Values{LegacyTags: []panel.Tag{tag}}}
	if err := s.atKeypad(ctx, enrol); err != nil {
		return err
	}
	return until(ctx, "was the tag seen", func() (bool, error) {
		d, err := s.tab.Details(ctx, s.place(6))
		return d.Field(panel.FieldLegacyTags).Reported == "1", err
	})
}

func (s *story) isUnplugged(ctx context.Context) error {
	if err := s.gardener(ctx); err != nil {
		return err
	}
	s.plug(false)
	err := until(ctx, "was the panel missed", func() (bool, error) {
		p, err := s.tab.Info(ctx)
		return p.Model.CallsIn && !p.Line.Here || !p.Model.CallsIn && p.Line.Attempts > 0, err
	})
	if err != nil {
		return err
	}
	edits := s.edits(ctx)
	for _, edit := range edits {
		r, err := edit()
		if err != nil {
			return err
		}
		s.waiting[r.Place] = r // the last wish for a place stands for those before it
	}
	d, err := s.tab.Details(ctx, s.place(4))
	if err != nil {
		return err
	}
	meanwhile := s.spot(6) + " given to another person"
	if s.mastersOnly() {
		meanwhile = s.spot(6) + " cannot be given to another person, because no Master can be disabled, and its code was changed"
	}
	label := d.Field(panel.FieldLabel)
	return s.say("panel unplugged, %d edits made, %s meanwhile; %s still shows %q, with %q %s",
		len(edits), meanwhile, s.spot(4), label.Reported, label.Wanted, label.State)
}

// edits are made while the panel is away.
func (s *story) edits(ctx context.Context) []func() (roster.Receipt, error) {
	type wish = func() (roster.Receipt, error)
	label := func(n int, text string) wish {
		return func() (roster.Receipt, error) { return s.tab.SetLabel(ctx, s.place(n), text) }
	}
	code := func(n int, digits string, w roster.CodeWish) wish {
		return func() (roster.Receipt, error) {
			if s.byHand() {
				return s.tab.SetCode(ctx, s.place(n), roster.CodeWish{})
			}
			return s.set(ctx, n, digits, w)
		}
	}
	partitions := func(numbers ...int) wish {
		return func() (roster.Receipt, error) {
			return s.tab.SetPartitions(ctx, s.place(4), panel.PartitionsOf(numbers...))
		}
	}
	disable := func() (roster.Receipt, error) { return s.tab.Disable(ctx, s.place(6)) }
	var next roster.CodeWish
	if s.model.Writes().Has(panel.FieldRole) {
		next.Role = panel.User
	}
	edits := []wish{label(4, "Cleaning"), label(4, "Cleaners"), code(4, passingCode, roster.CodeWish{})}
	shared := s.byHand() || s.model.Writes().Has(panel.FieldPartitions)
	if shared {
		edits = append(edits, partitions(1, 2))
	}
	edits = append(edits, label(4, "Night shift"))
	if !s.mastersOnly() {
		edits = append(edits, disable)
	}
	edits = append(edits, code(6, neighbourCode, next), label(6, "Neighbour"), code(4, nightCode, roster.CodeWish{}))
	if shared {
		edits = append(edits, partitions(2, 3))
	}
	return edits
}

// returns plugs the panel in. Where it does not call, somebody says that it is there.
func (s *story) returns(ctx context.Context) error {
	s.plug(true)
	if s.model.CallsIn {
		return nil
	}
	if err := s.tab.Resume(ctx); !errors.Is(err, roster.ErrLineBusy) {
		return err
	}
	return nil // it is being worked on already
}

func (s *story) isPluggedInAgain(ctx context.Context) error {
	before := s.wrote()
	if err := s.returns(ctx); err != nil {
		return err
	}
	if s.byHand() {
		return s.keysWhatWaited(ctx)
	}
	for _, r := range s.waiting {
		if _, err := s.settles(ctx, r, roster.Settled); err != nil {
			return err
		}
	}
	writes := s.wrote() - before
	u, _ := s.user(4)
	err := errors.Join(
		see(writes == s.settle, "it took %d writes, not %d", writes, s.settle),
		see(s.opens(nightCode), "slot 4 has not its last code"),
		see(!s.opens(cleanerCode) && !s.opens(passingCode), "an old code of slot 4 opens"),
		see(u.Label == "Night shift", "slot 4 is %s", u.Label))
	if err != nil {
		return err
	}
	if err := s.say("plugged in again, settled as one: %s is %s%s, its code was written once", s.spot(4), u.Label, s.where(u)); err != nil {
		return err
	}
	return s.changedHands()
}

// changedHands tells who has slot 6 now.
func (s *story) changedHands() error {
	u, _ := s.user(6)
	err := errors.Join(
		see(s.opens(neighbourCode) && !s.opens(gardenerCode), "slot 6 has the former holder's code"),
		see(u.Tags == 0 || !s.tags(), "slot 6 has the former holder's tag"))
	if err != nil {
		return err
	}
	is, gone := []string{u.Label}, []string{"code"}
	if s.model.Writes().Has(panel.FieldRole) {
		is, gone = append(is, string(u.Role)), append(gone, "supervisor attribute")
	}
	if s.tags() {
		is, gone = append(is, fmt.Sprintf("%d tags", u.Tags)), append(gone, "tag")
	}
	return s.say("%s is %s: gone with the former holder: %s", s.spot(6), strings.Join(is, ", "), strings.Join(gone, ", "))
}
