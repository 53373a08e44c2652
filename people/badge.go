package people

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
)

// Badge is what stands on a visitor's badge; drawing it is the host's affair. It is
// personal data.
type Badge struct {
	Name      string
	Photo     []byte    // a JPEG, nil for none
	Host      string    // who answers for the visitor; "" for nobody, or if they are gone, or of none of the operator's sites
	HostPhoto []byte    // a JPEG, nil for none
	Until     time.Time // when the visit ends
}

// Badge returns what stands on a visitor's badge. Errors: [accounts.ErrAccountNotFound],
// also for an account that is no visitor; the causes of [accounts.Account.Access] for a
// visitor who may not be here, or whose visit is over.
func (op *Operator) Badge(ctx context.Context, visitor accounts.ID) (Badge, error) {
	const name = "Badge"
	g, err := op.allowed(ctx, name)
	if err != nil {
		return Badge{}, err
	}
	s := op.people
	a, err := s.peek(ctx, g.Sites, visitor)
	if err == nil && a.Kind != accounts.VisitorKind {
		err = accounts.ErrAccountNotFound
	}
	if err == nil {
		err = a.Access(s.core.Time())
	}
	if err != nil && !errors.Is(err, accounts.ErrAccountNotYetValid) { // badges are made before the visit
		return Badge{}, op.refused(ctx, name, nil, err)
	}
	b := Badge{Name: fullName(a), Until: a.Window.Until}
	if b.Photo, err = s.anyPhoto(ctx, visitor); err != nil || a.Host == "" {
		return b, err
	}
	host, err := s.peek(ctx, g.Sites, a.Host)
	if err != nil {
		return b, known(err)
	}
	b.Host = host.Name()
	b.HostPhoto, err = s.anyPhoto(ctx, host.ID)
	return b, err
}

// anyPhoto is the photo of an account, nil if it has none.
func (s *Service) anyPhoto(ctx context.Context, id accounts.ID) ([]byte, error) {
	image, err := s.photo(ctx, id)
	if errors.Is(err, accounts.ErrPhotoNotFound) {
		err = nil
	}
	return image, err
}
