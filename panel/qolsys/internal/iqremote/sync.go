package iqremote

import (
	"encoding/json"
	"slices"
	"strings"
)

// Snapshot is what a panel holds, as far as it concerns its users.
type Snapshot struct {
	Users  []User // in order of ID
	Digits int    // of every code: 4 or 6, 0 if the panel does not say
}

// Names of tables and of a setting.
const (
	tableUser     = "user"
	tableSettings = "qolsyssettings"
	sixDigits     = "SIX_DIGIT_USER_CODE"
)

// DecodeSync reads the answer to [Sync]. An answer without a user table, with an empty
// one (there is always a Master), or with a row whose number cannot be read is [ErrForm]:
// whoever is missing from a list counts as removed, so that a doubtful list is none.
func DecodeSync(b []byte) (Snapshot, error) {
	var raw struct {
		Tables []struct {
			URI  string          `json:"uri"`
			Rows json.RawMessage `json:"resultSet"`
		} `json:"fulldbdata"`
	}
	if err := unmarshal(b, &raw); err != nil {
		return Snapshot{}, err
	}
	var s Snapshot
	for _, t := range raw.Tables {
		switch tableOf(t.URI) {
		case tableUser:
			var rows []row
			if err := unmarshal(t.Rows, &rows); err != nil {
				return Snapshot{}, err
			}
			for _, r := range rows {
				u, err := r.user()
				if err != nil {
					return Snapshot{}, err
				}
				s.Users = append(s.Users, u)
			}
		case tableSettings:
			var rows []setting
			if err := unmarshal(t.Rows, &rows); err != nil {
				return Snapshot{}, err
			}
			s.Digits = digits(rows)
		}
	}
	slices.SortFunc(s.Users, func(a, b User) int { return a.ID - b.ID })
	twice := slices.CompactFunc(slices.Clone(s.Users), func(a, b User) bool { return a.ID == b.ID })
	if len(s.Users) == 0 || len(twice) != len(s.Users) {
		return Snapshot{}, ErrForm
	}
	return s, nil
}

// setting is a row of the settings. The values of other settings, the dealer code among
// them, go no further than this.
type setting struct {
	Name  text `json:"name"`
	Value text `json:"value"`
}

func digits(rows []setting) int {
	for _, r := range rows {
		if r.Name != sixDigits {
			continue
		}
		switch six, known := r.Value.truth(); {
		case !known:
			return 0
		case six:
			return 6
		}
		return 4
	}
	return 0
}

// tableOf is the table that a URI names: the part behind the provider, whose name is not
// regular.
func tableOf(uri string) string {
	path, ok := strings.CutPrefix(uri, "content://")
	if !ok {
		return ""
	}
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}
