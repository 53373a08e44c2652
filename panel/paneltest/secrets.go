package paneltest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// saw looks for codes and keys in what a value prints as.
func (k *rig) saw(what string, v any) {
	if v == nil {
		return
	}
	printed := []string{fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v)}
	if b, err := json.Marshal(v); err == nil {
		printed = append(printed, string(b))
	}
	for _, u := range k.Sim.Users() {
		k.hide(u.Code)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, secret := range k.secrets {
		for _, text := range printed {
			if tells(text, secret) {
				k.t.Errorf("%s tells a code or key: %s", what, strings.ReplaceAll(text, secret, "<here>"))
				return
			}
		}
	}
}

// hide makes a code one of the secrets.
func (k *rig) hide(code string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(k.secrets, code) {
		return
	}
	k.secrets = append(k.secrets, code)
}

// tells reports whether text holds secret as a word: digits inside longer numbers and
// addresses mean nothing.
func tells(text, secret string) bool {
	if len(secret) < 4 {
		return false
	}
	for rest := text; ; {
		i := strings.Index(rest, secret)
		if i < 0 {
			return false
		}
		end := i + len(secret)
		if (i == 0 || !wordy(rest[i-1])) && (end == len(rest) || !wordy(rest[end])) {
			return true
		}
		rest = rest[i+1:]
	}
}

func wordy(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
