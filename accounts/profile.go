package accounts

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Channel is a way to a person.
type Channel string

// The channels.
const (
	EmailChannel Channel = "email"
	SMSChannel   Channel = "sms"
	PushChannel  Channel = "push" // web push
)

// Profile is a notification profile: by which channels and when the accounts that have it
// are notified. It concerns what a host notifies about; codes that a person asked for are
// always sent.
type Profile struct {
	Email   bool   `json:"email,omitempty"`
	Enabled bool   `json:"enabled,omitempty"` // else nothing is sent
	Label   string `json:"label,omitempty"`
	Name    string `json:"name"` // its id, see [ProfileName]; it never changes
	Push    bool   `json:"push,omitempty"`
	SMS     bool   `json:"sms,omitempty"`
	// When are the active days and hours in their time zone; what skipped and repeated
	// hours mean is said at [credentials.Schedule]. Without spans, days and periods it is
	// always.
	When credentials.Schedule `json:"when"`
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// ProfileName makes a profile's name of what somebody typed: lower-case letters, digits and
// underscores, at most 64; "" if nothing is left.
func ProfileName(typed string) string {
	s := strings.Trim(notInName.ReplaceAllString(strings.ToLower(typed), "_"), "_")
	return strings.TrimRight(s[:min(len(s), 64)], "_")
}

// Check reports [ErrProfile] for a name that is none, and [credentials.ErrSchedule] for
// hours that cannot be understood.
func (p Profile) Check() error {
	if !usernameForm.MatchString(p.Name) {
		return fmt.Errorf("%w: the name", ErrProfile)
	}
	_, err := p.When.Compile()
	return err
}

// has reports whether a channel is switched on.
func (p Profile) has(c Channel) bool {
	return c == EmailChannel && p.Email || c == SMSChannel && p.SMS || c == PushChannel && p.Push
}

// always reports whether there is no restriction in time.
func (p Profile) always() bool {
	return len(p.When.Week) == 0 && len(p.When.Days) == 0 && len(p.When.Periods) == 0
}

// Notify is whether a person may be notified now.
type Notify struct {
	Now bool
	// Cause is why not: one of [Account.Access], [ErrNoProfile], [ErrProfileDisabled],
	// [ErrChannelOff], [ErrNoEmail], [ErrNoPhone] or [ErrOutsideHours]; nil if Now.
	Cause error
	// Next is when the profile opens again, for [ErrOutsideHours]; zero if it never does.
	Next time.Time
}

// Notify decides whether the account may be notified by a channel at now, p being its
// profile, nil for none. The registration that a push needs is for the sender to find.
// Errors: [credentials.ErrSchedule] for stored hours that cannot be understood.
func (a *Account) Notify(p *Profile, c Channel, now time.Time) (Notify, error) {
	n := closed(a.mute(p, c, now))
	if !n.Now || p.always() {
		return n, nil
	}
	when, err := p.When.Compile()
	if err != nil {
		return Notify{}, err
	}
	if !when.Open(now) {
		n = closed(ErrOutsideHours)
		n.Next = when.Next(now)
	}
	return n, nil
}

// closed is the decision that follows from a cause, which may be none.
func closed(cause error) Notify { return Notify{Now: cause == nil, Cause: cause} }

// mute is why a channel is closed whatever the hour; nil if it is not.
func (a *Account) mute(p *Profile, c Channel, now time.Time) error {
	if err := a.Access(now); err != nil {
		return err
	}
	switch {
	case p == nil:
		return ErrNoProfile
	case !p.Enabled:
		return ErrProfileDisabled
	case !p.has(c):
		return ErrChannelOff
	case c == EmailChannel && a.Email.IsZero():
		return ErrNoEmail
	case c == SMSChannel && a.Phone == "":
		return ErrNoPhone
	}
	return nil
}
