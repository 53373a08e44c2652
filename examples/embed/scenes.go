package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

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

// place is where a user of the story lives: a slot, or an entry with an id of its own.
func (s *story) place(n int) panel.Place {
	if s.model.Slots.Len() > 0 {
		return panel.Place{Slot: n}
	}
	if s.ids[n] == (panel.Place{}) {
		s.ids[n] = panel.Place{ID: uuid.NewString()}
	}
	return s.ids[n]
}

// spot names it.
func (s *story) spot(n int) string {
	if s.model.Slots.Len() > 0 {
		return fmt.Sprintf("slot %d", n)
	}
	return fmt.Sprintf("entry %d", n)
}

// user is what the panel itself holds there.
func (s *story) user(n int) (paneltest.User, bool) { return s.at(s.place(n)) }

// set asks for a code.
func (s *story) set(ctx context.Context, n int, code string, w roster.CodeWish) (roster.Receipt, error) {
	var err error
	if w.Code, err = panel.ParseCode(code); err != nil {
		return roster.Receipt{}, err
	}
	return s.tab.SetCode(ctx, s.place(n), w)
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
		return !p.Baseline.IsZero() && (p.Line.Here || !p.Model.CallsIn), err
	})
	if err != nil {
		return err
	}
	p, err := s.tab.Info(ctx)
	if err != nil {
		return err
	}
	s.model = p.Model
	has := "entries with ids"
	if n := p.Model.Slots.Len(); n > 0 {
		has = fmt.Sprintf("%d slots", n)
	}
	if n := p.Model.Partitions; n > 0 {
		has += fmt.Sprintf(", %d partitions", n)
	}
	master := ", and no Master"
	if p.Model.MasterSlot > 0 {
		master = ", and a Master"
	}
	if err := s.say("panel connected (%s, %s): %s%s", p.Model.Name, s.over, has, master); err != nil {
		return err
	}
	return s.say("its route writes: %s; by hand: %s; shown only: %s; unproven: %s",
		p.Model.Writes()&^p.Model.Hands, p.Model.Hands, p.Model.Read&^(p.Model.Writes()|p.Model.Hands), p.Model.Experimental)
}

func (s *story) setsACode(ctx context.Context) error {
	if s.byHand() {
		return s.keysACode(ctx)
	}
	w := roster.CodeWish{Label: "Cleaner"}
	if s.model.Writes().Has(panel.FieldPartitions) {
		w.Partitions = panel.PartitionsOf(1, 3)
	}
	r, err := s.set(ctx, 4, cleanerCode, w)
	if err != nil {
		return err
	}
	if _, err := s.settles(ctx, r, roster.Settled); err != nil {
		return err
	}
	u, _ := s.user(4)
	if err := see(s.opens(cleanerCode), "the panel does not open"); err != nil {
		return err
	}
	return s.say("code set on %s: the panel opens for %s%s", s.spot(4), u.Label, s.where(u))
}

// where is where a code counts, if the panel has partitions.
func (s *story) where(u paneltest.User) string {
	if s.model.Partitions == 0 {
		return ""
	}
	return " in partitions " + u.Partitions.String()
}

// setsPartitions asks for partitions where the route does not write them.
func (s *story) setsPartitions(ctx context.Context) error {
	if s.byHand() || s.model.Writes().Has(panel.FieldPartitions) {
		return nil
	}
	want := panel.PartitionsOf(1, 2)
	r, err := s.tab.SetPartitions(ctx, s.place(4), want)
	if !s.model.Hands.Has(panel.FieldPartitions) {
		text, err := refused(err, panel.ErrPartitionsUnsupported)
		if err != nil {
			return err
		}
		return s.say("partitions for %s refused: %s", s.spot(4), text)
	}
	if err != nil {
		return err
	}
	e := panel.Edit{Place: s.place(4), Set: panel.FieldPartitions, Values: panel.Values{Partitions: want}}
	if err := s.atKeypad(ctx, e); err != nil {
		return err
	}
	if _, err := s.settles(ctx, r, roster.Settled); err != nil {
		return err
	}
	u, _ := s.user(4)
	return s.say("partitions of %s need hands: somebody at the keypad switches them, and they settle as %s", s.spot(4), u.Partitions)
}

// refused expects one refusal, and shows it as an operator sees it.
func refused(err error, want error) (string, error) {
	if !errors.Is(err, want) {
		return "", see(false, "%v instead of a refusal: %v", err, want)
	}
	return err.Error(), nil
}

func (s *story) refusesTheSameCode(ctx context.Context) error {
	if s.byHand() {
		return s.keysTheSameCode()
	}
	_, err := s.set(ctx, 5, cleanerCode, roster.CodeWish{Label: "Guest"})
	text, err := refused(err, credentials.ErrNotAvailable)
	if err != nil {
		return err
	}
	return s.say("the same code refused on %s: %s", s.spot(5), text)
}

func (s *story) refusesALabelFirst(ctx context.Context) error {
	_, err := s.tab.SetLabel(ctx, s.place(5), "Guest")
	text, rest := refused(err, panel.ErrCodeNotSet)
	if rest != nil {
		return rest
	}
	return s.say("a label before a code refused on %s: %s. %s", s.spot(5), text, fault.Hint(err))
}

// mastersOnly reports whether every user of the panel is a Master.
func (s *story) mastersOnly() bool { return len(s.model.Roles) == 1 && s.model.Allows(panel.Master) }

func (s *story) keepsTheMaster(ctx context.Context) error {
	place, what := s.place(1), "the Master"
	switch {
	case s.mastersOnly():
		place, what = s.place(4), s.spot(4)+", a Master as everybody here,"
	case s.model.MasterSlot == 0:
		return s.say("there is no Master whom nobody may disable")
	}
	_, err := s.tab.Disable(ctx, place)
	text, err := refused(err, panel.ErrMasterDisable)
	if err != nil {
		return err
	}
	return s.say("disabling %s refused: %s", what, text)
}

// atKeypad lets somebody at the wall change the panel, as soon as nobody else does.
func (s *story) atKeypad(ctx context.Context, e panel.Edit) error {
	return until(ctx, "was the keypad free", func() (bool, error) {
		err := s.Keypad(e)
		if errors.Is(err, panel.ErrBusy) {
			return false, nil
		}
		return err == nil, err
	})
}

func (s *story) losesACodeAtTheKeypad(ctx context.Context) error {
	if err := s.atKeypad(ctx, panel.Edit{Place: s.place(4), Do: panel.Remove}); err != nil {
		return err
	}
	err := until(ctx, "was the removal noticed", func() (bool, error) {
		d, err := s.tab.Details(ctx, s.place(4))
		return d.Explain == roster.ReasonCodeRemovedExternally, err
	})
	if err != nil {
		return err
	}
	// Something else is settled: whatever is wanted of slot 4 would go with it.
	r, err := s.tab.SetLabel(ctx, s.place(6), "Neighbours")
	if err != nil {
		return err
	}
	if s.byHand() {
		e := panel.Edit{Place: s.place(6), Set: panel.FieldLabel, Values: panel.Values{Label: "Neighbours"}}
		if err := s.atKeypad(ctx, e); err != nil {
			return err
		}
	}
	if _, err := s.settles(ctx, r, roster.Settled); err != nil {
		return err
	}
	_, there := s.user(4)
	if err := see(!there && !s.opens(nightCode), "the code was written back"); err != nil {
		return err
	}
	return s.say("%s removed at the keypad: noticed, and not written back", s.spot(4))
}

func (s *story) refusesALabel(ctx context.Context) error {
	if s.byHand() {
		return s.keysNoLabel(ctx)
	}
	s.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldLabel, Slot: s.place(7).Slot})
	r, err := s.set(ctx, 7, guestCode, roster.CodeWish{Label: "Guest"})
	if err != nil {
		return err
	}
	if s.whole {
		return s.refusesAll(ctx, r)
	}
	p, err := s.settles(ctx, r, roster.Partly)
	if err != nil {
		return err
	}
	u, there := s.user(7)
	why, refused := p.Refused[panel.FieldLabel.String()]
	err = errors.Join(
		see(there && s.opens(guestCode), "the code was not taken"),
		see(refused && len(p.Refused) == 1 && u.Label != "Guest", "%v was refused", p.Refused))
	if err != nil {
		return err
	}
	return s.say("%s settled apart: its code is taken, its label refused by the panel (%s), which shows %q", s.spot(7), why, u.Label)
}

// refusesAll is a refused label on a device that takes a user with every field or not at
// all: the code is set without it.
func (s *story) refusesAll(ctx context.Context, r roster.Receipt) error {
	p, err := s.settles(ctx, r, roster.Refused)
	if err != nil {
		return err
	}
	if _, there := s.user(7); there {
		return see(false, "half of the entry was taken")
	}
	if r, err = s.set(ctx, 7, guestCode, roster.CodeWish{}); err != nil {
		return err
	}
	if _, err := s.settles(ctx, r, roster.Settled); err != nil {
		return err
	}
	u, there := s.user(7)
	if err := see(there && s.opens(guestCode) && u.Label == "", "the code was not taken alone"); err != nil {
		return err
	}
	return s.say("%s: its label refused, and with it the whole entry (%s); its code alone is taken", s.spot(7), p.Reason)
}
