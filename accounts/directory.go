package accounts

import (
	"context"
	"slices"
	"strings"
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

// StaticDirectory is a [Directory] for hosts with a fixed list of people, such as a
// command-line tool or a test.
type StaticDirectory []Person

// Person implements [Directory].
func (d StaticDirectory) Person(_ context.Context, id ID) (Person, error) {
	i := slices.IndexFunc(d, func(p Person) bool { return p.ID == id })
	if i < 0 {
		return Person{}, ErrAccountNotFound
	}
	return d[i], nil
}

// Suggest implements [Directory].
func (d StaticDirectory) Suggest(_ context.Context, sites Sites, prefix string, limit int) ([]Person, error) {
	var found []Person
	for _, p := range d {
		candidate := p.Status == StatusActive || p.Status == StatusNotConfirmed
		if candidate && p.Sites.Overlaps(sites) && strings.HasPrefix(p.Email.Canonical(), strings.ToLower(prefix)) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b Person) int { return strings.Compare(a.Email.Canonical(), b.Email.Canonical()) })
	return found[:min(max(limit, 0), len(found))], nil
}
