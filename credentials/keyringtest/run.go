package keyringtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// Bench is what is tested: keyrings that were made in different ways. Each is new for
// each call.
type Bench struct {
	// Old has one key.
	Old credentials.Turnable
	// Both has that key and another one, of the same tenant. Its epoch is that of Old.
	Both credentials.Turnable
	// Tenant has the key of Old and is of another tenant.
	Tenant credentials.Keyring
	// Secrets are bytes that must not be seen when a keyring is printed, such as of its
	// keys; none: they are not known.
	Secrets [][]byte
}

// Run runs all tests.
func Run(t *testing.T, open func(t testing.TB) Bench) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Bench){
		"Epochs": epochs, "Fingerprints": fingerprints, "Sealing": sealing, "Binding": bound, "Codes": codes,
		"Rotating": rotating, "ManyAtOnce": atOnce, "Printing": printing,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var (
	site  = credentials.Scope{Kind: credentials.SiteScope, ID: "s1"}
	owner = credentials.Binding{Owner: "user/u1", Kind: "code", Generation: 7}
)

func code(t testing.TB, digits string) credentials.Code {
	t.Helper()
	c, err := credentials.ParseCode(digits)
	must(t, err)
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// epochs: an epoch names keys that are there, and what a caller does to its copy stays
// with the caller.
func epochs(t *testing.T, b Bench) {
	e := b.Old.Epoch()
	if e.N == 0 || len(e.Prints) != 1 || e.Seal != e.Prints[0] || !slices.Equal(b.Old.Keys(), e.Prints) {
		t.Errorf("epoch %+v of the keys %v", e, b.Old.Keys())
	}
	keys := b.Both.Keys()
	if len(keys) != 2 || !slices.IsSorted(keys) || !slices.Contains(keys, e.Seal) {
		t.Errorf("both keys are %v", keys)
	}
	for _, id := range keys {
		if len(id) == 0 || len(id) > 16 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
			t.Errorf("%q is no id of a key", id)
		}
	}
	e.Prints[0] = "changed"
	if b.Old.Epoch().Prints[0] == "changed" {
		t.Error("a caller changed the epoch")
	}
	_, err := b.Old.At(credentials.Epoch{N: 9, Prints: keys, Seal: keys[0]})
	is(t, "an epoch with a key that is not there", err, credentials.ErrKeyMissing)
}

// fingerprints: equal for what is equal, different in every part, and none without the key.
func fingerprints(t *testing.T, b Bench) {
	key, m := b.Old.Epoch().Seal, credentials.CodeMaterial(code(t, "0042"))
	tag, err := credentials.ParseTag("42", 8)
	must(t, err)
	other := other(t, b)
	seen := map[credentials.Fingerprint]string{}
	for _, c := range []struct {
		what  string
		ring  credentials.Sealer
		key   string
		scope credentials.Scope
		m     credentials.Material
	}{
		{"as it is", b.Old, key, site, m},
		{"another key", b.Both, other, site, m},
		{"another tenant", b.Tenant, key, site, m},
		{"another scope", b.Old, key, credentials.Scope{Kind: credentials.PanelScope, ID: "s1"}, m},
		{"another site", b.Old, key, credentials.Scope{Kind: credentials.SiteScope, ID: "s2"}, m},
		{"the tenant", b.Old, key, credentials.Scope{Kind: credentials.TenantScope}, m},
		{"another code", b.Old, key, site, credentials.CodeMaterial(code(t, "042"))},
		{"a tag", b.Old, key, site, credentials.TagMaterials(tag)[0]},
		{"parts that run together", b.Old, key, credentials.Scope{Kind: "site/s", ID: "1"}, m},
	} {
		f, err := c.ring.Print(c.key, c.scope, c.m)
		must(t, err)
		if before, twice := seen[f]; twice {
			t.Errorf("%s has the fingerprint of %s", c.what, before)
		}
		seen[f] = c.what
		again, err := c.ring.Print(c.key, c.scope, c.m)
		must(t, err)
		if again != f {
			t.Errorf("%s has two fingerprints", c.what)
		}
	}
	f, err := b.Both.Print(key, site, m)
	must(t, err)
	if seen[f] != "as it is" {
		t.Error("the fingerprint depends on what other keys there are")
	}
	_, err = b.Old.Print(other, site, m)
	is(t, "a fingerprint under a key that is not there", err, credentials.ErrKeyMissing)
}

// other is the key that only Both has.
func other(t testing.TB, b Bench) string {
	t.Helper()
	for _, id := range b.Both.Keys() {
		if !slices.Contains(b.Old.Keys(), id) {
			return id
		}
	}
	t.Fatal("Both has no further key")
	return ""
}

// sealing: what is sealed opens again, says nothing, is never the same twice, and does not
// open when a bit of it is changed.
func sealing(t *testing.T, b Bench) {
	plain := []byte("0042 and more that must not be seen")
	s, err := b.Old.Seal(owner, plain)
	must(t, err)
	if s.KeyID != b.Old.Epoch().Seal || bytes.Contains(s.Bytes, plain[:8]) {
		t.Errorf("sealed under %q", s.KeyID)
	}
	got, err := b.Old.Open(owner, s)
	must(t, err)
	if !bytes.Equal(got, plain) {
		t.Error("something else was opened")
	}
	again, err := b.Old.Seal(owner, plain)
	must(t, err)
	if bytes.Equal(again.Bytes, s.Bytes) || len(again.Bytes) != len(s.Bytes) {
		t.Error("sealing twice gives the same bytes, or bytes of another length")
	}
	for i := range 8 * len(s.Bytes) {
		bad := credentials.Sealed{KeyID: s.KeyID, Bytes: bytes.Clone(s.Bytes)}
		bad.Bytes[i/8] ^= 1 << (i % 8)
		if _, err := b.Old.Open(owner, bad); !errors.Is(err, credentials.ErrDecrypt) {
			t.Fatalf("bit %d is changed: %v", i, err)
		}
	}
	for _, n := range []int{0, 1, len(s.Bytes) / 2, len(s.Bytes) - 1} {
		_, err := b.Old.Open(owner, credentials.Sealed{KeyID: s.KeyID, Bytes: s.Bytes[:n]})
		is(t, fmt.Sprintf("%d bytes are left", n), err, credentials.ErrDecrypt)
	}
	_, err = b.Old.Open(owner, credentials.Sealed{KeyID: "gone", Bytes: s.Bytes})
	is(t, "sealed under a key that is not there", err, credentials.ErrKeyMissing)
	_, err = b.Both.Open(owner, credentials.Sealed{KeyID: other(t, b), Bytes: s.Bytes})
	is(t, "sealed under another key than it says", err, credentials.ErrDecrypt)
}

// bound: what is sealed opens nowhere else.
func bound(t *testing.T, b Bench) {
	s, err := b.Old.Seal(owner, []byte("0042"))
	must(t, err)
	for what, move := range map[string]func(*credentials.Binding){
		"another owner":           func(o *credentials.Binding) { o.Owner = "user/u2" },
		"another kind":            func(o *credentials.Binding) { o.Kind = "secret" },
		"another generation":      func(o *credentials.Binding) { o.Generation++ },
		"another tenant":          func(o *credentials.Binding) { o.Tenant = "somebody else" },
		"parts that run together": func(o *credentials.Binding) { o.Owner, o.Kind = "user/u1c", "ode" },
	} {
		at := owner
		move(&at)
		_, err := b.Old.Open(at, s)
		is(t, what, err, credentials.ErrDecrypt)
	}
	_, err = b.Tenant.Open(owner, s)
	is(t, "the keyring of another tenant", err, credentials.ErrDecrypt)
}

// codes: sealed codes of every length have one size, and keep their zeros.
func codes(t *testing.T, b Bench) {
	size := 0
	for n := 1; n <= credentials.MaxDigits; n++ {
		c := code(t, strings.Repeat("0", n))
		s, err := credentials.SealCode(b.Old, owner, c)
		must(t, err)
		if size = max(size, len(s.Bytes)); len(s.Bytes) != size {
			t.Errorf("%d digits make %d bytes, fewer make %d", n, len(s.Bytes), size)
		}
		names, err := credentials.Names(b.Old, site, credentials.CodeMaterial(c))
		must(t, err)
		got, err := credentials.OpenNamedCode(b.Old, b.Old, owner, s, site, names)
		must(t, err)
		if !got.Equal(c) {
			t.Errorf("%d zeros are something else", n)
		}
	}
}

// rotating: through every phase, what was claimed and sealed before is found and opened.
func rotating(t *testing.T, b Bench) {
	c := code(t, "0042")
	sealed, err := credentials.SealCode(b.Old, owner, c)
	must(t, err)
	names, err := credentials.Names(b.Old, site, credentials.CodeMaterial(c))
	must(t, err)
	r, err := credentials.Rotate(b.Old.Epoch(), other(t, b))
	must(t, err)
	ring := credentials.Follow(b.Old)
	must(t, ring.Use(b.Both))
	for r.Phase < credentials.ReadingOld {
		r, err = r.Next(credentials.Tally{})
		must(t, err)
		must(t, ring.Turn(r.Epoch()))
		got, err := credentials.OpenNamedCode(ring, ring, owner, sealed, site, names)
		if r.Phase < credentials.ReadingOld {
			must(t, err)
		}
		now, err := credentials.Names(ring, site, credentials.CodeMaterial(c))
		must(t, err)
		if r.Phase < credentials.ReadingOld && (!got.Equal(c) || !slices.Contains(now, names[0])) {
			t.Errorf("phase %d: the code from before is not found", r.Phase)
		}
		if sealed, err = credentials.SealCode(ring, owner, c); err != nil || sealed.KeyID != r.Epoch().Seal {
			t.Errorf("phase %d: sealed under %q, %v", r.Phase, sealed.KeyID, err)
		}
		names = now
	}
	is(t, "the old keyring in the new epoch", credentials.Follow(b.Old).Turn(r.Epoch()), credentials.ErrKeyMissing)
	_, err = b.Old.Open(owner, sealed)
	is(t, "the old keyring and a new value", err, credentials.ErrKeyMissing)
}

// atOnce: many goroutines use one keyring.
func atOnce(t *testing.T, b Bench) {
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			c, err := credentials.ParseCode(fmt.Sprintf("%04d", n))
			for range 50 {
				var f, again credentials.Fingerprint
				var s credentials.Sealed
				var got []byte
				if err == nil {
					f, err = b.Old.Print(b.Old.Epoch().Seal, site, credentials.CodeMaterial(c))
				}
				if err == nil {
					s, err = b.Old.Seal(owner, f[:])
				}
				if err == nil {
					got, err = b.Old.Open(owner, s)
				}
				if err == nil {
					again, err = b.Old.Print(b.Old.Epoch().Seal, site, credentials.CodeMaterial(c))
				}
				if err != nil || !bytes.Equal(got, f[:]) || again != f {
					t.Errorf("goroutine %d: %v", n, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// printing: no way of printing a keyring shows anything of its keys.
func printing(t *testing.T, b Bench) {
	for _, v := range []any{b.Old, b.Both, b.Tenant} {
		text, _ := json.Marshal(v) // what has no JSON form shows none
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
			text = fmt.Appendf(append(text, '\n'), verb, v)
		}
		for _, secret := range b.Secrets {
			if bytes.Contains(text, secret) {
				t.Errorf("%T shows its keys", v)
			}
		}
		if len(text) > 2000 {
			t.Errorf("%T prints as %d bytes", v, len(text))
		}
	}
}
