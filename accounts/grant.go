package accounts

import (
	"context"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// Grant is what somebody may do now: a small value that the services ask for at every
// call. The zero value allows nothing.
type Grant struct {
	Enabled bool   // the account may do anything at all
	Rights  Rights // what its roles add up to
	Sites   Sites  // where
	Waiting Rights // that the account has by now, and the session from the next sign-in on
	Epoch   uint64 // grows when everything that was granted before is void
}

// Authorise reports why g does not allow r at site: [ErrNotEnabled], [ErrSiteMismatch]
// or a [*PermissionError]. Services present a site mismatch as "not found", so that
// nothing tells which ids exist elsewhere. It allocates nothing when it allows.
func Authorise(g Grant, r Right, site string) error {
	switch {
	case !g.Enabled:
		return ErrNotEnabled
	case !g.Sites.Has(site):
		return ErrSiteMismatch
	case !g.Rights.Has(r):
		return &PermissionError{Right: r, Stale: g.Waiting.Has(r)}
	}
	return nil
}

// AuthoriseAnywhere is [Authorise] for an operation that concerns no single site, such
// as a list: the caller needs some site, and the service filters by g.Sites.
func AuthoriseAnywhere(g Grant, r Right) error {
	switch {
	case !g.Enabled:
		return ErrNotEnabled
	case g.Sites.None():
		return ErrSiteMismatch
	case !g.Rights.Has(r):
		return &PermissionError{Right: r, Stale: g.Waiting.Has(r)}
	}
	return nil
}

// Covers reports whether somebody with g may decide over somebody with h: an
// [*OutrankedError] unless g has every right and every site of h. Nobody changes an
// account that is stronger than their own, and nobody gives what they do not have.
func (g Grant) Covers(h Grant) error {
	for r := range h.Rights.Without(g.Rights).Each() {
		return &OutrankedError{Right: r}
	}
	if !g.Sites.Covers(h.Sites) {
		return &OutrankedError{}
	}
	return nil
}

// Explain lists everything in g that refuses r at site, in the order in which
// [Authorise] looks; nil if it is allowed. It is for operators who look for a cause.
func Explain(g Grant, r Right, site string) []error {
	var causes []error
	if !g.Enabled {
		causes = append(causes, ErrNotEnabled)
	}
	if !g.Sites.Has(site) {
		causes = append(causes, ErrSiteMismatch)
	}
	if !g.Rights.Has(r) {
		causes = append(causes, &PermissionError{Right: r, Stale: g.Waiting.Has(r)})
	}
	return causes
}

// Authority says what an actor may do now. It is asked at every call, so that a right
// taken away is gone at once. keyholder has one of its own for its accounts; a host
// with its own people gives another.
type Authority interface {
	// Grant returns the zero Grant for an actor that it does not know. An error is about
	// the authority itself, and refuses.
	Grant(ctx context.Context, a Actor) (Grant, error)
}

// StaticAuthority is an [Authority] for hosts with a fixed set of operators, such as a
// command-line tool: grants by the host's own ids of people. keyholder's own loops may
// do everything; whoever is not in the map may do nothing.
type StaticAuthority map[ID]Grant

// Grant implements [Authority].
func (s StaticAuthority) Grant(_ context.Context, a Actor) (Grant, error) {
	switch a.Kind() {
	case audit.SystemActor:
		return Grant{Enabled: true, Rights: AllRights(), Sites: AllSites()}, nil
	case audit.HostActor:
		return s[a.ID()], nil
	}
	return Grant{}, nil
}
