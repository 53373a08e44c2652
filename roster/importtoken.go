package roster

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// ImportLife is how long after its dry run an import can be committed.
const ImportLife = time.Hour

// footing is what a dry run rests on: its rows, and whatever decides about them. An import
// that rests on anything else is not the one that was tried.
type footing struct {
	desk *Desk
	of   credentials.Scope
	hash hash.Hash
}

// footing begins with what holds for every row: the rules of this desk and the key epoch.
func (d *Desk) footing(scope string) (footing, error) {
	b := footing{d, credentials.Scope{Kind: "import", ID: scope}, sha256.New()}
	return b, b.add(d.o.Policy, d.o.Codes, d.o.CardFormats, d.core.Keys.Epoch())
}

// add adds what can be compared as text. Codes go in by their names, because a plain hash
// of short ones could be searched.
func (b footing) add(parts ...any) error {
	text, err := json.Marshal(parts)
	b.hash.Write(text)
	return err
}

// records adds how the records are now, without what they say.
func (b footing) records(ctx context.Context, keys []store.Key) error {
	for chunk := range slices.Chunk(keys, 100) {
		rs, err := b.desk.core.Store.Load(ctx, chunk...)
		if err != nil {
			return err
		}
		for _, r := range rs {
			if err := b.add(r.Key.String(), r.Version); err != nil {
				return err
			}
		}
	}
	return nil
}

// token is what commits an import that was tried at a time.
func (b footing) token(at time.Time) (string, error) {
	keys, stamp := b.desk.core.Keys, strconv.FormatInt(at.UnixNano(), 16)
	f, err := keys.Print(keys.Epoch().Prints[0], b.of, credentials.MarkMaterial(append(b.hash.Sum(nil), stamp...)))
	return stamp + "." + hex.EncodeToString(f[:]), err
}

// redeem reports [ErrImportChanged] unless the token is that of a dry run on the same
// footing, not longer than [ImportLife] ago.
func (b footing) redeem(token string) error {
	stamp, _, _ := strings.Cut(token, ".")
	nanos, err := strconv.ParseInt(stamp, 16, 64)
	if err != nil {
		return ErrImportChanged
	}
	at := time.Unix(0, nanos)
	want, err := b.token(at)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(want)) != 1 {
		return ErrImportChanged
	}
	if b.desk.core.Time().Sub(at) > ImportLife {
		return fmt.Errorf("%w: it was tried too long ago", ErrImportChanged)
	}
	return nil
}
