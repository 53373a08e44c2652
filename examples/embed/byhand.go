package main

import (
	"context"
	"errors"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// byHand reports whether somebody at the keypad has to set codes, because no route does.
func (s *story) byHand() bool { return s.model.Hands.Has(panel.FieldCode) }

// byGuide is what somebody does at the keypad to give a user a code and a label.
func (s *story) byGuide(do panel.Do, n int, digits, label string, partitions panel.Partitions) (panel.Edit, error) {
	code, err := panel.ParseCode(digits)
	e := panel.Edit{Place: s.place(n), Do: do, Set: panel.FieldCode | panel.FieldLabel, Values: panel.Values{Code: code, Label: label}}
	if partitions != 0 {
		e.Set |= panel.FieldPartitions
		e.Partitions = partitions
	}
	return e, err
}

// keysACode is the way of a code that no route writes: a wish without digits, a guide,
// somebody at the keypad, and a report that there is a code now.
func (s *story) keysACode(ctx context.Context) error {
	_, err := s.set(ctx, 4, cleanerCode, roster.CodeWish{Label: "Cleaner"})
	text, rest := refused(err, roster.ErrByHand)
	if rest != nil {
		return rest
	}
	if err := s.say("no route writes a code here, so none is taken: %s. %s", text, fault.Hint(err)); err != nil {
		return err
	}
	last, err := s.wishesByHand(ctx, 4, "Cleaner", panel.PartitionsOf(1, 3))
	if err != nil {
		return err
	}
	d, err := s.tab.Details(ctx, s.place(4))
	if err != nil {
		return err
	}
	if err := see(len(d.Guides) > 0, "there is no guide"); err != nil {
		return err
	}
	g := d.Guides[0]
	if err := s.say("%s waits for hands, and shows a guide of %d steps: %q and so on", s.spot(4), len(g.Steps), g.Steps[1]); err != nil {
		return err
	}
	e, err := s.byGuide(panel.Create, 4, cleanerCode, "Cleaner", panel.PartitionsOf(1, 3))
	if err != nil {
		return err
	}
	if err := s.keyed(ctx, last, e); err != nil {
		return err
	}
	u, _ := s.user(4)
	if err := see(s.opens(cleanerCode), "the panel does not open"); err != nil {
		return err
	}
	return s.say("code set on %s by hand, digits not verified: the panel opens for %s%s", s.spot(4), u.Label, s.where(u))
}

// wishesByHand asks for a code, a label and partitions.
func (s *story) wishesByHand(ctx context.Context, n int, label string, partitions panel.Partitions) (roster.Receipt, error) {
	if _, err := s.tab.SetCode(ctx, s.place(n), roster.CodeWish{}); err != nil {
		return roster.Receipt{}, err
	}
	r, err := s.tab.SetLabel(ctx, s.place(n), label)
	if err == nil && partitions != 0 {
		r, err = s.tab.SetPartitions(ctx, s.place(n), partitions)
	}
	return r, err
}

// keyed does edits at the keypad and waits until the wish is seen to be done.
func (s *story) keyed(ctx context.Context, r roster.Receipt, edits ...panel.Edit) error {
	for _, e := range edits {
		if err := s.atKeypad(ctx, e); err != nil {
			return err
		}
	}
	_, err := s.settles(ctx, r, roster.Unverified)
	return err
}

func (s *story) keysTheSameCode() error {
	e, err := s.byGuide(panel.Create, 5, cleanerCode, "Guest", 0)
	if err != nil {
		return err
	}
	text, err := refused(s.Keypad(e), panel.ErrRefused)
	if err != nil {
		return err
	}
	return s.say("the same code is for the panel to refuse, which it does when somebody keys it in for %s: %s", s.spot(5), text)
}

func (s *story) keysTheGardener(ctx context.Context) error {
	r, err := s.wishesByHand(ctx, 6, "Gardener", 0)
	if err != nil {
		return err
	}
	e, err := s.byGuide(panel.Create, 6, gardenerCode, "Gardener", 0)
	if err != nil {
		return err
	}
	return s.keyed(ctx, r, e)
}

// keysWhatWaited is somebody at the keypad with the guides of both slots.
func (s *story) keysWhatWaited(ctx context.Context) error {
	night, err1 := s.byGuide(panel.Change, 4, nightCode, "Night shift", panel.PartitionsOf(2, 3))
	neighbour, err2 := s.byGuide(panel.Create, 6, neighbourCode, "Neighbour", 0)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if err := s.keyed(ctx, s.waiting[s.place(4)], night); err != nil {
		return err
	}
	u, _ := s.user(4)
	if err := see(s.opens(nightCode) && !s.opens(cleanerCode), "slot 4 has not its last code"); err != nil {
		return err
	}
	if err := s.say("plugged in again, keyed in as one, digits not verified: %s is %s%s", s.spot(4), u.Label, s.where(u)); err != nil {
		return err
	}
	if err := s.keyed(ctx, s.waiting[s.place(6)], panel.Edit{Place: s.place(6), Do: panel.Remove}, neighbour); err != nil {
		return err
	}
	return s.changedHands()
}

// keysNoLabel leaves a label out that was wished for.
func (s *story) keysNoLabel(ctx context.Context) error {
	r, err := s.wishesByHand(ctx, 7, "Guest", 0)
	if err != nil {
		return err
	}
	e, err := s.byGuide(panel.Create, 7, guestCode, "", 0)
	if err != nil {
		return err
	}
	e.Set = panel.FieldCode
	if err := s.atKeypad(ctx, e); err != nil {
		return err
	}
	var d roster.Details
	err = until(ctx, "was the code seen", func() (bool, error) {
		d, err = s.tab.Details(ctx, s.place(7))
		return d.Code == roster.Check, err
	})
	if err != nil {
		return err
	}
	p, err := s.tab.Receipt(ctx, r)
	if err != nil {
		return err
	}
	label := d.Field(panel.FieldLabel)
	if err := see(p.Fate == roster.Pending && label.State == roster.FieldPending && s.opens(guestCode), "the label is %s", label.State); err != nil {
		return err
	}
	return s.say("%s settled apart: its code is there, its label was not keyed in, which leaves %q shown and %q pending", s.spot(7), label.Reported, label.Wanted)
}
