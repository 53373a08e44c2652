package signin

import (
	"crypto/rand"
	"crypto/subtle"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// quickLife is how long a device has to sign a challenge.
const quickLife = 2 * time.Minute

// quickScope keeps the marks of challenges apart from all other fingerprints.
const quickScope credentials.ScopeKind = "quick"

// quickText is what a challenge's text begins with.
const quickText = "khq"

// QuickChallenge makes the text that an enrolled device signs for [Service.QuickSignIn],
// within two minutes and once. It says nothing about whether there is such a device, and
// nothing is stored. Errors: [ErrQuickOff], [ErrNotEnrolled] for what cannot be a device's
// id.
func (s *Service) QuickChallenge(device string) (string, error) {
	switch {
	case s.p.Quick.Life <= 0:
		return "", ErrQuickOff
	case !isID(device):
		return "", ErrNotEnrolled
	}
	text := strings.Join([]string{quickText, device, strconv.FormatInt(s.core.Time().Add(quickLife).Unix(), 10), rand.Text()}, "_")
	mark, err := s.quickMark(s.core.Keys.Epoch().Prints[0], text)
	return text + "_" + mark, err
}

// quickChallenge is a challenge that this service has made.
type quickChallenge struct {
	device string
	nonce  string
	ends   time.Time
}

// quickChallengeOf reads a challenge. One that was not made here, or is over, is
// [ErrChallenge].
func (s *Service) quickChallengeOf(text string) (quickChallenge, error) {
	parts := strings.SplitN(text, "_", 5) // a mark may hold the separator
	if len(parts) != 5 || len(text) > 2*maxToken || !isID(parts[1]) {
		return quickChallenge{}, ErrChallenge
	}
	made := false
	for _, key := range s.core.Keys.Epoch().Prints {
		mark, err := s.quickMark(key, strings.Join(parts[:4], "_"))
		if err != nil {
			return quickChallenge{}, err
		}
		made = subtle.ConstantTimeCompare([]byte(mark), []byte(parts[4])) == 1 || made
	}
	seconds, err := strconv.ParseInt(parts[2], 10, 64)
	c := quickChallenge{device: parts[1], nonce: parts[3], ends: time.Unix(seconds, 0)}
	if !made || err != nil || !s.core.Time().Before(c.ends) {
		return c, ErrChallenge
	}
	return c, nil
}

func (s *Service) quickMark(key, text string) (string, error) {
	f, err := s.core.Keys.Print(key, credentials.Scope{Kind: quickScope}, credentials.MarkMaterial([]byte(text)))
	return f.String(), err
}

// isID reports whether a text has the form of an id that keyholder makes.
func isID(text string) bool {
	return len(text) == 36 && strings.Trim(text, "0123456789abcdef-") == ""
}
