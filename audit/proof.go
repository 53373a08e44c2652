package audit

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Proof shows to anybody who trusts the log's public key that an entry is in the log. It
// needs no connection to anything, and it may show some fields and withhold the others
// ([Entry.Disclose]). Personal fields are shown sealed: whoever has the person's key can
// open them.
//
// Its text form ([Proof.MarshalText], [ParseProof]) is https://c2sp.org/tlog-proof with
// the disclosed entry as extra data; by custom its file ends in ".tlog-proof".
type Proof struct {
	Entry      Entry
	Index      int64
	Hashes     [][32]byte
	Checkpoint []byte // signed text
}

// Limits of a proof's text.
const (
	maxProof  = MaxBody*2 + maxCheckpoint
	maxHashes = 63 // a tree has at most 2^63 entries
)

// Prove makes the proof that e is at index of the log that c describes. It fails with
// [ErrProof] if that is not so.
func Prove(e Entry, index int64, c Checkpoint, h Hashes) (Proof, error) {
	hash, err := e.Hash()
	if err != nil {
		return Proof{}, err
	}
	if index < 0 || index >= c.Size {
		return Proof{}, fmt.Errorf("%w: entry %d is not among the %d of the checkpoint", ErrProof, index, c.Size)
	}
	hashes, err := ProveInclusion(c.Size, index, h)
	if err != nil {
		return Proof{}, err
	}
	if err := CheckInclusion(hashes, c.Size, c.Root, index, hash); err != nil {
		return Proof{}, err
	}
	return Proof{Entry: e, Index: index, Hashes: hashes, Checkpoint: c.Text}, nil
}

// CheckProof checks a proof against the name and the public keys of the log and returns
// the checkpoint that it rests on. What the entry of a proof shows is true if this
// returns no error.
func CheckProof(p Proof, origin string, trusted ...note.Verifier) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, origin, trusted...)
	if err != nil {
		return Checkpoint{}, err
	}
	hash, err := p.Entry.Hash()
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	if err := CheckInclusion(p.Hashes, c.Size, c.Root, p.Index, hash); err != nil {
		return Checkpoint{}, err
	}
	return c, nil
}

const proofHeader = "c2sp.org/tlog-proof@v1\n"

// MarshalText returns the proof as the text of a ".tlog-proof" file.
func (p Proof) MarshalText() ([]byte, error) {
	body, err := encode(p.Entry)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(proofHeader)
	fmt.Fprintf(&b, "extra %s\nindex %d\n", base64.StdEncoding.EncodeToString(body), p.Index)
	for _, h := range p.Hashes {
		fmt.Fprintln(&b, tlog.Hash(h))
	}
	b.WriteByte('\n')
	b.Write(p.Checkpoint)
	return b.Bytes(), nil
}

// ParseProof reads the text of a proof with its entry. It checks the form alone; see
// [CheckProof].
func ParseProof(text []byte) (Proof, error) {
	bad := func(what string) (Proof, error) { return Proof{}, fmt.Errorf("%w: %s", ErrProof, what) }
	if len(text) > maxProof {
		return bad("too long")
	}
	head, checkpoint, ok := strings.Cut(string(text), "\n\n")
	rest, known := strings.CutPrefix(head+"\n", proofHeader)
	if !ok || !known {
		return bad("not the text of a proof")
	}
	lines := strings.Split(strings.TrimSuffix(rest, "\n"), "\n")
	if len(lines) < 2 || len(lines) > 2+maxHashes {
		return bad("wrong number of lines")
	}
	extra, ok := strings.CutPrefix(lines[0], "extra ")
	body, err := base64.StdEncoding.Strict().DecodeString(extra)
	if !ok || err != nil || base64.StdEncoding.EncodeToString(body) != extra {
		return bad("it has no entry")
	}
	p := Proof{Checkpoint: []byte(checkpoint)}
	if p.Entry, err = decode(body); err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	digits, ok := strings.CutPrefix(lines[1], "index ")
	p.Index, err = strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || p.Index < 0 || strconv.FormatInt(p.Index, 10) != digits {
		return bad("no index")
	}
	for _, line := range lines[2:] {
		h, err := parseHash(line)
		if err != nil {
			return bad("not a hash")
		}
		p.Hashes = append(p.Hashes, h)
	}
	return p, nil
}

// UnmarshalText is [ParseProof].
func (p *Proof) UnmarshalText(text []byte) error {
	q, err := ParseProof(text)
	if err == nil {
		*p = q
	}
	return err
}
