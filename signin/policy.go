package signin

import (
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials/password"
)

// Policy is what products decide differently about signing in. Start from [PowerManage] or
// [GEM] and change what must differ.
type Policy struct {
	Password password.Policy
	Hash     password.Options

	PasswordAge   time.Duration // after which a password is old, see Session.PasswordOld; 0: never
	ForcePassword bool          // with an old password owners can do nothing but change it

	Life time.Duration // of a session, where the account does not say; 0: an hour
	Cap  time.Duration // of a session of an account that asks for none; 0: 30 days
	Idle time.Duration // without a request after which a session ends; 0: none

	CodeLife     time.Duration // of a challenge and the codes for it; 0: 10 minutes
	Letters      bool          // codes are letters and digits instead of digits
	AdminFactor  bool          // administrators need a second factor
	ProvenPhone  bool          // a phone number is a second factor only once its owner has proven it
	RemoteFactor bool          // who does not come from the local network needs a second factor

	Remember   time.Duration // of a device that its owner wants remembered; 0: not at all
	SkipFactor bool          // a remembered device is asked for no second factor

	StepUp    StepUp // for what a proven factor counts
	EndTokens bool   // what ends every session of a service account ends its API tokens too

	MaxSessions int  // of an account; 0: any number
	RefuseMore  bool // one more is refused; otherwise the oldest ends

	Quick QuickPolicy // signing in with a PIN; zero: nobody does

	Limits Limits // zero: DefaultLimits
}

// Limit is how many attempts there may be in a stretch of time. The stretches are those of
// the clock: an hour ends at the full hour.
type Limit struct {
	Max int64
	Per time.Duration
}

// Limits are how many attempts are looked at. Several limits of one kind hold together: few
// in a short time, somewhat more in a long one, so that who goes on waits longer. What
// succeeds is given back.
type Limits struct {
	Pair    []Limit // at one account from one source
	Account []Limit // at one account from everywhere, remembered devices aside
	Source  []Limit // from one source at all accounts
	Device  []Limit // from a remembered device of the account; none of the others count there
	Factor  []Limit // at the second factors of an account; only who has its password can use it up
	Asks    []Limit // requests for a new password from one source, and for one name
	Codes   []Limit // codes that are sent to the owner of an account
}

// DefaultLimits let through fewer than the 100 failures in a row that NIST SP 800-63B
// allows, from wherever they come.
func DefaultLimits() Limits {
	return Limits{
		Pair:    []Limit{{5, 15 * time.Minute}, {20, 24 * time.Hour}},
		Account: []Limit{{20, time.Hour}, {80, 24 * time.Hour}},
		Source:  []Limit{{50, time.Hour}, {200, 24 * time.Hour}},
		Device:  []Limit{{10, 15 * time.Minute}, {50, 24 * time.Hour}},
		Factor:  []Limit{{20, time.Hour}, {50, 24 * time.Hour}},
		Asks:    []Limit{{5, time.Hour}, {20, 24 * time.Hour}},
		Codes:   []Limit{{10, time.Hour}, {30, 24 * time.Hour}},
	}
}

// PowerManage is the policy under which PowerManage's documentation holds as written.
func PowerManage() Policy {
	return Policy{Password: password.PowerManage(), Life: 12 * time.Hour, Idle: 30 * time.Minute, Remember: 30 * 24 * time.Hour}
}

// GEM is the policy under which GEM's documentation holds as written.
func GEM() Policy {
	return Policy{Password: password.GEM(), Letters: true, Remember: 30 * 24 * time.Hour, StepUp: Bound}
}

// filled is the policy with what its zero values stand for.
func (p Policy) filled() Policy {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&p.Life, time.Hour)
	set(&p.Cap, 30*24*time.Hour)
	set(&p.CodeLife, 10*time.Minute)
	d := DefaultLimits()
	for of, to := range map[*[]Limit][]Limit{&p.Limits.Pair: d.Pair, &p.Limits.Account: d.Account, &p.Limits.Source: d.Source,
		&p.Limits.Device: d.Device, &p.Limits.Factor: d.Factor, &p.Limits.Asks: d.Asks, &p.Limits.Codes: d.Codes} {
		if len(*of) == 0 {
			*of = to
		}
	}
	return p
}
