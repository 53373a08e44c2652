package qolsyssim

import "slices"

// Quirks of the change feed. A quirk is what public sources leave open, or what differs
// between firmwares, switched to the other reading.
const (
	Arrays        = "arguments are a list"            // firmware 4.6.1 instead of a string
	Mismatch      = "arguments miss the condition"    // their numbers disagree
	RowIDs        = "changes name the row"            // the condition is _id=?, and the row has no userid
	DeleteInsert  = "a change is two notices"         // delete, then insert
	TruncatedFeed = "notices end early"               // JSON that is cut off
	TwiceTold     = "notices and answers come twice"  // each message is repeated
	StaleAnswers  = "old answers come before the new" // the answer before is sent again first
)

// Quirks of the tables.
const (
	NumbersForWords = "settings are 0 and 1" // instead of true and false
	PlainValues     = "columns are not text" // numbers and truth values, and columns nobody knows
	LastNames       = "names are in two columns"
	EmptyRows       = "who is removed stays as an empty row"
	YearForEver     = "for ever is the year 2100"
	NoCodeLength    = "no setting of the code length"
)

// Quirks of the session.
const (
	Nameless     = "the panel does not name itself"
	UnknownBoard = "a board that nobody has seen"
	NewTLS       = "TLS 1.3"
	SHA256       = "signs with SHA-256"
	RefusedLate  = "who is not paired is refused by MQTT" // instead of TLS
	SilentToken  = "a wrong token is met with silence"    // of the home automation interface
	NoNonce      = "answers do not echo the nonce"        // of the home automation interface
)

// Quirks lists the names.
func (p *Panel) Quirks() []string {
	return []string{
		Arrays, Mismatch, RowIDs, DeleteInsert, TruncatedFeed, TwiceTold, StaleAnswers,
		NumbersForWords, PlainValues, LastNames, EmptyRows, YearForEver, NoCodeLength,
		Nameless, UnknownBoard, NewTLS, SHA256, RefusedLate, SilentToken, NoNonce,
	}
}

// Quirk switches a reading of an open point. It returns false for an unknown name.
func (p *Panel) Quirk(name string, on bool) bool {
	if !slices.Contains(p.Quirks(), name) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quirks[name] = on
	return true
}

func (p *Panel) quirk(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.quirks[name]
}
