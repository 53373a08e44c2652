package paneltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// checkModel reports everything in a model that contradicts itself.
func checkModel(m panel.Model) error {
	var errs []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("model: "+format, args...))
		}
	}
	writes := m.Writes()
	known := writes | m.Read | m.Hands

	must(m.Kind != "" && m.Vendor != "" && m.Name != "", "Kind, Vendor and Name are required")
	must(m.Evidence != "", "Evidence says what proves the model, or that nothing does")
	must(panel.AllFields.Has(known|m.Experimental), "there are fields that package panel does not know")
	must(m.Create == 0 || m.Create.Has(m.Change), "Change has %s, which Create lacks: what can be changed can be given at once", m.Change&^m.Create)
	must(m.Create == 0 || m.Create&(panel.FieldCode|tags) != 0, "Create has no credential, and without one there is no user")
	must(m.Hands&writes == 0, "%s is in Hands and can be written", m.Hands&writes)
	must(m.Hands.Has(m.HandsOnce), "%s is in HandsOnce and not in Hands", m.HandsOnce&^m.Hands)
	must(!m.HandsOnce.Has(panel.FieldCode), "the code is in HandsOnce: it can be changed wherever it can be set")
	must(writes.Has(m.Experimental), "%s is Experimental and cannot be written", m.Experimental&^writes)

	if m.Slots.Len() == 0 {
		must(m.Slots == panel.Slots{}, "Slots %d to %d are none", m.Slots.First, m.Slots.Last)
		must(m.MasterSlot == 0 && m.Secret == 0 && len(m.Reserved) == 0, "MasterSlot, Secret or Reserved name slots where there are none")
	} else {
		inside := func(slot int) bool { return m.Slots.First <= slot && slot <= m.Slots.Last }
		must(m.Slots.First >= 1, "Slots begin at %d", m.Slots.First)
		must(m.MasterSlot == 0 || inside(m.MasterSlot), "MasterSlot %d is no slot", m.MasterSlot)
		must(m.Secret == 0 || inside(m.Secret), "Secret %d is no slot", m.Secret)
		for _, slot := range m.Reserved {
			must(inside(slot) && slot != m.MasterSlot, "Reserved slot %d is no slot, or the Master's", slot)
		}
	}

	must(len(m.Roles) > 0, "there are no Roles")
	for i, r := range m.Roles {
		must(r != "" && !slices.Contains(m.Roles[:i], r), "role %q is empty or there twice", r)
	}
	must(m.DefaultRole == "" || m.Allows(m.DefaultRole), "DefaultRole %q is none of Roles", m.DefaultRole)
	must(0 <= m.Partitions && m.Partitions <= 64, "%d Partitions", m.Partitions)
	must((writes|m.Read)&panel.FieldPartitions == 0 || m.Partitions > 0, "there are no Partitions to write or read")

	must(known&panel.FieldCode == 0 || len(m.Code.Lens) > 0, "there are no Code.Lens")
	must(slices.IsSorted(m.Code.Lens) && len(slices.Compact(slices.Clone(m.Code.Lens))) == len(m.Code.Lens), "Code.Lens do not rise")
	for _, n := range m.Code.Lens {
		must(1 <= n && n <= 16, "no code has %d digits", n)
	}
	for _, code := range slices.Concat(m.Code.Never, m.Code.Defaults) {
		_, err := credentials.ParseCode(code)
		must(err == nil, "one of Code.Never and Code.Defaults is no code")
	}
	must(m.Code.Near >= 0, "Code.Near is negative")

	must((m.Label.Max > 0) == (known&panel.FieldLabel != 0), "Label.Max is %d, and the label is in none or some of Create, Change, Read, Hands", m.Label.Max)
	must(m.Label.Charset == "" || m.Label.Charset == "ascii", "Label.Charset %q is unknown", m.Label.Charset)
	if m.Label.Default != "" {
		text := fmt.Sprintf(m.Label.Default, m.Slots.Last)
		must(!regexp.MustCompile(`%!`).MatchString(text), "Label.Default needs exactly one %%d")
		must(len([]rune(text)) <= m.Label.Max, "Label.Default is longer than Label.Max")
	}

	must(m.Sight <= panel.Value, "Sight %d is unknown", m.Sight)
	must(m.Duress <= panel.DuressByEvent, "Duress %d is unknown", m.Duress)
	must(!m.Codeless || m.Create&(panel.FieldLegacyTags|panel.FieldLockTags) != 0, "Codeless, and Create has no tags")
	must(m.DoorRole == "" || m.Allows(m.DoorRole) && m.Writes().Has(panel.FieldRole), "DoorRole %q is none that can be given", m.DoorRole)
	must(m.Hold >= 0 && m.Linger >= 0 && m.Lag >= 0, "Hold, Linger or Lag is negative")
	for _, g := range m.Guides {
		must(g.Set != 0 && m.Hands.Has(g.Set), "a guide sets %s, which is not in Hands", g.Set&^m.Hands)
		must(g.Language != "" && g.Evidence != "" && len(g.Steps) > 0, "a guide lacks Language, Evidence or Steps")
		for _, step := range g.Steps {
			must(!regexp.MustCompile(`\d{4}`).MatchString(step), "a step of a guide holds a code")
		}
	}

	raw, err := json.Marshal(m)
	var back panel.Model
	if err == nil {
		err = json.Unmarshal(raw, &back)
	}
	must(err == nil && reflect.DeepEqual(m, back), "does not survive JSON: %v", err)
	return errors.Join(errs...)
}

// checkNarrower reports where a session's model promises more than its driver's.
func checkNarrower(wide, m panel.Model) error {
	var errs []error
	must := func(ok bool, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: %s is wider than the driver's", panel.ErrDriver, what))
		}
	}
	must(wide.Kind == m.Kind, "Kind")
	must(wide.Create.Has(m.Create), "Create")
	must(wide.Change.Has(m.Change), "Change")
	must(wide.Read.Has(m.Read), "Read")
	must(m.Sight <= wide.Sight, "Sight")
	must(wide.Codeless || !m.Codeless, "Codeless")
	must((wide.Slots.Len() == 0) == (m.Slots.Len() == 0), "the kind of place")
	must(m.Slots.First >= wide.Slots.First && m.Slots.Last <= wide.Slots.Last, "Slots")
	must(m.Partitions <= wide.Partitions, "Partitions")
	must(m.Label.Max <= wide.Label.Max, "Label.Max")
	must(m.Hold <= wide.Hold, "Hold")
	for _, r := range m.Roles {
		must(wide.Allows(r), "Roles")
	}
	for _, n := range m.Code.Lens {
		must(slices.Contains(wide.Code.Lens, n), "Code.Lens")
	}
	return errors.Join(errs...)
}

// checkReport reports what a report may not say under a model.
func checkReport(m panel.Model, r panel.Report, disclose bool) error {
	var errs []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: report of %s: "+format, append([]any{panel.ErrDriver, r.Place}, args...)...))
		}
	}
	must((r.Slot != 0) != (r.ID != ""), "exactly one of Slot and ID is set")
	if m.Slots.Len() > 0 {
		must(r.Slot >= m.Slots.First && r.Slot <= m.Slots.Last, "the model has no such slot")
	}
	must(r.Sight <= m.Sight, "sees more of the code than Model.Sight")
	must(r.Sight == panel.Marked || len(r.Mark) == 0, "has a Mark without Sight Marked")
	must(r.Sight != panel.Marked || !r.Exists || len(r.Mark) > 0, "has Sight Marked without a Mark")
	must(m.Read.Has(r.Known), "knows %s, which is not in Model.Read", r.Known&^m.Read)
	must(r.Code.IsZero() == !r.Known.Has(panel.FieldCode), "has a code that is not Known, or the other way round")
	must(disclose && r.Sight == panel.Value || r.Code.IsZero(), "discloses the code")
	must(m.Change.Has(r.Editable), "%s is Editable and not in Model.Change", r.Editable&^m.Change)
	must(r.Exists || r.Editable == 0, "a user who does not exist is editable")
	must(r.Known&panel.FieldPartitions == 0 || r.Partitions.Within(m.AllPartitions()), "has partitions %s of %d", r.Partitions, m.Partitions)
	must(!r.Exists || r.Known&panel.FieldRole == 0 || m.Allows(r.Role), "has the role %q, which is none of Model.Roles", r.Role)
	return errors.Join(errs...)
}
