package audit_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// signedLog returns a log of n entries and its checkpoint.
func signedLog(t testing.TB, n int) (*memLog, audit.SigningKey, audit.Checkpoint) {
	t.Helper()
	key := newKey(t)
	m := &memLog{}
	m.grow(t, n, key)
	c, err := audit.OpenCheckpoint(m.checkpoints[len(m.checkpoints)-1], origin, key.Public())
	require.NoError(t, err)
	return m, key, c
}

// Every entry of logs of every small size has a proof that holds, and holds for no other
// entry and no other place.
// Rules: R191, R254
func TestProofsHoldForTheirEntryOnly(t *testing.T) {
	for n := 1; n <= 20; n++ {
		m, key, c := signedLog(t, n)
		for i := range n {
			e, _ := entryAt(i)
			p, err := audit.Prove(e, int64(i), c, m.read)
			require.NoError(t, err)
			text, err := p.MarshalText()
			require.NoError(t, err)
			back, err := audit.ParseProof(text)
			require.NoError(t, err)
			got, err := audit.CheckProof(back, origin, key.Public())
			require.NoError(t, err)
			require.Equal(t, c.Root, got.Root)

			other, _ := entryAt(i + 1)
			_, err = audit.Prove(other, int64(i), c, m.read)
			require.ErrorIs(t, err, audit.ErrProof)
			back.Entry = other
			_, err = audit.CheckProof(back, origin, key.Public())
			require.ErrorIs(t, err, audit.ErrProof)
			p.Index++
			_, err = audit.CheckProof(p, origin, key.Public())
			require.ErrorIs(t, err, audit.ErrProof)
		}
		e, _ := entryAt(n)
		_, err := audit.Prove(e, int64(n), c, m.read)
		require.ErrorIs(t, err, audit.ErrProof)
	}
}

// A proof shows the chosen fields and nothing of the others.
// Rules: R255
func TestProofWithholdsTheOtherFields(t *testing.T) {
	m, key, c := signedLog(t, 40)
	e, _ := entryAt(11)
	p, err := audit.Prove(e.Disclose(audit.FieldSlot), 11, c, m.read)
	require.NoError(t, err)
	text, err := p.MarshalText()
	require.NoError(t, err)
	q, err := audit.ParseProof(text)
	require.NoError(t, err)
	_, err = audit.CheckProof(q, origin, key.Public())
	require.NoError(t, err)
	require.Equal(t, "4", q.Entry.Value(audit.FieldSlot))
	for _, f := range q.Entry.Fields {
		require.Equal(t, f.Name != audit.FieldSlot && f.Class != audit.ClassSecret, f.Withheld, f.Name)
	}
	body, err := q.Entry.MarshalJSON()
	require.NoError(t, err)
	require.NotContains(t, string(body), "a-2")
	require.NotContains(t, string(body), `"sealed"`)

	q.Entry.Fields[2] = audit.Public(audit.FieldSlot, "5", q.Entry.Fields[2].Salt)
	_, err = audit.CheckProof(q, origin, key.Public())
	require.ErrorIs(t, err, audit.ErrProof, "a shown value that was changed")
}

// A character of a proof's file cannot be changed without breaking the proof.
// Rules: R254
func TestEveryCharacterOfAProofCounts(t *testing.T) {
	m, key, c := signedLog(t, 7)
	e, _ := entryAt(3)
	p, err := audit.Prove(e, 3, c, m.read)
	require.NoError(t, err)
	text, err := p.MarshalText()
	require.NoError(t, err)
	for i := range text {
		bad := bytes.Clone(text)
		bad[i] ^= 1
		q, err := audit.ParseProof(bad)
		if err == nil {
			_, err = audit.CheckProof(q, origin, key.Public())
		}
		require.Error(t, err, "character %d: %q", i, text[i])
	}
}

// The text is that of c2sp.org/tlog-proof@v1.
func TestProofText(t *testing.T) {
	m, _, c := signedLog(t, 5)
	e, _ := entryAt(4)
	p, err := audit.Prove(e, 4, c, m.read)
	require.NoError(t, err)
	text, err := p.MarshalText()
	require.NoError(t, err)
	lines := strings.SplitN(string(text), "\n", 6)
	require.Equal(t, "c2sp.org/tlog-proof@v1", lines[0])
	require.True(t, strings.HasPrefix(lines[1], "extra "))
	require.Equal(t, "index 4", lines[2])
	require.Len(t, lines[3], 44)
	require.Empty(t, lines[4])
	require.Equal(t, string(c.Text), lines[5])

	var q audit.Proof
	require.NoError(t, q.UnmarshalText(text))
	require.Equal(t, p, q)
	for name, bad := range map[string]string{
		"empty":         "",
		"other version": strings.Replace(string(text), "@v1", "@v2", 1),
		"no entry":      strings.Replace(string(text), lines[1]+"\n", "", 1),
		"zero before":   strings.Replace(string(text), "index 4", "index 04", 1),
		"negative":      strings.Replace(string(text), "index 4", "index -4", 1),
		"no index":      strings.Replace(string(text), "index 4\n", "", 1),
		"short hash":    strings.Replace(string(text), lines[3], lines[3][4:], 1),
		"too many":      strings.Replace(string(text), lines[3], strings.Repeat(lines[3]+"\n", 64)+lines[3], 1),
		"no blank line": strings.Replace(string(text), "\n\n", "\n", -1),
	} {
		require.ErrorIs(t, q.UnmarshalText([]byte(bad)), audit.ErrProof, name)
	}
	require.Equal(t, p, q, "unchanged by what was refused")
}

func FuzzParseProof(f *testing.F) {
	m, key, c := signedLog(f, 5)
	e, _ := entryAt(2)
	p, err := audit.Prove(e.Disclose(), 2, c, m.read)
	require.NoError(f, err)
	text, err := p.MarshalText()
	require.NoError(f, err)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := audit.ParseProof(text)
		if err != nil {
			return
		}
		again, err := p.MarshalText()
		require.NoError(t, err)
		require.Equal(t, text, again)
		_, _ = audit.CheckProof(p, origin, key.Public())
	})
}

// Rules: R254
func TestConsistencyProofs(t *testing.T) {
	m, _, _ := signedLog(t, 33)
	other := &memLog{}
	for i := range 33 {
		e, _ := entryAt(i)
		e.ID += "x"
		other.add(t, leafOf(t, e, int64(i)))
	}
	at := func(m *memLog, n int64) audit.Checkpoint {
		return audit.Checkpoint{Origin: origin, Size: n, Root: m.root(t, n)}
	}
	rapid.Check(t, func(r *rapid.T) {
		older := rapid.Int64Range(0, 33).Draw(r, "older")
		newer := rapid.Int64Range(older, 33).Draw(r, "newer")
		p, err := audit.ProveConsistency(older, newer, m.read)
		require.NoError(r, err)
		require.NoError(r, audit.CheckConsistency(p, at(m, older), at(m, newer)))
		if older > 0 {
			require.ErrorIs(r, audit.CheckConsistency(p, at(other, older), at(m, newer)), audit.ErrProof)
		}
		if newer > 0 && older > 0 {
			require.ErrorIs(r, audit.CheckConsistency(p, at(m, older), at(other, newer)), audit.ErrProof)
		}
		if newer > older {
			require.ErrorIs(r, audit.CheckConsistency(p, at(m, newer), at(m, older)), audit.ErrProof)
		}
	})
	stranger := at(m, 3)
	stranger.Origin = "example.com/other"
	require.ErrorIs(t, audit.CheckConsistency(nil, stranger, at(m, 3)), audit.ErrProof)
	fake := at(m, 0)
	fake.Root[0] ^= 1
	require.ErrorIs(t, audit.CheckConsistency(nil, fake, at(m, 3)), audit.ErrProof)
}

// Rules: R254
func TestCheckpointText(t *testing.T) {
	key := newKey(t)
	root := tlog.RecordHash([]byte("x"))
	text, err := audit.SignCheckpoint(origin, 20852163, root, key)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), fmt.Sprintf("%s\n20852163\n%s\n\n— %s ", origin, root, origin)), string(text))
	c, err := audit.OpenCheckpoint(text, origin, key.Public())
	require.NoError(t, err)
	require.Equal(t, audit.Checkpoint{Origin: origin, Size: 20852163, Root: root, Text: text, Keys: []string{origin}}, c)

	witness, err := audit.GenerateKey("witness.example")
	require.NoError(t, err)
	_, err = audit.SignCheckpoint(origin, 1, root, witness)
	require.ErrorIs(t, err, audit.ErrCheckpoint, "the log itself must sign")
	_, err = audit.SignCheckpoint(origin, -1, root, key)
	require.ErrorIs(t, err, audit.ErrCheckpoint)
	both, err := audit.SignCheckpoint(origin, 1, root, key, witness)
	require.NoError(t, err)
	_, err = audit.OpenCheckpoint(both, origin, witness.Public())
	require.ErrorIs(t, err, audit.ErrCheckpoint, "a witness alone is not the log")
	stray := bytes.LastIndexByte(text, '=') - 1
	digits := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	same := bytes.Clone(text)
	same[stray] = digits[strings.IndexByte(digits, text[stray])+1]
	_, err = audit.OpenCheckpoint(same, origin, key.Public())
	require.ErrorIs(t, err, audit.ErrCheckpoint, "the same signature in another form")
	c, err = audit.OpenCheckpoint(both, origin, key.Public(), witness.Public())
	require.NoError(t, err)
	require.Equal(t, []string{origin, "witness.example"}, c.Keys)

	for name, open := range map[string]func() error{
		"other log": func() error { _, err := audit.OpenCheckpoint(text, "example.com/other", key.Public()); return err },
		"other key": func() error { _, err := audit.OpenCheckpoint(text, origin, newKey(t).Public()); return err },
		"no key":    func() error { _, err := audit.OpenCheckpoint(text, origin); return err },
		"too long":  func() error { _, err := audit.OpenCheckpoint(make([]byte, 1<<20), origin, key.Public()); return err },
		"changed size": func() error {
			_, err := audit.OpenCheckpoint(bytes.Replace(text, []byte("2085"), []byte("3085"), 1), origin, key.Public())
			return err
		},
	} {
		require.ErrorIs(t, open(), audit.ErrCheckpoint, name)
	}
	for _, body := range []string{"\n", "x\n", origin + "\n1\n", origin + "\n01\n" + root.String() + "\n", origin + "\n-1\n" + root.String() + "\n",
		origin + "\n1\nAAAA\n", origin + "\n1\n" + root.String() + "\n\nextension\n", origin + "\nmany\n" + root.String() + "\n", origin + "\n1\n" + strings.ToLower(root.String()) + "A\n", "\n1\n" + root.String() + "\n"} {
		signed, err := note.Sign(&note.Note{Text: body}, key)
		require.NoError(t, err)
		_, err = audit.OpenCheckpoint(signed, origin, key.Public())
		require.ErrorIs(t, err, audit.ErrCheckpoint, "%q", body)
	}
	foreign, err := note.Sign(&note.Note{Text: "example.com/other\n1\n" + root.String() + "\n"}, key)
	require.NoError(t, err)
	_, err = audit.OpenCheckpoint(foreign, origin, key.Public())
	require.ErrorIs(t, err, audit.ErrCheckpoint, "signed by the right key, for another log")
	extended, err := note.Sign(&note.Note{Text: origin + "\n1\n" + root.String() + "\nextension\n"}, key)
	require.NoError(t, err)
	_, err = audit.OpenCheckpoint(extended, origin, key.Public())
	require.NoError(t, err)
}
