package roster

import (
	"errors"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// halves commits what concerns several users: in one change if it fits into one, else in
// as many as it takes. A user with many tags holds many names.
func halves[T any](list []T, commit func([]T) error) error {
	err := commit(list)
	if !errors.Is(err, store.ErrTooLarge) || len(list) < 2 {
		return err
	}
	n := len(list) / 2
	if err := halves(list[:n], commit); err != nil {
		return err
	}
	return halves(list[n:], commit)
}
