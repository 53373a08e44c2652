package credentials

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/internal/hidden"
)

// IndexScope is the scope of the keys that [NewSiteKey] derives; nothing is claimed in it.
const IndexScope ScopeKind = "index"

// SiteKey makes the fingerprints of one site's [Index]. It is derived from a fingerprint
// key and does not lead back to it: a node that has only this one can neither claim nor
// tell another site's codes. Like a [Key] it cannot print.
type SiteKey struct{ root hidden.Text }

// NewSiteKey derives the key of a site. Only the [Sealer] face is needed.
func NewSiteKey(s Sealer, keyID, site string) (SiteKey, error) {
	var root [KeySize]byte
	for i, half := range []string{"index-key/1", "index-key/2"} {
		f, err := s.Print(keyID, Scope{Kind: IndexScope, ID: site}, Material{form: half})
		if err != nil {
			return SiteKey{}, err
		}
		copy(root[len(f)*i:], f[:])
	}
	return SiteKeyOf(root), nil
}

// Reveal returns the bytes, to be sent to the site's nodes over a channel that keeps
// them.
func (k SiteKey) Reveal() [KeySize]byte { return [KeySize]byte(k.bytes()) }

func (k SiteKey) bytes() []byte {
	root := make([]byte, KeySize) // the zero key too
	copy(root, k.root.Open())
	return root
}

// SiteKeyOf is the key that [SiteKey.Reveal] gave away.
func SiteKeyOf(root [KeySize]byte) SiteKey { return SiteKey{root: hidden.Of(root[:])} }

// Format keeps the bytes out of every verb of fmt.
func (k SiteKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue keeps the bytes out of slog.
func (k SiteKey) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText keeps the bytes out of JSON and every other text form.
func (k SiteKey) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// Probe makes fingerprints under one [SiteKey] without allocating. It is safe for use by
// many goroutines.
type Probe struct{ pool sync.Pool }

// probing is what one fingerprint needs.
type probing struct {
	mac  hash.Hash
	form []byte
	sum  [sha256.Size]byte
}

// NewProbe makes a probe.
func NewProbe(k SiteKey) *Probe {
	root := k.bytes()
	return &Probe{pool: sync.Pool{New: func() any { return &probing{mac: hmac.New(sha256.New, root)} }}}
}

// Print returns the fingerprint of a secret for the site's index.
func (p *Probe) Print(m Material) (f Fingerprint) {
	w := p.pool.Get().(*probing) //nolint:forcetypeassert // New makes nothing else
	w.form = append(w.form[:0], m.form...)
	w.mac.Reset()
	w.mac.Write(w.form)
	copy(f[:], w.mac.Sum(w.sum[:0]))
	clear(w.form)
	p.pool.Put(w)
	return f
}

// Code is the entry of a PIN, or of a duress PIN, in [Record.Secrets].
func (p *Probe) Code(c Code, duress bool) Secret {
	kind := PIN
	if duress {
		kind = DuressPIN
	}
	return Secret{Kind: kind, Print: p.Print(CodeMaterial(c))}
}

// Tag is the entry of a tag in [Record.Secrets].
func (p *Probe) Tag(t Tag) Secret {
	s := Secret{Kind: TagNumber}
	for i, m := range TagMaterials(t) {
		if i == 0 {
			s.Print = p.Print(m)
			continue
		}
		s.Typed = p.Print(m)
	}
	return s
}
