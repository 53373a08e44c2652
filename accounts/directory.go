package accounts

import (
	"context"
	"time"
)

// Person is what the Users grid shows of an account.
type Person struct {
	ID      ID
	Email   Email
	Name    string // personal
	Created time.Time
	Status  Status
	Sites   Sites
}

// Directory is the people whom a host already has. keyholder has one of its own for
// its accounts.
type Directory interface {
	// Person returns one person, or [ErrAccountNotFound]. A suspended person is still
	// there, with that status.
	Person(ctx context.Context, id ID) (Person, error)
	// Suggest returns at most limit people who share a site with sites and whose address
	// begins with prefix, whatever its case, in the order of their addresses. Only people
	// who can be assigned are suggested: neither suspended nor removed.
	Suggest(ctx context.Context, sites Sites, prefix string, limit int) ([]Person, error)
}
