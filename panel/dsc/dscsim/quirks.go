package dscsim

import "slices"

// Quirks of the transport. A quirk is what public sources leave open, switched to the
// other reading.
const (
	EmptyHeader     = "empty header"              // frames carry no integration id after the first
	AnswersLater    = "answers later"             // an acknowledgement first, the answer as a turn of its own
	AnswersTogether = "answers in a 0623"         // the answer comes among others in one packet
	SameSequence    = "answers keep the sequence" // an answer does not advance the sender's sequence
	ReceiverZero    = "receiver sequence zero"    // the panel does not repeat our sequence
	OddPadding      = "padding is not zero"
	NackSequence    = "0501 has a sequence"
	OKBeforeData    = "0502 before the data" // a read is answered by 0502, then the data
)

// Quirks of the session.
const (
	NoCapabilities = "no capabilities" // 0613 cannot be asked for
	NoCodeLength   = "no code length"  // 0236 cannot be asked for
	NoLabelRead    = "no label read"   // 0771 cannot be asked for
	NoLeadIn       = "no lead-in"
	EarlyLeadIn    = "lead-in before the answer"
	Outlives       = "programming outlives the connection"
	ArmedIsBusy    = "armed answers busy"
)

// Quirks of users.
const (
	DuplicateIsOne = "duplicate is result 1"
	OwnDuplicate   = "refuses its own duplicate" // writing a code where it is already
	KindsAreBits   = "kind 3 for PIN and tag"
	FirstPartition = "new codes start with partition 1" // and no attributes
	LabelStays     = "label outlives the code"
	NoLabelWrite   = "no label write"
	WideMasks      = "masks of four bytes"
	EchoesUpdates  = "updates for our own writes"
	NoUpdates      = "no updates" // 0250 is not sent, only the keypad's lead-out
	OddUpdates     = "updates of another layout"
)

// quirkNames lists every quirk.
func quirkNames() []string {
	return []string{
		EmptyHeader, AnswersLater, AnswersTogether, SameSequence, ReceiverZero, OddPadding, NackSequence, OKBeforeData,
		NoCapabilities, NoCodeLength, NoLabelRead, NoLeadIn, EarlyLeadIn, Outlives, ArmedIsBusy,
		DuplicateIsOne, OwnDuplicate, KindsAreBits, FirstPartition, LabelStays, NoLabelWrite, WideMasks,
		EchoesUpdates, NoUpdates, OddUpdates,
	}
}

// Quirks lists the names.
func (p *Panel) Quirks() []string { return quirkNames() }

// Quirk switches a reading of an open point. It returns false for an unknown name.
func (p *Panel) Quirk(name string, on bool) bool {
	if !slices.Contains(quirkNames(), name) {
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
