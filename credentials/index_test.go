package credentials_test

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// numbered is a fingerprint whose first bytes are few different ones, so that they meet
// in the table, many of them at its end.
func numbered(n int) (f credentials.Fingerprint) {
	binary.LittleEndian.PutUint64(f[:], ^(uint64(n%4) << 61))
	binary.BigEndian.PutUint64(f[8:], uint64(n+1))
	return f
}

// naive is an index as one would write it first: a list of records.
type naive struct {
	records []credentials.Record
	done    time.Time
}

func prints(r credentials.Record) (all []credentials.Fingerprint) {
	for _, s := range r.Secrets {
		all = append(all, s.Print)
		if s.Typed != (credentials.Fingerprint{}) {
			all = append(all, s.Typed)
		}
	}
	return all
}

func (n *naive) find(holder string) int {
	return slices.IndexFunc(n.records, func(r credentials.Record) bool { return r.Holder == holder })
}

func (n *naive) put(r credentials.Record) bool {
	mine := prints(r)
	for i, f := range mine {
		if slices.Contains(mine[:i], f) {
			return false
		}
		for _, other := range n.records {
			if other.Holder != r.Holder && slices.Contains(prints(other), f) {
				return false
			}
		}
	}
	n.remove(r.Holder)
	n.records = append(n.records, r)
	return true
}

func (n *naive) remove(holder string) bool {
	i := n.find(holder)
	if i >= 0 {
		n.records = slices.Delete(n.records, i, i+1)
	}
	return i >= 0
}

func (n *naive) decide(rules []credentials.Rule, p credentials.Presented, now credentials.Now) (string, credentials.Decision) {
	for _, f := range p.Prints {
		for _, r := range n.records {
			if slices.Contains(prints(r), f) {
				d := credentials.Decide(r, rules, p, now)
				if d.Reason == credentials.Unknown && !d.TagTyped {
					return "", d
				}
				return r.Holder, d
			}
		}
	}
	return "", credentials.Decision{Reason: credentials.Unknown}
}

// moments are all instants at which a record begins or ends by itself.
func moments(r credentials.Record) map[time.Time]bool {
	all := map[time.Time]bool{}
	if r.Disabled || r.Window.Revoked {
		return all
	}
	if !r.Window.From.IsZero() {
		all[r.Window.From] = false
	}
	if !r.Window.Until.IsZero() {
		all[r.Window.Until] = true
	}
	if r.Life.For > 0 && !r.Life.First.IsZero() {
		all[r.Life.First.Add(r.Life.For)] = true
	}
	if r.Life.Idle > 0 {
		all[r.Life.Last.Add(r.Life.Idle)] = true
	}
	return all
}

func (n *naive) due(now time.Time) (out []credentials.Transition) {
	if !now.After(n.done) {
		return nil
	}
	for _, r := range n.records {
		last := credentials.Transition{Holder: r.Holder}
		for at, ends := range moments(r) {
			if at.After(n.done) && !at.After(now) && at.After(last.At) {
				last.At, last.Ends = at, ends
			}
		}
		if !last.At.IsZero() {
			out = append(out, last)
		}
	}
	n.done = now
	slices.SortFunc(out, func(a, b credentials.Transition) int {
		if a.Ends != b.Ends {
			if a.Ends {
				return -1
			}
			return 1
		}
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Holder, b.Holder))
	})
	return out
}

func (n *naive) next() (first time.Time) {
	for _, r := range n.records {
		for at := range moments(r) {
			if at.After(n.done) && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
	}
	return first
}

func drawRecord(t *rapid.T) credentials.Record {
	some := func(name string) bool { return rapid.IntRange(0, 4).Draw(t, name) == 0 }
	r := credentials.Record{Holder: fmt.Sprintf("holder %d", rapid.IntRange(1, 12).Draw(t, "holder"))}
	r.As = []credentials.Subject{subject("account", r.Holder)}
	if rapid.Bool().Draw(t, "staff") {
		r.As = []credentials.Subject{subject("group", "staff"), r.As[0]}
	}
	for range rapid.IntRange(0, 3).Draw(t, "secrets") {
		s := credentials.Secret{Kind: credentials.Kind(rapid.IntRange(1, 3).Draw(t, "kind")), Print: numbered(rapid.IntRange(1, 40).Draw(t, "print")), Lost: some("lost")}
		if s.Kind == credentials.TagNumber && some("typed") {
			s.Typed = numbered(rapid.IntRange(1, 40).Draw(t, "number"))
		}
		r.Secrets = append(r.Secrets, s)
	}
	// No two moments of one record are the same: which of them is told is not promised.
	minute := func(name string, second int) time.Time {
		return noon.Add(time.Duration(rapid.Int64Range(0, 60).Draw(t, name))*time.Minute + time.Duration(second)*time.Second)
	}
	if some("from") {
		r.Window.From = minute("from when", 0)
	}
	if some("until") {
		r.Window.Until = minute("until when", 1).Add(time.Hour)
	}
	if some("far") { // further than most windows
		r.Window.From = time.Unix([]int64{-1 << 40, -1, 0, 1}[rapid.IntRange(0, 3).Draw(t, "far from")], 0).UTC()
	}
	if some("far") {
		r.Window.Until = time.Unix(1<<32+int64(rapid.IntRange(-2, 1).Draw(t, "far until")), 0).UTC()
	}
	r.Disabled, r.Window.Revoked = some("disabled"), some("revoked")
	if some("limits") {
		r.Type = credentials.UserType(rapid.IntRange(0, 9).Draw(t, "type"))
		r.Max, r.Used, r.Needs = rapid.IntRange(0, 2).Draw(t, "max"), rapid.IntRange(0, 2).Draw(t, "used"), rapid.IntRange(0, 2).Draw(t, "needs")
	}
	if some("life") {
		r.Life = credentials.Life{For: time.Hour, First: minute("first", 2), Idle: time.Hour, Last: minute("last", 3)}
	}
	return r
}

// The index says what a list of records says, whatever happens in whatever order.
//
// Rules: G54
func TestTheIndexIsAListOfRecords(t *testing.T) {
	rules := append(staff(nil), staff(officeHours(t))...)
	rapid.Check(t, func(t *rapid.T) {
		x := credentials.NewIndex(credentials.IndexOptions{Since: noon})
		n := &naive{done: noon}
		now := noon
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				r := drawRecord(t)
				err := x.Put(r)
				if n.put(r) {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, credentials.ErrCodeTaken)
				}
			},
			"remove": func(t *rapid.T) {
				holder := fmt.Sprintf("holder %d", rapid.IntRange(1, 12).Draw(t, "holder"))
				require.Equal(t, n.remove(holder), x.Remove(holder))
			},
			"decide": func(t *rapid.T) {
				p := presents("nothing", credentials.Medium(rapid.IntRange(1, 4).Draw(t, "medium")))
				p.Prints = append(p.Prints, numbered(rapid.IntRange(1, 41).Draw(t, "print")))
				at := trusted(now.Add(time.Duration(rapid.Int64Range(-60, 60).Draw(t, "minutes")) * time.Minute))
				wantWho, want := n.decide(rules, p, at)
				who, d := x.Decide(rules, p, at)
				require.Equal(t, wantWho, who)
				require.Equal(t, want, d)
			},
			"due": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(-5, 40).Draw(t, "minutes")) * time.Minute)
				want, got := n.due(now), x.Due(trusted(now))
				require.Len(t, got, len(want))
				for i := range want {
					require.Equal(t, want[i], got[i])
				}
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(n.records), x.Len())
				require.True(t, n.next().Equal(x.Next()), "next is %s, not %s", x.Next(), n.next())
				for _, r := range n.records {
					got, ok := x.Record(r.Holder)
					require.True(t, ok)
					require.ElementsMatch(t, r.As, got.As)
					require.ElementsMatch(t, r.Secrets, got.Secrets)
					got.As, got.Secrets = r.As, r.Secrets
					require.Equal(t, r, got)
				}
			},
		})
	})
}

// Rules: G204
func TestNothingIsDueWithoutATrustedClock(t *testing.T) {
	x := credentials.NewIndex(credentials.IndexOptions{})
	require.NoError(t, x.Put(credentials.Record{Holder: "a", Window: credentials.Window{Until: noon}}))
	assert.Empty(t, x.Due(credentials.Now{T: noon, Quality: credentials.ClockDoubtful}))
	assert.Empty(t, x.Due(trusted(noon.Add(-time.Second))))
	assert.Equal(t, []credentials.Transition{{Holder: "a", At: noon, Ends: true}}, x.Due(trusted(noon)))
	assert.Empty(t, x.Due(trusted(noon.Add(-time.Hour))), "the clock went back")
	assert.Empty(t, x.Due(trusted(noon.Add(time.Hour))), "once is enough")
}

// Whoever sleeps through a beginning and an end is told the end, and ends come first.
func TestWhatEndedIsDueBeforeWhatBegan(t *testing.T) {
	x := credentials.NewIndex(credentials.IndexOptions{})
	for holder, w := range map[string]credentials.Window{
		"begins": {From: noon},
		"both":   {From: noon, Until: noon.Add(time.Hour)},
		"ends":   {Until: noon.Add(time.Minute)},
	} {
		require.NoError(t, x.Put(credentials.Record{Holder: holder, Window: w}))
	}
	assert.Equal(t, []credentials.Transition{
		{Holder: "ends", At: noon.Add(time.Minute), Ends: true},
		{Holder: "both", At: noon.Add(time.Hour), Ends: true},
		{Holder: "begins", At: noon},
	}, x.Due(trusted(noon.Add(time.Hour))))
	assert.Zero(t, x.Next())
}

// An end within a second is due when that second is over, and not before.
func TestAnEndWithinASecondIsDueAfterIt(t *testing.T) {
	x := credentials.NewIndex(credentials.IndexOptions{})
	life := credentials.Life{Idle: time.Hour, Last: noon.Add(500 * time.Millisecond)}
	require.NoError(t, x.Put(credentials.Record{Holder: "a", Life: life}))
	assert.Empty(t, x.Due(trusted(noon.Add(time.Hour))))
	assert.Equal(t, []credentials.Transition{{Holder: "a", At: noon.Add(time.Hour + time.Second), Ends: true}}, x.Due(trusted(noon.Add(time.Hour+time.Second))))
}

func TestTheIndexRefusesWhatItCannotKeep(t *testing.T) {
	x := credentials.NewIndex(credentials.IndexOptions{})
	require.ErrorIs(t, x.Put(credentials.Record{}), credentials.ErrHolderID)
	require.ErrorIs(t, x.Put(credentials.Record{Holder: string(make([]byte, 256))}), credentials.ErrHolderID)
	require.ErrorIs(t, x.Put(credentials.Record{Holder: "a", Window: credentials.Window{From: noon, Until: noon}}), credentials.ErrValidityOrder)
	assert.Zero(t, x.Len())
	assert.False(t, x.Remove("a"))
	assert.Zero(t, x.Next())
}

// Ids that are no longer used give their memory back, and those in hand stay as they are.
func TestTheIndexGivesMemoryBack(t *testing.T) {
	x := credentials.NewIndex(credentials.IndexOptions{})
	const stay = 200 // with none, one and two secrets, and ids of one length: they take each other's places
	for i := range stay {
		rec := credentials.Record{Holder: fmt.Sprintf("%03d stays", i), Secrets: []credentials.Secret{
			{Kind: credentials.PIN, Print: numbered(2 * i)}, {Kind: credentials.TagNumber, Print: numbered(2*i + 1)},
		}}
		rec.Secrets = rec.Secrets[:i%3]
		require.NoError(t, x.Put(rec))
	}
	who := func(i int) string {
		p := presents("", credentials.Keypad)
		p.Prints = []credentials.Fingerprint{numbered(2 * i)}
		who, _ := x.Decide(nil, p, trusted(noon))
		return who
	}
	old := who(1)
	before := heap()
	for i := range 100_000 {
		rec := credentials.Record{Holder: fmt.Sprintf("somebody with a long name %8d", i), Max: i % 2, Secrets: []credentials.Secret{
			{Kind: credentials.PIN, Print: randomPrint(2 * i)}, {Kind: credentials.DuressPIN, Print: randomPrint(2*i + 1)},
		}}
		require.NoError(t, x.Put(rec))
		require.True(t, x.Remove(rec.Holder))
	}
	assert.Less(t, heap()-before, int64(1<<20))
	assert.Equal(t, "001 stays", old)
	for i := range stay {
		want := fmt.Sprintf("%03d stays", i)
		rec, known := x.Record(want)
		require.True(t, known)
		require.Len(t, rec.Secrets, i%3)
		if i%3 == 0 {
			want = ""
		}
		require.Equal(t, want, who(i))
	}
}

// Among many who come, change and go everybody is found by the codes they have now, and
// nobody by those that they had.
func TestTheIndexFindsEverybodyAmongMany(t *testing.T) {
	x := credentials.NewIndex(credentials.IndexOptions{})
	const n = 20_000
	random := rand.New(rand.NewPCG(1, 2))
	have := map[int][]int{} // codes by holder
	for next := range 4 * n {
		who := random.IntN(n)
		if random.IntN(4) == 0 {
			require.Equal(t, have[who] != nil, x.Remove(holderName(who)))
			delete(have, who)
			continue
		}
		codes := []int{3 * next, 3*next + 1, 3*next + 2}[:1+random.IntN(3)]
		rec := credentials.Record{Holder: holderName(who), As: []credentials.Subject{subject("group", "staff")}}
		for _, c := range codes {
			rec.Secrets = append(rec.Secrets, credentials.Secret{Kind: credentials.PIN, Print: randomPrint(c)})
		}
		require.NoError(t, x.Put(rec))
		have[who] = codes
	}
	owner := map[int]string{}
	for who, codes := range have {
		for _, c := range codes {
			owner[c] = holderName(who)
		}
	}
	require.Equal(t, len(have), x.Len())
	p := presents("", credentials.Keypad)
	for c := range 12 * n {
		p.Prints = []credentials.Fingerprint{randomPrint(c)}
		got, _ := x.Decide(nil, p, trusted(noon))
		require.Equal(t, owner[c], got, c)
	}
}

func holderName(i int) string { return fmt.Sprintf("6f418859%05x", i) }

// Everybody may be in groups of their own.
func TestTheIndexKeepsManySetsOfGroups(t *testing.T) {
	x := credentials.NewIndex(credentials.IndexOptions{})
	const n = 1<<16 + 10
	for i := range n {
		require.NoError(t, x.Put(credentials.Record{
			Holder: holderName(i), As: []credentials.Subject{subject("group", holderName(i)+" and friends")},
			Secrets: []credentials.Secret{{Kind: credentials.PIN, Print: randomPrint(i)}},
		}))
	}
	p := presents("", credentials.Keypad)
	for i := range n {
		rules := []credentials.Rule{{ID: "own", Who: []credentials.Subject{subject("group", holderName(i)+" and friends")}, Points: []string{door}}}
		p.Prints = []credentials.Fingerprint{randomPrint(i)}
		who, d := x.Decide(rules, p, trusted(noon))
		require.Equal(t, holderName(i), who)
		require.True(t, d.Granted(), "%d: %s", i, d.Reason)
	}
}

// A secret of a kind that nobody knows is not kept, and harms nothing.
func TestTheIndexKeepsNoUnknownKinds(t *testing.T) {
	x := credentials.NewIndex(credentials.IndexOptions{})
	for _, kind := range []credentials.Kind{0, 4, 8, 255} {
		require.NoError(t, x.Put(credentials.Record{Holder: "a", Secrets: []credentials.Secret{
			{Kind: kind, Print: numbered(1)}, {Kind: credentials.PIN, Print: numbered(2)},
		}}))
		rec, _ := x.Record("a")
		assert.Equal(t, []credentials.Secret{{Kind: credentials.PIN, Print: numbered(2)}}, rec.Secrets)
		require.NoError(t, x.Put(credentials.Record{Holder: "b", Secrets: []credentials.Secret{{Kind: credentials.PIN, Print: numbered(1)}}}))
		assert.True(t, x.Remove("b"))
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// randomPrint is spread like a real fingerprint.
func randomPrint(n int) (f credentials.Fingerprint) {
	x := uint64(n+1) * 0x9E3779B97F4A7C15
	x ^= x >> 29
	binary.LittleEndian.PutUint64(f[:], x*0xBF58476D1CE4E5B9)
	binary.LittleEndian.PutUint64(f[8:], uint64(n))
	return f
}

func fullIndex(t require.TestingT, n int) *credentials.Index {
	x := credentials.NewIndex(credentials.IndexOptions{Since: noon})
	for i := range n {
		id := holderName(i)
		require.NoError(t, x.Put(credentials.Record{
			Holder: id, As: []credentials.Subject{subject("account", id), subject("group", "staff")},
			Secrets: []credentials.Secret{{Kind: credentials.PIN, Print: randomPrint(i)}},
			Window:  credentials.Window{From: noon.Add(-time.Hour), Until: noon.Add(time.Duration(i) * time.Minute)},
		}))
	}
	return x
}

func TestACredentialTakesLessThan100Bytes(t *testing.T) {
	before := heap()
	const n = 100_000
	x := fullIndex(t, n)
	per := float64(heap()-before) / n
	t.Logf("%.1f bytes", per)
	assert.LessOrEqual(t, per, 100.0)
	runtime.KeepAlive(x)
}

func TestDecidingAllocatesNothing(t *testing.T) {
	x := fullIndex(t, 1000)
	probe := probe(t)
	c := code("314159")
	rec := holder()
	rec.Secrets = append(rec.Secrets, probe.Code(c, true))
	require.NoError(t, x.Put(rec))
	rules := staff(officeHours(t))
	prints := make([]credentials.Fingerprint, 1)
	allocs := testing.AllocsPerRun(1000, func() {
		prints[0] = probe.Print(credentials.CodeMaterial(c))
		who, d := x.Decide(rules, credentials.Presented{Point: door, Medium: credentials.Keypad, Prints: prints}, trusted(noon))
		if who != "a1" || !d.Granted() || !d.Duress {
			panic(d)
		}
	})
	assert.True(t, allocs == 0 || raced, "%g", allocs)
}

// Readers see a record as it was or as it is, never half of each.
func TestDecidingWhileRecordsChange(t *testing.T) {
	x := credentials.NewIndex(credentials.IndexOptions{Since: noon})
	put := func(generation int) error {
		return x.Put(credentials.Record{
			Holder: "a1", As: holder().As, Disabled: generation%2 == 1,
			Secrets: []credentials.Secret{{Kind: credentials.PIN, Print: numbered(generation % 2)}},
			Window:  credentials.Window{Until: noon.Add(time.Duration(1+generation) * time.Second)},
		})
	}
	require.NoError(t, put(0))
	rules := staff(nil)
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for n, other := range []credentials.Reason{credentials.Granted, credentials.Disabled} {
					p := presents("", credentials.Keypad)
					p.Prints = []credentials.Fingerprint{numbered(n)}
					if _, d := x.Decide(rules, p, trusted(noon)); d.Reason != other && d.Reason != credentials.Unknown {
						t.Errorf("print %d: %s", n, d.Reason)
						return
					}
				}
			}
		})
	}
	for i := range 2000 {
		require.NoError(t, put(i))
		x.Due(trusted(noon.Add(time.Duration(i) * time.Second)))
	}
	close(done)
	wg.Wait()
}

func probe(t require.TestingT) *credentials.Probe {
	ring, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	key, err := credentials.NewSiteKey(credentials.SealOnly(ring), ring.Epoch().Seal, "site-1")
	require.NoError(t, err)
	return credentials.NewProbe(key)
}

// Rules: G217
func TestASitesKeyTellsNothingOfAnotherSite(t *testing.T) {
	ring, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	id := ring.Epoch().Seal
	prints := map[credentials.Fingerprint]bool{}
	m := credentials.CodeMaterial(code("314159"))
	for _, site := range []string{"site-1", "site-2", ""} {
		key, err := credentials.NewSiteKey(ring, id, site)
		require.NoError(t, err)
		f := credentials.NewProbe(key).Print(m)
		assert.Equal(t, f, credentials.NewProbe(credentials.SiteKeyOf(key.Reveal())).Print(m))
		prints[f] = true
		assert.NotContains(t, everyForm(t, key), fmt.Sprint(key.Reveal()))
		claimed, err := ring.Print(id, credentials.Scope{Kind: credentials.SiteScope, ID: site}, m)
		require.NoError(t, err)
		prints[claimed] = true
	}
	assert.Len(t, prints, 6)
	_, err = credentials.NewSiteKey(ring, "gone", "site-1")
	assert.ErrorIs(t, err, credentials.ErrKeyMissing)
}

func TestProbedSecrets(t *testing.T) {
	p := probe(t)
	tag, err := credentials.ParseTag("2a5", 26) // 677
	require.NoError(t, err)
	s := p.Tag(tag)
	assert.Equal(t, credentials.TagNumber, s.Kind)
	assert.Equal(t, p.Print(credentials.CodeMaterial(code("677"))), s.Typed)
	assert.NotEqual(t, s.Typed, s.Print)
	assert.Equal(t, credentials.Secret{Kind: credentials.PIN, Print: s.Typed}, p.Code(code("677"), false))
	assert.Equal(t, credentials.DuressPIN, p.Code(code("677"), true).Kind)
	long, err := credentials.ParseTag("ffffffffffffffffffff", 0)
	require.NoError(t, err)
	assert.Zero(t, p.Tag(long).Typed, "no keypad takes so many digits")
}
