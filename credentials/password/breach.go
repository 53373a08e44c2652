package password

import (
	"context"
	"crypto/sha1" //nolint:gosec // the lists of breached passwords are published by their SHA-1
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// breached asks the list about a password.
func (p Policy) breached(ctx context.Context, w Password) error {
	sum := sha1.Sum([]byte(w.text.Open())) //nolint:gosec // as above: it names an entry of the list and protects nothing
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	rest, err := p.Breaches.Range(ctx, digits[:5])
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil && p.FailClosed:
		return errors.Join(ErrBreachList, err)
	case slices.Contains(rest, digits[5:]):
		return ErrBreached
	}
	return nil
}
