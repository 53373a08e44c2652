package twon

// ValidFrom and ValidTo are what vectors are held against.
var (
	ValidFrom = validFrom
	ValidTo   = validTo
)
