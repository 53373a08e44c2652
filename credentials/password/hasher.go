package password

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

// Errors of hashing.
var (
	// ErrTooLong: longer than the hash reads. It would be cut in silence, so it is refused.
	ErrTooLong = fault.New(fault.Invalid, "password: too long").
			Hinted("Use a shorter password. Letters beyond the Latin ones count for more than one.")
	// ErrCost: a cost that nobody should pay, or none.
	ErrCost = fault.New(fault.Invalid, "password: cost of the hash is out of bounds").
		Hinted("Use a bcrypt cost of 10 to 15, or argon2id with 12 to 256 MiB.")
	// ErrHash: not a hash of a kind that is known here, or with a cost that is out of bounds.
	ErrHash = fault.New(fault.Invalid, "password: not a known hash")
)

// Algorithm is how new hashes are made.
type Algorithm uint8

// The algorithms.
const (
	Bcrypt Algorithm = iota
	Argon2id
)

// The most bytes that are read of a password: bcrypt has no room for more, and for
// argon2id a bound keeps anybody from sending megabytes.
const (
	MaxBcrypt   = 72
	MaxArgon2id = 256
)

// DefaultCost is bcrypt's cost if none is given: about 0.2 s on a server of 2025.
const DefaultCost = 12

// Options are what a hasher can be told. The zero value makes bcrypt hashes of cost
// [DefaultCost].
type Options struct {
	Algorithm Algorithm
	// Cost is bcrypt's, the logarithm of its rounds: 10 to 15, and down to 4 for tests.
	// 0: [DefaultCost].
	Cost int
	// Argon is argon2id's; the zero value is 19 MiB, 2 passes, 1 lane (OWASP's and ASVS's
	// least).
	Argon Argon
	// Parallel is how many hashes are computed at a time; 0: one for each processor. Each
	// takes one processor, and with argon2id its memory.
	Parallel int
	// Queue is how many more may wait, beyond which is [ErrBusy]; 0: 64.
	Queue int
}

// Hasher makes and compares hashes. It is safe for concurrent use.
type Hasher struct {
	o     Options
	dummy Hash // of nobody's password, as costly as a new one
	turns *turns
}

// NewHasher makes a hasher. Errors: [ErrCost].
func NewHasher(o Options) (*Hasher, error) {
	if o.Cost == 0 {
		o.Cost = DefaultCost
	}
	if o.Argon == (Argon{}) {
		o.Argon = Argon{Memory: 19 * 1024, Passes: 2, Lanes: 1}
	}
	if o.Parallel <= 0 {
		o.Parallel = runtime.GOMAXPROCS(0)
	}
	if o.Queue <= 0 {
		o.Queue = 64
	}
	if o.Cost < bcrypt.MinCost || o.Cost > maxCost || !o.Argon.bounded() || o.Algorithm > Argon2id {
		return nil, ErrCost
	}
	h := &Hasher{o: o, turns: newTurns(o.Parallel, o.Queue)}
	// No password is known for these: the digest is random, not computed.
	if o.Algorithm == Argon2id {
		h.dummy = o.Argon.encode(random(saltSize), random(digestSize))
	} else {
		h.dummy = Hash(fmt.Sprintf("$2a$%02d$%s", o.Cost, letters(53)))
	}
	return h, nil
}

// maxCost bounds bcrypt's cost, also of hashes that come from elsewhere: 1.7 s.
const maxCost = 15

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails and never reads short
	return b
}

// letters is n letters of bcrypt's alphabet that are a valid salt and digest.
func letters(n int) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '-':
			return '.'
		case '_':
			return '/'
		}
		return r
	}, base64.RawURLEncoding.EncodeToString(random(n))[:n])
}

// Max is the most bytes that a new password may have.
func (h *Hasher) Max() int {
	if h.o.Algorithm == Argon2id {
		return MaxArgon2id
	}
	return MaxBcrypt
}

// Hash makes the hash of a password. source is on whose behalf, such as a network address:
// waiting is shared out between sources. Errors: [ErrTooLong], [ErrBusy], ctx's.
func (h *Hasher) Hash(ctx context.Context, source string, p Password) (Hash, error) {
	if len(p.text.Open()) > h.Max() {
		return "", ErrTooLong
	}
	if err := h.turns.take(ctx, source); err != nil {
		return "", err
	}
	defer h.turns.give()
	if h.o.Algorithm == Argon2id {
		salt := random(saltSize)
		return h.o.Argon.encode(salt, h.o.Argon.digest(p.text.Open(), salt, digestSize)), nil
	}
	b, err := bcrypt.GenerateFromPassword([]byte(p.text.Open()), h.o.Cost)
	return Hash(b), err
}

// Match is what a comparison came to.
type Match struct {
	OK     bool
	Rehash bool // right, but of another algorithm or cost than new hashes: make a new one
}

// Verify compares a password with a hash. With "" for the hash, which stands for an
// account that is not there or has no password, it costs as much as with a real one and
// never matches; so does a password that is longer than the hash reads, and one that does
// not match a bcrypt hash of a lower cost. Errors: [ErrHash], [ErrBusy], ctx's.
func (h *Hasher) Verify(ctx context.Context, source string, hash Hash, p Password) (Match, error) {
	nobody := hash == ""
	if nobody {
		hash = h.dummy
	}
	compare, current, limit, err := h.parse(hash)
	if err != nil {
		return Match{}, err
	}
	text := p.text.Open()
	if len(text) > limit {
		nobody, text = true, text[:limit]
	}
	if err := h.turns.take(ctx, source); err != nil {
		return Match{}, err
	}
	defer h.turns.give()
	ok, err := compare(text)
	if err == nil && (!ok || nobody) {
		err = h.level(hash)
	}
	if err != nil || !ok || nobody {
		return Match{}, err
	}
	return Match{OK: true, Rehash: !current}, nil
}

// level makes a comparison with a bcrypt hash of a lower cost take as long as one with a new
// hash: else the time would tell which accounts are there. Each cost is as much work as all
// those below it and the lowest once more.
func (h *Hasher) level(hash Hash) error {
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil || h.o.Algorithm != Bcrypt {
		return nil //nolint:nilerr // nothing makes the work of two algorithms the same
	}
	for ; cost < h.o.Cost; cost++ {
		if _, err := bcrypt.GenerateFromPassword(nil, cost); err != nil {
			return err
		}
	}
	return nil
}

// parse reads a hash: how to compare with it, whether it is as new ones are, and how many
// bytes of a password it reads.
func (h *Hasher) parse(hash Hash) (compare func(text string) (bool, error), current bool, limit int, err error) {
	if strings.HasPrefix(string(hash), argonPrefix) {
		a, salt, digest, err := parseArgon(hash)
		if err != nil {
			return nil, false, 0, err
		}
		return func(text string) (bool, error) { return a.equal(text, salt, digest), nil },
			h.o.Algorithm == Argon2id && a == h.o.Argon, MaxArgon2id, nil
	}
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil || cost > maxCost {
		return nil, false, 0, ErrHash
	}
	return func(text string) (bool, error) {
		err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(text))
		if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			return false, nil
		}
		if err != nil {
			return false, ErrHash
		}
		return true, nil
	}, h.o.Algorithm == Bcrypt && cost == h.o.Cost, MaxBcrypt, nil
}

// Check reports whether a hash that comes from elsewhere, such as an import, can be
// compared here at a cost within bounds: [ErrHash] if not.
func (h *Hasher) Check(hash Hash) error {
	_, _, _, err := h.parse(hash)
	return err
}
