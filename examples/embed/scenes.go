package main

import (
	"context"
	"errors"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// The codes of the story. They are in no table of codes that people like too much.
const (
	cleanerCode   = "6137"
	gardenerCode  = "7283"
	passingCode   = "8604"
	nightCode     = "9052"
	neighbourCode = "5918"
	guestCode     = "3706"
)

func slot(n int) panel.Place { return panel.Place{Slot: n} }

// user is what the panel itself holds in a slot.
func (s *story) user(n int) (paneltest.User, bool) {
	for _, u := range s.panel.Users() {
		if u.Slot == n {
			return u, true
		}
	}
	return paneltest.User{}, false
}

// set asks for a code.
func (s *story) set(ctx context.Context, n int, code string, w roster.CodeWish) (roster.Receipt, error) {
	var err error
	if w.Code, err = panel.ParseCode(code); err != nil {
		return roster.Receipt{}, err
	}
	return s.tab.SetCode(ctx, slot(n), w)
}

// settles waits until a wish has ended.
func (s *story) settles(ctx context.Context, r roster.Receipt, want roster.Fate) (roster.Progress, error) {
	p, err := s.tab.Wait(ctx, r)
	if err != nil {
		return p, err
	}
	return p, see(p.Fate == want, "%v ended as %s: %s", r.Place, p.Fate, p.Reason)
}

func (s *story) connects(ctx context.Context) error {
	err := until(ctx, "was the panel read", func() (bool, error) {
		p, err := s.tab.Info(ctx)
		return !p.Baseline.IsZero() && p.Line.Here, err
	})
	if err != nil {
		return err
	}
	p, err := s.tab.Info(ctx)
	if err != nil {
		return err
	}
	return s.say("panel connected (%s, Type 2): %d slots, %d partitions, and a Master", p.Model.Name, p.Model.Slots.Len(), p.Model.Partitions)
}

func (s *story) setsACode(ctx context.Context) error {
	r, err := s.set(ctx, 4, cleanerCode, roster.CodeWish{Label: "Cleaner", Partitions: panel.PartitionsOf(1, 3)})
	if err != nil {
		return err
	}
	if _, err := s.settles(ctx, r, roster.Settled); err != nil {
		return err
	}
	u, _ := s.user(4)
	if err := see(s.panel.Accepts(cleanerCode), "the panel does not open"); err != nil {
		return err
	}
	return s.say("code set on slot 4: the panel opens for %s in partitions %s", u.Label, u.Partitions)
}

// refused expects one refusal, and shows it as an operator sees it.
func refused(err error, want error) (string, error) {
	if !errors.Is(err, want) {
		return "", see(false, "%v instead of a refusal: %v", err, want)
	}
	return err.Error(), nil
}

func (s *story) refusesTheSameCode(ctx context.Context) error {
	_, err := s.set(ctx, 5, cleanerCode, roster.CodeWish{Label: "Guest"})
	text, err := refused(err, credentials.ErrNotAvailable)
	if err != nil {
		return err
	}
	return s.say("the same code refused on slot 5: %s", text)
}

func (s *story) refusesALabelFirst(ctx context.Context) error {
	_, err := s.tab.SetLabel(ctx, slot(5), "Guest")
	text, rest := refused(err, panel.ErrCodeNotSet)
	if rest != nil {
		return rest
	}
	return s.say("a label before a code refused on slot 5: %s. %s", text, fault.Hint(err))
}

func (s *story) keepsTheMaster(ctx context.Context) error {
	_, err := s.tab.Disable(ctx, slot(1))
	text, err := refused(err, panel.ErrMasterDisable)
	if err != nil {
		return err
	}
	return s.say("disabling the Master refused: %s", text)
}

// atKeypad lets somebody at the wall change the panel, as soon as nobody else does.
func (s *story) atKeypad(ctx context.Context, e panel.Edit) error {
	return until(ctx, "was the keypad free", func() (bool, error) {
		err := s.panel.Keypad(e)
		if errors.Is(err, panel.ErrBusy) {
			return false, nil
		}
		return err == nil, err
	})
}

// gardener gives slot 6 to a supervisor, who enrols a tag at the keypad.
func (s *story) gardener(ctx context.Context) error {
	r, err := s.set(ctx, 6, gardenerCode, roster.CodeWish{Label: "Gardener", Role: panel.Supervisor})
	if err != nil {
		return err
	}
	if _, err := s.settles(ctx, r, roster.Settled); err != nil {
		return err
	}
	tag, err := credentials.ParseTag("0A1B2C3D", 32)
	if err != nil {
		return err
	}
	enrol := panel.Edit{Place: slot(6), Set: panel.FieldLegacyTags, Values: panel.Values{LegacyTags: []panel.Tag{tag}}}
	if err := s.atKeypad(ctx, enrol); err != nil {
		return err
	}
	return until(ctx, "was the tag seen", func() (bool, error) {
		d, err := s.tab.Details(ctx, slot(6))
		return d.Field(panel.FieldLegacyTags).Reported == "1", err
	})
}

func (s *story) isUnplugged(ctx context.Context) error {
	if err := s.gardener(ctx); err != nil {
		return err
	}
	s.panel.Fault(paneltest.Fault{Do: paneltest.Away})
	err := until(ctx, "was the panel missed", func() (bool, error) {
		p, err := s.tab.Info(ctx)
		return !p.Line.Here, err
	})
	if err != nil {
		return err
	}
	edits := []func() (roster.Receipt, error){
		func() (roster.Receipt, error) { return s.tab.SetLabel(ctx, slot(4), "Cleaning") },
		func() (roster.Receipt, error) { return s.tab.SetLabel(ctx, slot(4), "Cleaners") },
		func() (roster.Receipt, error) { return s.set(ctx, 4, passingCode, roster.CodeWish{}) },
		func() (roster.Receipt, error) { return s.tab.SetPartitions(ctx, slot(4), panel.PartitionsOf(1, 2)) },
		func() (roster.Receipt, error) { return s.tab.SetLabel(ctx, slot(4), "Night shift") },
		func() (roster.Receipt, error) { return s.tab.Disable(ctx, slot(6)) },
		func() (roster.Receipt, error) { return s.set(ctx, 6, neighbourCode, roster.CodeWish{Role: panel.User}) },
		func() (roster.Receipt, error) { return s.tab.SetLabel(ctx, slot(6), "Neighbour") },
		func() (roster.Receipt, error) { return s.set(ctx, 4, nightCode, roster.CodeWish{}) },
		func() (roster.Receipt, error) { return s.tab.SetPartitions(ctx, slot(4), panel.PartitionsOf(2, 3)) },
	}
	for _, edit := range edits {
		r, err := edit()
		if err != nil {
			return err
		}
		s.waiting[r.Place] = r // the last wish for a slot stands for those before it
	}
	d, err := s.tab.Details(ctx, slot(4))
	if err != nil {
		return err
	}
	label := d.Field(panel.FieldLabel)
	return s.say("panel unplugged, %d edits made, slot 6 given to another person meanwhile; slot 4 still shows %q, with %q %s",
		len(edits), label.Reported, label.Wanted, label.State)
}

func (s *story) isPluggedInAgain(ctx context.Context) error {
	before := s.panel.Received(writeCodes)
	s.panel.Fault(paneltest.Fault{Do: paneltest.Back})
	for _, r := range s.waiting {
		if _, err := s.settles(ctx, r, roster.Settled); err != nil {
			return err
		}
	}
	codes := s.panel.Received(writeCodes) - before
	u, _ := s.user(4)
	err := errors.Join(
		see(codes == 3, "%d codes were written, not 3", codes),
		see(s.panel.Accepts(nightCode), "slot 4 has not its last code"),
		see(!s.panel.Accepts(cleanerCode) && !s.panel.Accepts(passingCode), "an old code of slot 4 opens"),
		see(u.Label == "Night shift" && u.Partitions == panel.PartitionsOf(2, 3), "slot 4 is %s in %s", u.Label, u.Partitions))
	if err != nil {
		return err
	}
	if err := s.say("plugged in again, settled as one: slot 4 is %s in partitions %s, its code was written once", u.Label, u.Partitions); err != nil {
		return err
	}
	u, _ = s.user(6)
	err = errors.Join(
		see(s.panel.Accepts(neighbourCode) && !s.panel.Accepts(gardenerCode), "slot 6 has the former holder's code"),
		see(u.Tags == 0 && s.panel.Attributes(6)&supervisor == 0, "slot 6 has the former holder's tag or attribute"))
	if err != nil {
		return err
	}
	return s.say("slot 6 is %s, %s, %d tags: the former holder's code, tag and supervisor attribute are gone", u.Label, u.Role, u.Tags)
}

// What the wire calls the command that writes a code, and the bit that makes a supervisor.
const (
	writeCodes = 0x0746
	supervisor = 0x01
)

func (s *story) losesACodeAtTheKeypad(ctx context.Context) error {
	if err := s.atKeypad(ctx, panel.Edit{Place: slot(4), Do: panel.Remove}); err != nil {
		return err
	}
	err := until(ctx, "was the removal noticed", func() (bool, error) {
		d, err := s.tab.Details(ctx, slot(4))
		return d.Explain == roster.ReasonCodeRemovedExternally, err
	})
	if err != nil {
		return err
	}
	// Something else is sent: whatever is wanted of slot 4 would go with it.
	before := s.panel.Received(writeCodes)
	r, err := s.tab.SetLabel(ctx, slot(6), "Neighbours")
	if err != nil {
		return err
	}
	if _, err := s.settles(ctx, r, roster.Settled); err != nil {
		return err
	}
	_, there := s.user(4)
	err = see(!there && !s.panel.Accepts(nightCode) && s.panel.Received(writeCodes) == before, "the code was written back")
	if err != nil {
		return err
	}
	return s.say("slot 4 removed at the keypad: noticed, and not written back")
}

func (s *story) refusesALabel(ctx context.Context) error {
	s.panel.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldLabel, Slot: 7})
	r, err := s.set(ctx, 7, guestCode, roster.CodeWish{Label: "Guest"})
	if err != nil {
		return err
	}
	p, err := s.settles(ctx, r, roster.Partly)
	if err != nil {
		return err
	}
	u, there := s.user(7)
	why, refused := p.Refused[panel.FieldLabel.String()]
	err = errors.Join(
		see(there && s.panel.Accepts(guestCode), "the code was not taken"),
		see(refused && len(p.Refused) == 1 && u.Label != "Guest", "%v was refused", p.Refused))
	if err != nil {
		return err
	}
	return s.say("slot 7 settled apart: its code is taken, its label refused by the panel (%s), which shows %q", why, u.Label)
}

func (s *story) provesIt(ctx context.Context) error {
	if _, err := s.log.Checkpoint(ctx); err != nil {
		return err
	}
	report, err := s.log.As(s.me).Verify(ctx)
	if err != nil {
		return err
	}
	if err := see(report.OK() && report.AnchoredSize > 0, "the log does not verify:\n%s", report); err != nil {
		return err
	}
	return s.say("action log: %d entries, verified; anchored: %s", report.Entries, s.anchor)
}
