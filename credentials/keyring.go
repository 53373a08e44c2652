package credentials

import (
	"encoding/base64"
	"fmt"
	"log/slog"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of keys. None of them carries key bytes or plain text.
var (
	// ErrDecrypt: sealed bytes do not open under this key and binding: they were changed,
	// moved to another row, or belong to another tenant.
	ErrDecrypt = fault.New(fault.Internal, "credentials: sealed value does not open")
	// ErrKeyMissing: the keyring does not have the key that is named.
	ErrKeyMissing = fault.New(fault.Precondition, "credentials: key is not in the keyring").
			Hinted("Give the keyring the key file that was in use when this value was stored.")
)

// Fingerprint is a keyed fingerprint of a code or tag: HMAC-SHA256 cut to 16 bytes. It
// says that two secrets are equal to whoever has the key, and nothing to anybody else.
type Fingerprint [16]byte

// String returns base64url without padding: 22 characters.
func (f Fingerprint) String() string { return base64.RawURLEncoding.EncodeToString(f[:]) }

// Scope is where a secret must be unique: the tenant, one site or one panel.
type Scope struct {
	Kind ScopeKind
	ID   string // "" for the tenant
}

// ScopeKind is the kind of a [Scope].
type ScopeKind string

// The scopes.
const (
	TenantScope ScopeKind = "tenant"
	SiteScope   ScopeKind = "site"
	PanelScope  ScopeKind = "panel"
)

// String returns "kind/id".
func (s Scope) String() string { return string(s.Kind) + "/" + s.ID }

// Material is the canonical form of a secret that can be claimed: one namespace for
// PINs, duress PINs and tags, because whoever can type a tag's number types a PIN.
type Material struct{ form string }

// CodeMaterial is the canonical form of a code: its digits.
func CodeMaterial(c Code) Material { return Material{form: c.digits.Open()} }

// Reveal returns the form. Only keyrings may call it, to make a fingerprint.
func (m Material) Reveal() string { return m.form }

// Format keeps the form out of every verb of fmt.
func (m Material) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// LogValue keeps the form out of slog.
func (m Material) LogValue() slog.Value { return slog.StringValue(Redacted) }

// Name returns what a store claims for a secret: scope, key and fingerprint. It is at
// most 128 bytes if the scope's id has at most 64 and the key's id at most 16.
func Name(s Scope, keyID string, f Fingerprint) string {
	return s.String() + "|" + keyID + "|" + f.String()
}

// Epoch names the keys in use. It is a record in the store: a writer that claims names
// under another epoch is stale.
type Epoch struct {
	N      uint64   `json:"n"`      // grows with each step of a rotation
	Prints []string `json:"prints"` // fingerprint keys under which every claim is made, the current one first
	Seal   string   `json:"seal"`   // key under which values are sealed
}

// Binding is what a sealed value is bound to: it opens nowhere else.
type Binding struct {
	Tenant     string // the keyring's own tenant if ""
	Owner      string // the record: "user/<id>"
	Kind       string // what it is: "code", "secret", "person-key", "field"
	Generation uint64 // the tenancy or version of the owner
}

// Sealed is an encrypted value with the key that opens it. It is safe to store and to
// print: it says nothing without the key.
type Sealed struct {
	KeyID string `json:"k"`
	Bytes []byte `json:"b"`
}

// IsZero reports whether nothing is sealed.
func (s Sealed) IsZero() bool { return len(s.Bytes) == 0 }

// Sealer is the face of a keyring that every node has: it makes fingerprints and seals.
type Sealer interface {
	// Epoch returns the keys that this keyring holds as current.
	Epoch() Epoch
	// Print returns the fingerprint of a secret in a scope under one of the keys of the
	// epoch, or [ErrKeyMissing].
	Print(keyID string, s Scope, m Material) (Fingerprint, error)
	// Seal encrypts under the epoch's seal key, bound to b.
	Seal(b Binding, plain []byte) (Sealed, error)
}

// Opener is the face that only those nodes have which deliver codes to panels.
type Opener interface {
	// Open decrypts what Seal made with an equal binding, or [ErrDecrypt], [ErrKeyMissing].
	Open(b Binding, s Sealed) ([]byte, error)
}

// Keyring has both faces. Ready-made: [NewKeyring], [OpenKeyFile], and tink's keysets in
// module credentials/tink. A host's own is tested with package keyringtest.
type Keyring interface {
	Sealer
	Opener
}
