package panel

import "context"

// Pairer is a [Driver] of panels that give a key to whom somebody at the panel lets in.
type Pairer interface {
	// Pair opens a window in which the panel that names itself ident may let us in, and
	// closes it when that panel has come or ctx ends. Whoever else calls is sent away, and
	// nothing is left open. Errors are line errors of this package, [ErrUnsupported] where
	// the driver was not made to pair, and what ended ctx.
	Pair(ctx context.Context, ident string) (Candidate, error)
}

// Candidate is a panel that has let us in. Nothing of it is to be kept before a person
// who can see the panel has compared Ident and Print. Its secrets are of the rank of the
// master code: whoever has them may do at the panel what no code was asked for.
type Candidate struct {
	Ident   string            // how the panel names itself: a serial number or an address
	Print   string            // SHA-256 of the certificate that it is known by from now on, in hexadecimal digits
	Route   string            // the route that the secrets open
	Secrets map[string]Secret // by the driver's own names
}

// Pair pairs over the first route whose driver can.
func (c combined) Pair(ctx context.Context, ident string) (Candidate, error) {
	for _, p := range c {
		d, ok := p.Driver.(Pairer)
		if !ok {
			continue
		}
		found, err := d.Pair(ctx, ident)
		if err != nil {
			return Candidate{}, &RouteError{Route: p.Route, Err: err}
		}
		found.Route = p.Route
		return found, nil
	}
	return Candidate{}, ErrUnsupported
}
