package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// kept makes a log with one entry and returns its key and a proof that shows the filter
// of that entry and withholds the rest.
func kept(t *testing.T) (key audit.SigningKey, proof []byte) {
	t.Helper()
	key, err := audit.GenerateKey("example.com/log")
	require.NoError(t, err)
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	st := memstore.Open()
	owner := accounts.HostActor("owner", "Planted Name", "test")
	j, err := journal.New(journal.Options{Store: st, Keys: keys, Signer: key,
		Authority: accounts.StaticAuthority{"owner": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}})
	require.NoError(t, err)
	r := j.As(owner)
	_, err = r.Query(t.Context(), journal.Query{Filter: journal.Filter{Actor: "somebody"}})
	require.NoError(t, err)
	p, err := r.Query(t.Context(), journal.Query{Filter: journal.Filter{Until: time.Now().Add(time.Hour)}})
	require.NoError(t, err)
	proof, err = r.Prove(t.Context(), p.Entries[0].ID, audit.FieldFilter, audit.FieldActorName)
	require.NoError(t, err)
	return key, proof
}

func try(t *testing.T, key, proof string) (code int, out, problems string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "entry.tlog-proof")
	require.NoError(t, os.WriteFile(file, []byte(proof), 0o600))
	var o, p bytes.Buffer
	code = run([]string{"-key", key, file}, strings.NewReader(""), &o, &p)
	return code, o.String(), p.String()
}

// An owner's file and the public key are all that is needed.
//
// Rules: R254
func TestAProofIsCheckedWithThePublicKeyAlone(t *testing.T) {
	key, proof := kept(t)
	code, out, problems := try(t, key.Public().String(), string(proof))
	require.Equal(t, proven, code, problems)
	assert.Contains(t, out, "PROVEN: entry 0 of the 1 that example.com/log has signed")
	assert.Contains(t, out, `field    filter: "actor somebody"`)
	assert.Contains(t, out, "field    count: withheld")
	assert.Contains(t, out, "field    actor.name: sealed: person:host/owner")
	assert.NotContains(t, out, "Planted Name")

	var o, p bytes.Buffer
	require.Equal(t, proven, run([]string{"-key", key.Public().String(), "-"}, bytes.NewReader(proof), &o, &p))
	assert.Equal(t, out, o.String())
}

// Not one byte of the file may differ, and no other key will do.
//
// Rules: R254
func TestNothingElseIsProven(t *testing.T) {
	key, proof := kept(t)
	for i := range proof {
		changed := bytes.Clone(proof)
		changed[i] ^= 1
		var o, p bytes.Buffer
		require.Equal(t, notProven, run([]string{"-key", key.Public().String(), "-"}, bytes.NewReader(changed), &o, &p), "byte %d", i)
		require.Zero(t, o.Len())
	}
	other, err := audit.GenerateKey("example.com/log")
	require.NoError(t, err)
	code, out, problems := try(t, other.Public().String(), string(proof))
	require.Equal(t, notProven, code)
	assert.Empty(t, out)
	assert.Contains(t, problems, "NOT PROVEN")

	code, _, _ = try(t, key.Public().String(), strings.Repeat("x", maxProof+1))
	require.Equal(t, notProven, code)
	for _, args := range [][]string{nil, {"-key", "k"}, {"file"}, {"-nonsense"}} {
		require.Equal(t, notUnderstood, run(args, strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}))
	}
	require.Equal(t, notProven, run([]string{"-key", key.Public().String(), "no such file"}, strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}))
	require.Equal(t, notProven, run([]string{"-key", "nonsense", "-"}, bytes.NewReader(proof), &bytes.Buffer{}, &bytes.Buffer{}))
}
