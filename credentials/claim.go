package credentials

import "slices"

// Claim is what a secret takes in the namespace of a scope. There is one for PINs,
// duress PINs and tags, over all holders, disabled ones included.
type Claim struct {
	Hold    []string // nobody else may hold or keep one of these
	Reserve []string // nobody else may hold one of these
}

// Claim is what a code takes: its own names, and those of the neighbours that the
// policy's rules keep free. There is one name for each key of the epoch, so during a
// rotation both keys' names are claimed and either finds a double.
func (p Policy) Claim(s Sealer, scope Scope, c Code, duress bool) (Claim, error) {
	hold, err := Names(s, scope, CodeMaterial(c))
	if err != nil {
		return Claim{}, err
	}
	claim := Claim{Hold: hold}
	for _, near := range p.Reserves(c, duress) {
		more, err := Names(s, scope, CodeMaterial(near))
		if err != nil {
			return Claim{}, err
		}
		claim.Reserve = append(claim.Reserve, more...)
	}
	slices.Sort(claim.Hold)
	slices.Sort(claim.Reserve)
	return claim, nil
}

// ClaimTag is what a tag takes: the names of all its [TagMaterials], so that nobody's
// code is somebody's card number, and of the numbers that the formats say are printed on
// it.
func ClaimTag(s Sealer, scope Scope, t Tag, formats ...CardFormat) (Claim, error) {
	materials := TagMaterials(t)
	for _, f := range formats {
		if card, err := f.Read(t); err == nil {
			materials = append(materials, card.materials()...)
		}
	}
	var claim Claim
	for _, m := range materials {
		names, err := Names(s, scope, m)
		if err != nil {
			return Claim{}, err
		}
		claim.Hold = append(claim.Hold, names...)
	}
	slices.Sort(claim.Hold)
	claim.Hold = slices.Compact(claim.Hold)
	return claim, nil
}

// Meets reports whether two holders cannot have their claims at the same time.
func (c Claim) Meets(other Claim) bool {
	return shares(c.Hold, other.Hold) || shares(c.Hold, other.Reserve) || shares(c.Reserve, other.Hold)
}

// shares reports whether two sorted lists have an element in common.
func shares(a, b []string) bool {
	return slices.ContainsFunc(a, func(name string) bool {
		_, found := slices.BinarySearch(b, name)
		return found
	})
}
