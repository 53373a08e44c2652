package twonsim

import "slices"

// Quirks of the HTTP side.
const (
	InfoNeedsLogin = "info needs a login"  // /api/system/info asks for an account too
	NonceOnce      = "a nonce serves once" // and is called stale then
	SHA256         = "digest with SHA-256"
	NoClock        = "no clock" // /api/system/time is not supported
	Chunked        = "chunked answers"
)

// Quirks of the event log.
const (
	NoLog           = "no event log" // the Logging service is off
	NoAuthenticated = "nobody's entry is told"
	HastyPull       = "pull does not wait"
)

// Quirks of the directory.
const (
	Capitals         = "uuids in capitals"
	RandomUUIDs      = "uuids of version 4 only"
	BlockedUUID      = "a deleted uuid is taken" // until the creation is forced
	ForceInBody      = "force in the body"       // the query parameter is not looked at
	NoTombstones     = "no tombstones"           // a deleted entry is gone at once
	NumbersForTimes  = "validity as numbers"
	ErrorsUnnamed    = "errors without uuid"
	ErrorsFieldless  = "errors without field"
	LeavesDefaults   = "defaults are left out"
	SharedTimestamps = "one timestamp for a request"
	InclusiveCursor  = "the iterator's own timestamp is told again"
	MaskedPINs       = "masked PINs"
	RefusesDuplicate = "refuses a PIN that another has"
	ExclusiveEnd     = "the last second does not open" // see Device.Opens
)

var quirkNames = [...]string{
	InfoNeedsLogin, NonceOnce, SHA256, NoClock, Chunked,
	Capitals, BlockedUUID, ForceInBody, NoTombstones, NumbersForTimes, ErrorsUnnamed, ErrorsFieldless, LeavesDefaults,
	SharedTimestamps, InclusiveCursor, MaskedPINs, RefusesDuplicate, ExclusiveEnd,
	NoLog, NoAuthenticated, HastyPull, RandomUUIDs,
}

// Quirks lists the names.
func (*Device) Quirks() []string { return quirkNames[:] }

// Quirk switches a reading of an open point. It returns false for an unknown name.
func (d *Device) Quirk(name string, on bool) bool {
	if !slices.Contains(quirkNames[:], name) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.quirks[name] = on
	return true
}
