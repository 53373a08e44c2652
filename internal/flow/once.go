package flow

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// Errors of one-time secrets. They are for the log and for those who may know; an
// outsider gets one answer for all of them.
var (
	// ErrNoSecret: there is none: never sent, used, or a newer one took its place.
	ErrNoSecret = fault.New(fault.Precondition, "flow: no one-time secret is open").
			Hinted("Have a new code sent.")
	// ErrSecretExpired: it was not used in time.
	ErrSecretExpired = fault.New(fault.Precondition, "flow: the one-time secret has expired").
				Hinted("Have a new code sent.")
	// ErrSecretWrong: it is another one.
	ErrSecretWrong = fault.New(fault.Precondition, "flow: wrong one-time secret").
			Hinted("Use the code of the newest message.")
)

// Purpose is what a one-time secret is good for.
type Purpose string

// The purposes.
const (
	Setup  Purpose = "setup"  // confirms an account
	Reset  Purpose = "reset"  // sets a new password
	Second Purpose = "second" // is a second factor; it belongs to a challenge
)

// purposes lists those that belong to an account.
var purposes = [...]Purpose{Setup, Reset}

// Form is what a one-time secret looks like.
type Form uint8

// The forms.
const (
	Digits  Form = iota // 8 digits, to be typed
	Token               // 26 letters and digits, more than 128 bits, to be put into a link
	Short               // 6 digits, to be typed after a password
	Letters             // 6 letters and digits, the same
)

// onceDigits and onceShort are the lengths of typed secrets, onceGuesses how often one may
// be tried: 5 in 100 million, or in a million after a password.
const (
	onceDigits  = 8
	onceShort   = 6
	onceGuesses = 5
)

// onceScope keeps fingerprints of one-time secrets apart from all others.
const onceScope credentials.ScopeKind = "onetime"

// OneTime is the text of a one-time secret. It cannot print.
type OneTime struct{ text hidden.Text }

// OneTimeOf is a secret as somebody typed or clicked it.
func OneTimeOf(text string) OneTime { return OneTime{text: hidden.Of(text)} }

// OneTimeCode is a secret of digits.
func OneTimeCode(c credentials.Code) OneTime { return OneTimeOf(c.Reveal()) }

// Code returns a secret of digits as a code.
func (o OneTime) Code() (credentials.Code, error) { return credentials.ParseCode(o.text.Open()) }

// Format keeps the text out of every verb of fmt.
func (o OneTime) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credentials.Redacted) }

// LogValue keeps the text out of slog.
func (o OneTime) LogValue() slog.Value { return slog.StringValue(credentials.Redacted) }

// MarshalText keeps the text out of JSON and every other text form.
func (o OneTime) MarshalText() ([]byte, error) { return []byte(credentials.Redacted), nil }

// Reveal returns the text, for the message to its owner.
func (o OneTime) Reveal() string { return o.text.Open() }

// Issued is a new one-time secret. Only its fingerprint is stored.
type Issued struct {
	Purpose Purpose
	Owner   string // the account, or the challenge that it belongs to
	Secret  OneTime
	Serial  string // tells it from others of the same purpose and owner
	Expires time.Time
}

// Issue makes a one-time secret for an account. It takes the place of an older one of
// the same purpose.
func (u *Unit) Issue(purpose Purpose, account string, form Form, life time.Duration) (Issued, error) {
	return u.issue(purpose, account, rec.OneTime{Account: account}, form, life)
}

// IssueAsked is Issue for somebody who says that they are the owner: the secret goes to
// the owner, but nothing follows from its being out.
func (u *Unit) IssueAsked(purpose Purpose, account string, form Form, life time.Duration) (Issued, error) {
	return u.issue(purpose, account, rec.OneTime{Account: account, Asked: true}, form, life)
}

// IssueFor is Issue for a secret that belongs to a challenge instead of the account
// itself: there is one for each purpose and owner.
func (u *Unit) IssueFor(purpose Purpose, owner, account string, form Form, life time.Duration) (Issued, error) {
	return u.issue(purpose, owner, rec.OneTime{Account: account}, form, life)
}

func (u *Unit) issue(purpose Purpose, owner string, o rec.OneTime, form Form, life time.Duration) (Issued, error) {
	id := onceID(purpose, owner)
	if _, _, err := Load(u, rec.OneTimes, id); err != nil {
		return Issued{}, err
	}
	secret, err := draw(form)
	if err != nil {
		return Issued{}, err
	}
	s := Issued{Purpose: purpose, Owner: owner, Secret: secret, Serial: NewID(), Expires: u.now.Add(life)}
	keyID := u.core.Keys.Epoch().Prints[0]
	mark, err := u.core.printOnce(keyID, purpose, owner, s.Serial, s.Secret)
	if err != nil {
		return Issued{}, err
	}
	o.Expires, o.Issued, o.KeyID, o.Print, o.Purpose, o.Serial = s.Expires, u.now, keyID, mark[:], string(purpose), s.Serial
	return s, Put(u, rec.OneTimes, id, &o)
}

// draw makes a secret from the system's randomness.
func draw(form Form) (OneTime, error) {
	n := onceDigits
	switch form {
	case Token:
		return OneTimeOf(rand.Text()), nil
	case Letters:
		return OneTimeOf(rand.Text()[:onceShort]), nil // A to Z and 2 to 7: 30 bits
	case Short:
		n = onceShort
	}
	c, err := credentials.Generate(nil, n, credentials.Policy{Lens: []int{n}}, nil)
	if err != nil {
		return OneTime{}, err
	}
	return OneTimeCode(c), nil
}

// VoidSecrets ends every one-time secret of an account, and with them the messages that
// carry them.
func (u *Unit) VoidSecrets(account string) error {
	for _, p := range purposes {
		if err := u.VoidSecret(p, account); err != nil {
			return err
		}
	}
	return nil
}

// VoidSecret ends a one-time secret, if there is one, and the message that carries it.
func (u *Unit) VoidSecret(purpose Purpose, owner string) error {
	if u.loaded[rec.OneTimes.Key(onceID(purpose, owner))].written {
		return nil // it was spent, made or ended in this decision
	}
	_, found, err := Load(u, rec.OneTimes, onceID(purpose, owner))
	if err == nil && found {
		Drop(u, rec.OneTimes, onceID(purpose, owner))
	}
	return err
}

// SecretOpen reports whether an account has a one-time secret that can still be used.
func (c *Core) SecretOpen(ctx context.Context, purpose Purpose, account string) (bool, error) {
	_, why, err := c.secret(ctx, purpose, account, c.Time())
	return err == nil && why == nil, err
}

// Spend uses a one-time secret: done is decided in the commit that takes it away, so a
// secret that is used twice at once is used once. An attempt is counted before anything
// is compared. For an account that is not there, give anything that stands for what was
// typed instead of its id: it costs the same and is refused. If done answers
// [accounts.ErrCodePending], nothing is used, nor does the attempt count.
func (c *Core) Spend(ctx context.Context, actor accounts.Actor, purpose Purpose, account string, typed OneTime, done func(u *Unit) error) error {
	return c.SpendApart(ctx, actor, purpose, account, "", typed, done)
}

// SpendApart is Spend with attempts that are counted apart from all others: from a device
// that the owner has proven, whose attempts nobody else can use up.
func (c *Core) SpendApart(ctx context.Context, actor accounts.Actor, purpose Purpose, account, device string, typed OneTime, done func(u *Unit) error) error {
	now := c.Time()
	s, why, err := c.secret(ctx, purpose, account, now)
	if err != nil {
		return err
	}
	if s.Serial == "" {
		s.Serial, s.KeyID = now.Format("2006-01-02T15"), c.Keys.Epoch().Prints[0]
	}
	guesses := Guesses{Counter: "guess/" + onceID(purpose, account) + "/" + s.Serial, Max: onceGuesses, Until: later(s.Expires, now).Add(time.Hour)}
	if device != "" {
		guesses.Counter += "/" + device
	}
	if err := c.Reserve(ctx, actor, guesses); err != nil {
		return err
	}
	mark, err := c.printOnce(s.KeyID, purpose, account, s.Serial, typed)
	if err != nil {
		return err
	}
	equal := subtle.ConstantTimeCompare(mark[:], s.Print) == 1
	switch {
	case why != nil:
		return why
	case !equal:
		return ErrSecretWrong
	}
	_, err = c.Act(ctx, actor, func(u *Unit) error {
		id := onceID(purpose, account)
		o, found, err := Load(u, rec.OneTimes, id)
		switch {
		case err != nil:
			return err
		case !found || o.Serial != s.Serial:
			return ErrNoSecret
		case !u.now.Before(o.Expires):
			return ErrSecretExpired
		}
		Drop(u, rec.OneTimes, id)
		u.Do(guesses.Back())
		return done(u)
	})
	if errors.Is(err, accounts.ErrCodePending) { // it was no guess
		_, back := c.Act(ctx, actor, func(u *Unit) error { u.Do(guesses.Back()); return nil })
		return errors.Join(err, back)
	}
	return err
}

// secret returns an account's one-time secret, and why it cannot be used.
func (c *Core) secret(ctx context.Context, purpose Purpose, account string, now time.Time) (o rec.OneTime, why, err error) {
	rs, err := c.Store.Load(ctx, rec.OneTimes.Key(onceID(purpose, account)), rec.Quarantines.Key(rec.QuarantineID))
	if err != nil {
		return o, nil, err
	}
	if o, _, err = rec.OneTimes.Decode(rs[0]); err != nil {
		return o, nil, err
	}
	q, _, err := rec.Quarantines.Decode(rs[1])
	if err != nil {
		return o, nil, err
	}
	switch {
	case rs[0].Version == 0, o.Issued.Before(q.Since): // a restored store may have forgotten that it was used
		return o, ErrNoSecret, nil
	case !now.Before(o.Expires):
		return o, ErrSecretExpired, nil
	}
	return o, nil, nil
}

func (c *Core) printOnce(keyID string, purpose Purpose, account, serial string, s OneTime) (credentials.Fingerprint, error) {
	scope := credentials.Scope{Kind: onceScope, ID: onceID(purpose, account) + "/" + serial}
	return c.Keys.Print(keyID, scope, credentials.MarkMaterial([]byte(s.text.Open())))
}

func onceID(purpose Purpose, account string) string { return string(purpose) + "/" + account }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
