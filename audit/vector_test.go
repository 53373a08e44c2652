package audit_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// vector is testdata/leaf_v1.json.
type vector struct {
	Body        string            `json:"body"`
	Canonical   string            `json:"canonical"`
	Commitments map[string]string `json:"commitments"`
	Hash        string            `json:"hash"`
	UnixNano    string            `json:"unix_nano"`
	Rows        []struct {
		Row     string `json:"row"`
		Version uint64 `json:"version"`
		Body    string `json:"body"`
	} `json:"rows"`
}

func readVector(t testing.TB) vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/leaf_v1.json")
	require.NoError(t, err)
	var v vector
	require.NoError(t, json.Unmarshal(raw, &v))
	return v
}

func fill(b byte) (s audit.Salt) {
	for i := range s {
		s[i] = b
	}
	return s
}

// The bytes of a leaf are fixed for ever: the vector was made by another program.
// Rules: R189, R190, R253
func TestLeafBytesAreThoseOfTheVector(t *testing.T) {
	v := readVector(t)
	ns, err := strconv.ParseInt(v.UnixNano, 10, 64)
	require.NoError(t, err)
	sealed := make([]byte, 40)
	for i := range sealed {
		sealed[i] = byte(i)
	}
	e := audit.Entry{
		Version: 1, ID: "e-0001", At: time.Unix(0, ns), Action: audit.UserCodeChanged, Outcome: audit.Success,
		Targets: [][]byte{{0, 0xff, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70}, []byte("account-a-31")},
		Fields: []audit.Field{
			audit.Public("actor.kind", "account", fill(1)),
			audit.Public("actor.id", "a-31", fill(2)),
			audit.Personal("actor.name", sealed, "pk-9", fill(3)),
			audit.Public("slot", "004", fill(4)),
			audit.Secret("code"),
			audit.Public("reason", "\"ünï\"\\ \t<&> \u2028", fill(5)),
		},
	}
	for _, r := range v.Rows {
		e.State = append(e.State, audit.State{Row: r.Row, Digest: audit.StateDigest(r.Version, []byte(r.Body))})
	}

	canonical, err := e.Canonical()
	require.NoError(t, err)
	require.Equal(t, v.Canonical, hex.EncodeToString(canonical))
	hash, err := e.Hash()
	require.NoError(t, err)
	require.Equal(t, v.Hash, hex.EncodeToString(hash[:]))
	for _, f := range e.Fields {
		require.Equal(t, v.Commitments[f.Name], hex.EncodeToString(f.Commitment[:]), f.Name)
	}
	body, err := audit.Encode(e)
	require.NoError(t, err)
	require.Equal(t, v.Body, string(body))

	back, err := audit.Decode([]byte(v.Body))
	require.NoError(t, err)
	again, err := back.Hash()
	require.NoError(t, err)
	require.Equal(t, hash, again)
	require.NoError(t, audit.Check(back))
}
