package flow

import (
	"fmt"
	"slices"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Bounds of tags, because a change holds only so many names.
const (
	MaxTags        = 8 // that a person has; with those on their way off, twice as many
	MaxCardFormats = 8 // that a service is told
)

// CheckFormats refuses layouts by which no card can be laid out, and too many.
func CheckFormats(formats []credentials.CardFormat) error {
	if len(formats) > MaxCardFormats {
		return fmt.Errorf("%w: more than %d formats", credentials.ErrCardForm, MaxCardFormats)
	}
	for _, f := range formats {
		if _, err := f.Make(0, 0); err != nil {
			return err
		}
	}
	return nil
}

// RoomForTag reports whether the person can be given one more tag.
func (h *Holding) RoomForTag() bool {
	given := 0
	for _, t := range h.Tags {
		if t.Given() { // else it is on its way off
			given++
		}
	}
	return given < MaxTags && len(h.Tags) < 2*MaxTags
}

// AddTag gives the person a tag, with the numbers that those of the formats read on it that
// fit, and returns its id. Errors: [credentials.ErrCodeTaken] for what the person has
// already. What others have is found out by the commit.
func (h *Holding) AddTag(tag credentials.Tag, label string, formats []credentials.CardFormat) (uint64, error) {
	keys := h.core.Keys
	formats = slices.DeleteFunc(slices.Clone(formats), func(f credentials.CardFormat) bool {
		_, err := f.Read(tag)
		return err != nil
	})
	claim, err := credentials.ClaimTag(keys, Tenant(), tag, formats...)
	if err != nil {
		return 0, err
	}
	meets := func(c Held) bool { return claim.Meets(credentials.Claim{Hold: c.Names, Reserve: c.Reserves}) }
	if meets(h.PIN) || meets(h.Duress) || h.HasTag(claim) {
		if err := h.Unavailable(credentials.ErrCodeTaken); err != nil {
			return 0, err
		}
	}
	h.Owner.Codes++
	id := h.Owner.Codes
	c, err := h.Held(rec.TagNumber, id)
	if err != nil {
		return 0, err
	}
	c.Names, c.Formats, c.Generation, c.Len, c.Label, c.StateSince = claim.Hold, formats, id, tag.Bits(), label, h.now
	c.Sealed, err = credentials.SealTag(keys, rec.CredentialBinding(h.Account, rec.TagNumber, id), tag)
	h.Owner.Tags, h.Tags = append(slices.Clone(h.Owner.Tags), id), append(h.Tags, c)
	return id, err
}
