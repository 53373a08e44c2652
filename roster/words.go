package roster

import (
	"errors"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

func number[T ~int | ~uint64 | ~int64](n T) string { return fmt.Sprint(n) }

func isTaken(err error) bool { return errors.Is(err, store.ErrTaken) }

func isOwned(err error) bool { return errors.Is(err, store.ErrOwned) }

// userKeys are the keys of users by their ids.
func userKeys(ids []string) []store.Key {
	keys := make([]store.Key, len(ids))
	for i, id := range ids {
		keys[i] = rec.Users.Key(id)
	}
	return keys
}
