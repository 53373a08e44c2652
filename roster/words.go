package roster

import (
	"errors"
	"fmt"
	"time"

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

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func list(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	text := fmt.Sprint(s)
	return text[1 : len(text)-1]
}
