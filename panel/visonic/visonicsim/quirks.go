package visonicsim

import "slices"

// The quirks: each is another reading of something that public sources leave open, or that
// differs between firmwares.
const (
	// ShortBlocks: the panel gives at most 4 bytes of its EPROM at once.
	ShortBlocks = "short blocks"
	// AlternateSum: checksums are one higher than usual.
	AlternateSum = "alternate checksum"
	// SilentControl: stop and exit are not acknowledged.
	SilentControl = "silent control"
	// Marked: acknowledgements and refusals carry the marker of an enrolled line.
	Marked = "marked control"
	// Chatter: status messages that nobody asked for come before every answer.
	Chatter = "chatter"
	// Pages: item settings come in two pages, each with its header.
	Pages = "pages"
	// OwnSize: the setting of the codes is as long as the panel has users, instead of 48.
	OwnSize = "own size"
	// ArmedDenies: an armed panel denies download mode instead of asking for patience.
	ArmedDenies = "armed denies"
	// ListsEmpty: the service lists slots without a code too, as 0000.
	ListsEmpty = "lists empty"
	// KeepsAccess: a user who is removed over the service leaves the partitions behind.
	KeepsAccess = "keeps access"
	// NoWriting: the service lacks the methods that set something.
	NoWriting = "no writing"
	// Deaf: the service says that it has set something, and has not.
	Deaf = "deaf"
	// Reports: the panel has alarms for the central station and sends them before its
	// answers.
	Reports = "reports"
	// PlainAck: an acknowledgement's frame stays open, without its bracket.
	PlainAck = "plain acknowledgement"
)

// Quirks lists the names of those that the wire can have.
func (p *Panel) Quirks() []string {
	switch p.o.Wire {
	case RPC:
		return []string{ListsEmpty, KeepsAccess, NoWriting, Deaf}
	case PowerLink:
		return []string{AlternateSum, Marked, Chatter, Pages, OwnSize, Reports, PlainAck}
	}
	return []string{ShortBlocks, AlternateSum, SilentControl, Marked, Chatter, Pages, OwnSize, ArmedDenies}
}

// Quirk switches a quirk and reports whether there is one of that name.
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
