package door

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// A journal is lines of one size, each sealed under the reader's journal key and chained to
// the one before: a line that is changed, moved or left out does not open.
const (
	lineText = 1536 // bytes of a line's text, padded
	lineHead = 8    // its number
	lineSize = lineHead + 12 + lineText + 16
	chainLen = sha256.Size
)

// late is a decision that was made during an outage.
type late struct {
	Account string                   `json:"account,omitempty"`
	Action  string                   `json:"action,omitempty"`
	Alarm   bool                     `json:"alarm"`
	At      time.Time                `json:"at"`
	Clock   credentials.ClockQuality `json:"clock"`
	Duress  bool                     `json:"duress"`
	Forced  string                   `json:"forced,omitempty"` // whose duress code it was, if not the account's
	ID      string                   `json:"id"`
	Medium  credentials.Medium       `json:"medium"`
	Point   string                   `json:"point"`
	Reason  credentials.Reason       `json:"reason"`
	Rule    string                   `json:"rule,omitempty"`
	Typed   bool                     `json:"typed,omitempty"` // a tag's number
	Usage   string                   `json:"usage,omitempty"` // of what was presented
	Wrong   bool                     `json:"wrong,omitempty"` // it counted as a wrong code
}

func lineAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealLine makes line number n, chained to what came before.
func sealLine(aead cipher.AEAD, n uint64, chain []byte, l late) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	if len(text) > lineText {
		return nil, ErrEntry
	}
	plain := make([]byte, lineText)
	copy(plain, text)
	line := make([]byte, lineHead+12, lineSize)
	binary.BigEndian.PutUint64(line, n)
	_, _ = rand.Read(line[lineHead:]) // never fails and never reads short
	return aead.Seal(line, line[lineHead:], plain, lineBound(line, chain)), nil
}

// openLine reads a line that must be chained to chain.
func openLine(aead cipher.AEAD, line, chain []byte) (late, error) {
	var l late
	if len(line) != lineSize {
		return l, ErrJournal
	}
	plain, err := aead.Open(nil, line[lineHead:lineHead+12], line[lineHead+12:], lineBound(line, chain))
	if err != nil {
		return l, ErrJournal
	}
	end := len(plain)
	for end > 0 && plain[end-1] == 0 {
		end--
	}
	if json.Unmarshal(plain[:end], &l) != nil {
		return l, ErrJournal
	}
	return l, nil
}

// lineBound is what a line is bound to beside its text: its number and its chain.
func lineBound(line, chain []byte) []byte {
	b := append([]byte("keyholder/door/journal/v1\x00"), line[:lineHead]...)
	return append(b, chain...)
}

func lineNumber(line []byte) uint64 { return binary.BigEndian.Uint64(line) }

// chained is what the line after this one is chained to.
func chained(line []byte) []byte {
	sum := sha256.Sum256(line)
	return sum[:]
}
