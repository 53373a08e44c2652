package soak

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
)

var everyGuess = flag.Bool("soak.stolen", false, "try every guess on codes of 6 digits too")

// loot is what a thief makes of stolen files: every run of 8 bytes, also of what is
// written in base64 or hexadecimal.
type loot map[uint64]bool

func (l loot) add(b []byte) {
	for i := range len(b) - 7 {
		l[binary.LittleEndian.Uint64(b[i:])] = true
	}
}

func (l loot) has(digest []byte) bool { return l[binary.LittleEndian.Uint64(digest)] }

var words = regexp.MustCompile(`[0-9A-Za-z+/_-]{12,}`)

func steal(files ...[]byte) loot {
	l := loot{}
	for _, b := range files {
		l.add(b)
		for _, w := range words.FindAll(b, -1) {
			for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				for cut := range 4 { // a word may begin anywhere in what was run together
					part := w[min(cut, len(w)):]
					if raw, err := enc.DecodeString(string(part[:len(part)/4*4])); err == nil {
						l.add(raw)
					}
				}
			}
			if raw, err := hex.DecodeString(strings.ToLower(string(w[:len(w)/2*2]))); err == nil {
				l.add(raw)
			}
		}
	}
	return l
}

// guesses are the digests that somebody without a key can make of digits.
func (l loot) guesses(digits string, known [][]byte, hit func(how string)) {
	d := []byte(digits)
	sha, sha1sum, md := sha256.Sum256(d), sha1.Sum(d), md5.Sum(d)
	for how, sum := range map[string][]byte{"SHA-256": sha[:], "SHA-1": sha1sum[:], "MD5": md[:]} {
		if l.has(sum) {
			hit(how)
		}
	}
	for _, k := range known {
		mac := hmac.New(sha256.New, k)
		mac.Write(d)
		salted := sha256.Sum256(append(slices.Clone(k), d...))
		if l.has(mac.Sum(nil)) || l.has(salted[:]) {
			hit(fmt.Sprintf("with %q", k))
		}
	}
}

// everyCode calls for all codes of 4 digits, and of 6 digits if the run is not short.
func everyCode(try func(digits string)) {
	for _, n := range []int{4, 6} {
		if n == 6 && testing.Short() {
			return
		}
		most := 1
		for range n {
			most *= 10
		}
		for i := range most {
			try(fmt.Sprintf("%0*d", n, i))
		}
	}
}

// A stolen database gives no code: nobody's digits are in any byte of the files, and no
// digest that can be made of any code of 4 or 6 digits without a key is. Whoever has the
// keys as well finds every code by trying: how fast is logged.
//
// With every guess on the long codes too: go test ./examples/soak -run Stolen -soak.stolen
//
// Rules: G51, G68, G192
func TestAStolenDatabaseGivesNoCode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyholder.db")
	s := &site{T: t, heard: map[string]bool{}, clock: time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC), ring: []credentials.Key{credentials.GenerateKey()}}
	s.fleet = s.file(path)
	s.open()
	s.furnish(4)
	planted := []string{"7294", "370582", "5093", "946210"}
	for i, digits := range planted[:2] {
		c, err := credentials.ParseCode(digits)
		require.NoError(t, err)
		require.NoError(t, s.desk.As(s.actor()).Person(s.ids[i]).SetPIN(t.Context(), c))
		duress, err := credentials.ParseCode(planted[2+i])
		require.NoError(t, err)
		require.NoError(t, s.desk.As(s.actor()).Person(s.ids[i]).SetDuressPIN(t.Context(), duress))
		for _, shown := range []credentials.Code{c, duress} {
			a, err := s.door.Decide(t.Context(), door.ByKey(s.reader), door.Entry{Point: frontDoor, Shown: door.Shown{Medium: credentials.Keypad, Code: shown}})
			require.NoError(t, err)
			require.Equal(t, credentials.Granted, a.Reason)
		}
	}
	tag, err := credentials.ParseTag("9c3f71d2", 32)
	require.NoError(t, err)
	_, err = s.desk.As(s.actor()).Person(s.ids[2]).AddTag(t.Context(), tag, "blue")
	require.NoError(t, err)

	paths, err := filepath.Glob(path + "*") // with what is not yet in the database itself
	require.NoError(t, err)
	require.Len(t, paths, 3, "database, log and index of the log: %v", paths)
	var files [][]byte
	for _, p := range paths {
		b, err := os.ReadFile(p)
		require.NoError(t, err)
		files = append(files, b)
	}
	all := bytes.Join(files, nil)
	for _, text := range []string{"370582", "946210", "9c3f71d2", "2621403602"} { // the tag's number too
		alone := regexp.MustCompile(`(?i)(^|[^0-9a-z])` + text + `([^0-9a-z]|$)`)
		require.False(t, alone.Match(all), text)
	}

	l := steal(files...)
	known := [][]byte{nil, []byte("tenant/"), []byte("tenant/|" + s.ring[0].ID() + "|"), []byte(s.ring[0].ID())}
	for _, id := range s.ids[:2] {
		known = append(known, []byte(id))
	}
	everyCode(func(digits string) {
		known := known
		if len(digits) == 6 && !*everyGuess {
			known = known[:1]
		}
		l.guesses(digits, known, func(how string) { t.Errorf("a code is found: %s", how) })
	})

	weak := hmac.New(sha256.New, []byte(s.ids[0])) // the search can tell: somebody stored a digest like this
	weak.Write([]byte("5093"))
	careless := steal([]byte(`{"hash":"` + base64.StdEncoding.EncodeToString(weak.Sum(nil)) + `"}`))
	found := 0
	careless.guesses("5093", known, func(string) { found++ })
	require.Equal(t, 1, found)

	// Whoever has the key tries them all.
	scope, keyID := credentials.Scope{Kind: credentials.TenantScope}, s.ring[0].ID()
	began, tried, open := time.Now(), 0, map[string]bool{}
	everyCode(func(digits string) {
		c, err := credentials.ParseCode(digits)
		require.NoError(t, err)
		f, err := s.follow.Print(keyID, scope, credentials.CodeMaterial(c))
		require.NoError(t, err)
		if tried++; l.has(f[:]) {
			open[digits] = true
		}
	})
	for _, digits := range planted {
		require.True(t, open[digits] || testing.Short() && len(digits) == 6)
	}
	t.Logf("with the key of the fingerprints: %d codes tried in %s, %.1f million a second", tried, time.Since(began), float64(tried)/time.Since(began).Seconds()/1e6)
}
