package door

import (
	"encoding/json"
	"time"
)

// Written is the first line of a journal as whoever has the reader can write it.
func Written(key ReaderKey, text string) ([]byte, error) {
	var l late
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return nil, err
	}
	aead, err := lineAEAD(key.journal())
	if err != nil {
		return nil, err
	}
	return sealLine(aead, 0, make([]byte, chainLen), l)
}

// Contradicts reports whether a time cannot be right for an edge that was told the server's
// time just now, and whose program was built then.
func Contradicts(t, server, last, built time.Time, skew time.Duration) bool {
	now := time.Now()
	return served{at: server, last: last, asked: now, got: now}.contradicts(t, built, skew)
}
