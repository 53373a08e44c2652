package password

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of a password that is not good enough. [Policy.Check] joins all that apply.
var (
	// ErrTooShort: fewer characters than the policy asks for.
	ErrTooShort = fault.New(fault.Invalid, "password: too short").
			Hinted("Use a longer password: several words that do not belong together are easy to remember.")
	// ErrComposition: a kind of character is missing that the policy asks for.
	ErrComposition = fault.New(fault.Invalid, "password: a kind of character is missing").
			Hinted("Use upper-case and lower-case letters, digits and other signs.")
	// ErrCommon: one of the passwords that guessers try first.
	ErrCommon = fault.New(fault.Invalid, "password: too common").
			Hinted("Use a password that nobody else would think of. Adding digits to a common one does not help.")
	// ErrSimilar: too much like a name or address of its owner.
	ErrSimilar = fault.New(fault.Invalid, "password: too much like your name or address").
			Hinted("Leave names, addresses and user names out of the password.")
	// ErrBreached: it is in a list of passwords that were stolen elsewhere.
	ErrBreached = fault.New(fault.Invalid, "password: known from a breach").
			Hinted("Choose another one, and change it wherever else you use it.")
	// ErrBreachList: whether it is in such a list cannot be found out now.
	ErrBreachList = fault.New(fault.Unavailable, "password: the list of breached passwords is out of reach").
			Hinted("Try again in a moment.")
)

// Policy is what a password has to be. Start from [PowerManage], [GEM] or [Strict].
type Policy struct {
	Least      int  // characters; 0: 8
	LeastAlone int  // the same where a password is the only factor; 0: Least
	Mixed      bool // an upper-case and a lower-case letter, a digit and another sign
	Common     bool // not one of those that are guessed first
	Dissimilar bool // not like the owner's names
	// Breaches, if not nil, is asked about every password that is otherwise good.
	Breaches Breaches
	// FailClosed refuses a password that Breaches cannot be asked about, with
	// [ErrBreachList]; otherwise it is taken.
	FailClosed bool
}

// Breaches is a list of passwords that were stolen elsewhere, such as the range service of
// "Have I Been Pwned" or a copy of its files.
type Breaches interface {
	// Range returns the rest, 35 upper-case hexadecimal digits each, of the SHA-1 of every
	// listed password whose SHA-1 begins with prefix, 5 such digits. Nothing else of the
	// password is given away.
	Range(ctx context.Context, prefix string) ([]string, error)
}

// least is how many characters a password has if a policy does not say.
const least = 8

// PowerManage asks for 8 characters of four kinds, as PowerManage's documentation does,
// and against what it leaves open.
func PowerManage() Policy {
	return Policy{Least: least, Mixed: true, Common: true, Dissimilar: true}
}

// GEM asks for 8 characters and no more, as GEM's documentation does: mixed ones are
// recommended there, see [Policy.Advise].
func GEM() Policy { return Policy{Least: least} }

// Strict follows NIST SP 800-63B-4 and OWASP ASVS 5.0: 15 characters, 8 where there is a
// second factor, none of them prescribed, but nothing that is guessed first.
func Strict() Policy {
	return Policy{Least: least, LeastAlone: 15, Common: true, Dissimilar: true}
}

// Owner is what is known of the person whose password it is to be.
type Owner struct {
	Names        []string // names, username, address: what the password must not be like
	SecondFactor bool     // a second factor is always asked for
}

// Check reports everything that is wrong with a password, joined; nil if it is good.
func (p Policy) Check(ctx context.Context, w Password, o Owner) error {
	var errs []error
	atLeast := max(p.Least, 1)
	if p.Least == 0 {
		atLeast = least
	}
	if !o.SecondFactor {
		atLeast = max(atLeast, p.LeastAlone)
	}
	if w.Len() < atLeast {
		errs = append(errs, fmt.Errorf("%w: at least %d characters", ErrTooShort, atLeast))
	}
	if p.Mixed && !mixed(w.text.Open()) {
		errs = append(errs, ErrComposition)
	}
	if p.Common && common(w.text.Open()) {
		errs = append(errs, ErrCommon)
	}
	if p.Dissimilar && similar(w.text.Open(), o.Names) {
		errs = append(errs, ErrSimilar)
	}
	if len(errs) == 0 && p.Breaches != nil {
		errs = append(errs, p.breached(ctx, w))
	}
	return errors.Join(errs...)
}

// Advise reports what is recommended and missing: a password may be used all the same.
func (p Policy) Advise(ctx context.Context, w Password, o Owner) error {
	p.Mixed, p.Common, p.Dissimilar, p.Breaches = true, true, true, nil
	return p.Check(ctx, w, o)
}

func mixed(text string) bool {
	other := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for _, kind := range []func(rune) bool{unicode.IsUpper, unicode.IsLower, unicode.IsDigit, other} {
		if strings.IndexFunc(text, kind) < 0 {
			return false
		}
	}
	return true
}
