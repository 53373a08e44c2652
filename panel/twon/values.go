package twon

import (
	"encoding/hex"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// values are an entry as a request has it: the fields that an edit still has to write,
// and for a new entry its owner. Lists are always written whole, so that it makes no
// difference whether the device takes them for the list or for its beginning.
func (s *session) values(j *job, fresh bool) map[string]any {
	out := map[string]any{"uuid": j.uuid}
	access := map[string]any{}
	if fresh {
		out["owner"] = s.opts.Owner
	}
	for f := range j.left().Each() {
		switch f {
		case panel.FieldLabel:
			out["name"] = j.edit.Label
		case panel.FieldCode:
			s.putCode(access, j, fresh)
		case panel.FieldLegacyTags:
			cards := make([]string, s.shape.cards)
			for i, t := range j.edit.LegacyTags {
				cards[i] = strings.ToUpper(hex.EncodeToString(t.Reveal()))
			}
			access["card"] = cards
		case panel.FieldFrom:
			access["validFrom"], _ = validFrom(j.edit.Window) // job has refused what has no form
		case panel.FieldUntil:
			access["validTo"], _ = validTo(j.edit.Window)
		}
	}
	if len(access) > 0 {
		out["access"] = access
	}
	return out
}

// putCode writes the PIN, or on a device without PINs the code of switch 1; the codes of
// other switches stay as they are.
func (s *session) putCode(access map[string]any, j *job, fresh bool) {
	digits := j.edit.Code.Reveal()
	if s.shape.pin {
		access["pin"] = digits
		return
	}
	codes := make([]string, s.shape.codes)
	if !fresh {
		copy(codes, j.found.Access.Codes)
	}
	codes[0] = digits
	access["code"] = codes
}
