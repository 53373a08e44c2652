package credentials_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

var (
	_ credentials.Keyring = (*credentials.Ring)(nil)
	_ credentials.Sealer  = credentials.SealOnly(nil)
)

// testKey is a key whose bytes begin with first and count up.
func testKey(id string, first byte) credentials.Key {
	root := make([]byte, credentials.KeySize)
	for i := range root {
		root[i] = first + byte(i)
	}
	k, err := credentials.KeyOf(id, root)
	if err != nil {
		panic(err)
	}
	return k
}

// testRing is a keyring of one tenant with the key k1.
func testRing(t require.TestingT) *credentials.Ring {
	r, err := credentials.NewKeyring("acme", []credentials.Key{testKey("k1", 0)}, credentials.KeyringOptions{})
	require.NoError(t, err)
	return r
}

var (
	siteScope = credentials.Scope{Kind: credentials.SiteScope, ID: "s1"}
	binding   = credentials.Binding{Owner: "user/u1", Kind: "code", Generation: 7}
)

// The vectors were made by another program (Python with its cryptography module) from
// what the comments of Ring say. What is stored must be readable for ever.
//
// Rules: G192
func TestStoredFormVectors(t *testing.T) {
	r := testRing(t)
	fingerprint, err := r.Print("k1", siteScope, credentials.CodeMaterial(code("0042")))
	require.NoError(t, err)
	assert.Equal(t, "66823ae6bb479fe588a4118a72d552d9", hex.EncodeToString(fingerprint[:]))

	sealed, err := hex.DecodeString("000102030405060708090a0b7e55c2e696578c470d73327ad73cedc7ee1ab648c46d5ea4f2171de71e24c3cf")
	require.NoError(t, err)
	c, err := credentials.OpenCode(r, r, binding, credentials.Sealed{KeyID: "k1", Bytes: sealed}, siteScope, "k1", fingerprint)
	require.NoError(t, err)
	assert.Equal(t, "0042", c.Reveal())
}

// Rules: G182, G192
func TestFingerprintsDifferInEveryPart(t *testing.T) {
	two, err := credentials.NewKeyring("acme", []credentials.Key{testKey("k1", 0), testKey("k2", 1)}, credentials.KeyringOptions{})
	require.NoError(t, err)
	c := credentials.CodeMaterial(code("0042"))
	seen := map[credentials.Fingerprint]string{}
	for name, args := range map[string]struct {
		ring  *credentials.Ring
		key   string
		scope credentials.Scope
		m     credentials.Material
	}{
		"as it is":       {two, "k1", siteScope, c},
		"another key":    {two, "k2", siteScope, c},
		"another tenant": {two.Tenant("other"), "k1", siteScope, c},
		"another scope":  {two, "k1", credentials.Scope{Kind: credentials.PanelScope, ID: "s1"}, c},
		"another site":   {two, "k1", credentials.Scope{Kind: credentials.SiteScope, ID: "s2"}, c},
		"the tenant":     {two, "k1", credentials.Scope{Kind: credentials.TenantScope}, c},
		"another code":   {two, "k1", siteScope, credentials.CodeMaterial(code("042"))},
		"a tag":          {two, "k1", siteScope, credentials.TagMaterials(tag("42", 8))[0]},
		"a longer tag":   {two, "k1", siteScope, credentials.TagMaterials(tag("42", 16))[0]},
		// parts are framed: what leaves one part does not enter the next
		"tenant into scope": {two.Tenant("acm"), "k1", credentials.Scope{Kind: "esite", ID: "s1"}, c},
	} {
		f, err := args.ring.Print(args.key, args.scope, args.m)
		require.NoError(t, err, name)
		assert.Empty(t, seen[f], "%s gives the same as", name)
		seen[f] = name
		again, err := args.ring.Print(args.key, args.scope, args.m)
		require.NoError(t, err)
		assert.Equal(t, f, again, name)
	}
	_, err = two.Print("k3", siteScope, c)
	assert.ErrorIs(t, err, credentials.ErrKeyMissing)
}

// Rules: G192, G51
func TestSealedValuesOpenOnlyWhereTheyBelong(t *testing.T) {
	r := testRing(t)
	plain := []byte("0042")
	s, err := r.Seal(binding, plain)
	require.NoError(t, err)
	assert.Equal(t, "k1", s.KeyID)
	assert.False(t, s.IsZero())
	assert.True(t, credentials.Sealed{}.IsZero())
	assert.NotContains(t, string(s.Bytes), "0042")

	open := func(r *credentials.Ring, change func(*credentials.Binding, *credentials.Sealed)) error {
		b, c := binding, credentials.Sealed{KeyID: s.KeyID, Bytes: bytes.Clone(s.Bytes)}
		change(&b, &c)
		got, err := r.Open(b, c)
		if err == nil {
			assert.Equal(t, plain, got)
		}
		return err
	}
	assert.NoError(t, open(r, func(*credentials.Binding, *credentials.Sealed) {}))
	assert.NoError(t, open(r, func(b *credentials.Binding, _ *credentials.Sealed) { b.Tenant = "acme" }))
	assert.NoError(t, open(r.Tenant("other"), func(b *credentials.Binding, _ *credentials.Sealed) { b.Tenant = "acme" }))

	twin, err := credentials.NewKeyring("acme", []credentials.Key{testKey("k1", 9)}, credentials.KeyringOptions{})
	require.NoError(t, err)
	renamed, err := credentials.NewKeyring("acme", []credentials.Key{testKey("k9", 0)}, credentials.KeyringOptions{})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		ring   *credentials.Ring
		change func(*credentials.Binding, *credentials.Sealed)
		want   error
	}{
		"another owner":      {r, func(b *credentials.Binding, _ *credentials.Sealed) { b.Owner = "user/u2" }, credentials.ErrDecrypt},
		"another kind":       {r, func(b *credentials.Binding, _ *credentials.Sealed) { b.Kind = "secret" }, credentials.ErrDecrypt},
		"another generation": {r, func(b *credentials.Binding, _ *credentials.Sealed) { b.Generation = 6 }, credentials.ErrDecrypt},
		"another tenant":     {r, func(b *credentials.Binding, _ *credentials.Sealed) { b.Tenant = "other" }, credentials.ErrDecrypt},
		"a tenant's ring":    {r.Tenant("other"), func(*credentials.Binding, *credentials.Sealed) {}, credentials.ErrDecrypt},
		"moved boundary":     {r, func(b *credentials.Binding, _ *credentials.Sealed) { b.Owner, b.Kind = "user/u1c", "ode" }, credentials.ErrDecrypt},
		"cut":                {r, func(_ *credentials.Binding, s *credentials.Sealed) { s.Bytes = s.Bytes[:8] }, credentials.ErrDecrypt},
		"nothing":            {r, func(_ *credentials.Binding, s *credentials.Sealed) { s.Bytes = nil }, credentials.ErrDecrypt},
		"another root":       {twin, func(*credentials.Binding, *credentials.Sealed) {}, credentials.ErrDecrypt},
		"another key id":     {renamed, func(_ *credentials.Binding, s *credentials.Sealed) { s.KeyID = "k9" }, credentials.ErrDecrypt},
		"an unknown key":     {r, func(_ *credentials.Binding, s *credentials.Sealed) { s.KeyID = "k2" }, credentials.ErrKeyMissing},
	} {
		assert.ErrorIs(t, open(c.ring, c.change), c.want, name)
	}
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, 8*len(s.Bytes)-1).Draw(rt, "bit")
		err := open(r, func(_ *credentials.Binding, s *credentials.Sealed) { s.Bytes[i/8] ^= 1 << (i % 8) })
		assert.ErrorIs(rt, err, credentials.ErrDecrypt)
	})
}

func TestSealingTwiceDiffers(t *testing.T) {
	r := testRing(t)
	seen := map[string]bool{}
	for range 1000 {
		s, err := r.Seal(binding, []byte("0042"))
		require.NoError(t, err)
		require.False(t, seen[string(s.Bytes)])
		seen[string(s.Bytes)] = true
	}
}

// Rules: G191
func TestRotationKeepsOldKeysForReading(t *testing.T) {
	k1, k2 := testKey("k1", 0), testKey("k2", 1)
	before, err := credentials.NewKeyring("acme", []credentials.Key{k1}, credentials.KeyringOptions{})
	require.NoError(t, err)
	assert.Equal(t, credentials.Epoch{N: 1, Prints: []string{"k1"}, Seal: "k1"}, before.Epoch())
	old, err := before.Seal(binding, []byte("0042"))
	require.NoError(t, err)

	epoch := credentials.Epoch{N: 2, Prints: []string{"k2", "k1"}, Seal: "k2"}
	during, err := credentials.NewKeyring("acme", []credentials.Key{k1, k2}, credentials.KeyringOptions{Epoch: epoch})
	require.NoError(t, err)
	assert.Equal(t, epoch, during.Epoch())
	got, err := during.Open(binding, old)
	require.NoError(t, err)
	assert.Equal(t, "0042", string(got))
	fresh, err := during.Seal(binding, []byte("0042"))
	require.NoError(t, err)
	assert.Equal(t, "k2", fresh.KeyID)
	_, err = before.Open(binding, fresh)
	assert.ErrorIs(t, err, credentials.ErrKeyMissing)

	during.Epoch().Prints[0] = "changed"
	assert.Equal(t, epoch, during.Epoch(), "what a caller does to its copy stays there")
}

func TestKeyringsAreCheckedWhenTheyAreMade(t *testing.T) {
	k1 := testKey("k1", 0)
	for name, c := range map[string]struct {
		keys  []credentials.Key
		epoch credentials.Epoch
		want  error
	}{
		"no key":        {nil, credentials.Epoch{}, credentials.ErrKeyForm},
		"a zero key":    {[]credentials.Key{{}}, credentials.Epoch{}, credentials.ErrKeyForm},
		"one id twice":  {[]credentials.Key{k1, testKey("k1", 3)}, credentials.Epoch{}, credentials.ErrKeyForm},
		"unknown print": {[]credentials.Key{k1}, credentials.Epoch{N: 1, Prints: []string{"k2"}, Seal: "k1"}, credentials.ErrKeyMissing},
		"unknown seal":  {[]credentials.Key{k1}, credentials.Epoch{N: 1, Prints: []string{"k1"}, Seal: "k2"}, credentials.ErrKeyMissing},
		"no seal":       {[]credentials.Key{k1}, credentials.Epoch{N: 1, Prints: []string{"k1"}}, credentials.ErrKeyMissing},
	} {
		_, err := credentials.NewKeyring("acme", c.keys, credentials.KeyringOptions{Epoch: c.epoch})
		assert.ErrorIs(t, err, c.want, name)
	}
	for name, c := range map[string]struct {
		id   string
		root []byte
	}{
		"short":     {"k1", make([]byte, 16)},
		"all equal": {"k1", bytes.Repeat([]byte{7}, credentials.KeySize)},
		"no id":     {"", []byte("0123456789abcdef0123456789abcdef")},
		"long id":   {"0123456789abcdefg", []byte("0123456789abcdef0123456789abcdef")},
		"odd id":    {"K|1", []byte("0123456789abcdef0123456789abcdef")},
	} {
		_, err := credentials.KeyOf(c.id, c.root)
		assert.ErrorIs(t, err, credentials.ErrKeyForm, name)
		assert.NotContains(t, err.Error(), "0123456789abcdef0123", name)
	}
}

func TestGeneratedKeysDiffer(t *testing.T) {
	a, b := credentials.GenerateKey(), credentials.GenerateKey()
	assert.NotEqual(t, a, b)
	assert.NotEqual(t, a.ID(), b.ID())
	_, err := credentials.KeyOf(a.ID(), bytes.Repeat([]byte{1, 2}, credentials.KeySize/2))
	assert.NoError(t, err, "its id is one that a host may give")
}

func TestKeysCannotPrint(t *testing.T) {
	const root = "an entirely secret root key, yes"
	k, err := credentials.KeyOf("k1", []byte(root))
	require.NoError(t, err)
	r, err := credentials.NewKeyring("acme", []credentials.Key{k}, credentials.KeyringOptions{})
	require.NoError(t, err)
	for _, v := range []any{k, &k, r, *r, credentials.SealOnly(r), struct{ K *credentials.Ring }{r}} {
		out := everyForm(t, v)
		assert.NotContains(t, out, root)
		assert.NotContains(t, out, hex.EncodeToString([]byte(root)))
		assert.NotContains(t, out, "97 110 32 101", "bytes in decimal")
		assert.NotContains(t, out, "keys:", "a structure")
	}
}

// Rules: G192
func TestTheSealingFaceDoesNotOpen(t *testing.T) {
	r := testRing(t)
	face := credentials.SealOnly(r)
	_, opens := face.(credentials.Opener)
	assert.False(t, opens)
	s, err := face.Seal(binding, []byte("0042"))
	require.NoError(t, err)
	got, err := r.Open(binding, s)
	require.NoError(t, err)
	assert.Equal(t, "0042", string(got))
	assert.Equal(t, r.Epoch(), face.Epoch())
	want, err := r.Print("k1", siteScope, credentials.CodeMaterial(code("0042")))
	require.NoError(t, err)
	fingerprint, err := face.Print("k1", siteScope, credentials.CodeMaterial(code("0042")))
	require.NoError(t, err)
	assert.Equal(t, want, fingerprint)
}

func TestNamesFitAStore(t *testing.T) {
	name := credentials.Name(credentials.Scope{Kind: credentials.TenantScope, ID: string(bytes.Repeat([]byte{'x'}, 64))},
		"0123456789abcdef", credentials.Fingerprint{})
	assert.LessOrEqual(t, len(name), 128)
	assert.Equal(t, "site/s1|k1|AAAAAAAAAAAAAAAAAAAAAA", credentials.Name(siteScope, "k1", credentials.Fingerprint{}))
}

func BenchmarkPrint(b *testing.B) {
	r, m := testRing(b), credentials.CodeMaterial(code("0042"))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.Print("k1", siteScope, m)
	}
}

func BenchmarkSealAndOpen(b *testing.B) {
	r := testRing(b)
	b.ReportAllocs()
	for b.Loop() {
		s, _ := r.Seal(binding, []byte("0042"))
		_, _ = r.Open(binding, s)
	}
}
