package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

// opening is when everything about credentials is measured: a Monday at noon.
var opening = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// credentialEngine measures the index of a keypad with n credentials, schedules and
// sealing.
func credentialEngine(m *meter, t *table, n int) error {
	return errors.Join(keypads(m, t, n), transitions(t, n, m.count), schedules(m, t), sealing(m, t))
}

// keypads measures one index and lets go of it.
func keypads(m *meter, t *table, n int) error {
	k, err := openKeypad(n)
	if err != nil {
		return err
	}
	return errors.Join(k.measure(m, t), k.saves(m, t))
}

// keypad is an index with a map that knows as many fingerprints.
type keypad struct {
	n      int
	key    [credentials.KeySize]byte
	probe  *credentials.Probe
	index  *credentials.Index
	plain  map[credentials.Fingerprint]uint32
	rows   [][11]uint64 // 64 bytes for each, as in the index
	ids    []string
	digits []string
	codes  []credentials.Code
	rules  []credentials.Rule
	bytes  float64 // of the index, for each credential
	typed  [typed]key
	at     int // in what is typed
	read   byte
}

// typed is how many codes are laid ready at once, few enough to stay in the processor's
// cache: there a code is that somebody has just typed.
const typed = 256

// key is what is typed for a holder: a code to ours, digits that the map knows to the
// reference.
type key struct {
	holder int
	code   credentials.Code
	digits string
}

// lay makes codes ready that are far from each other in the index.
func (k *keypad) lay() {
	i := k.typed[typed-1].holder
	for n := range k.typed {
		i = (i + 514_229) % k.n
		k.typed[n] = key{i, k.codes[i], k.digits[i]}
	}
	k.warm()
}

// warm reads what is laid ready.
func (k *keypad) warm() {
	k.at = 0
	for _, t := range k.typed {
		k.read += t.code.Reveal()[0] + t.digits[0]
	}
}

// next is the code that is typed next.
func (k *keypad) next() *key {
	k.at++
	return &k.typed[k.at-1]
}

// digitsOf is the i-th of 10^8 different codes.
func digitsOf(i int) string { return fmt.Sprintf("%08d", (i*61_803_399+31_415_927)%100_000_000) }

func holderOf(i int) string { return fmt.Sprintf("6f418859%05x", i) }

func recordOf(i int, id string, secrets ...credentials.Secret) credentials.Record {
	return credentials.Record{
		Holder: id, As: []credentials.Subject{{Kind: "account", ID: id}, {Kind: "group", ID: "staff"}},
		Secrets: secrets,
		Window:  credentials.Window{From: opening.Add(-time.Hour), Until: opening.Add(time.Duration(1+i%500_000) * time.Minute)},
	}
}

func openKeypad(n int) (*keypad, error) {
	hours, err := credentials.Schedule{Zone: "Europe/Berlin", Week: []credentials.Span{{Days: []credentials.Weekday{1, 2, 3, 4, 5}, From: 8 * 60, Until: 18 * 60}}}.Compile()
	if err != nil {
		return nil, err
	}
	k := &keypad{n: n, plain: make(map[credentials.Fingerprint]uint32, n)}
	_, _ = rand.Read(k.key[:]) // never fails: crypto/rand ends the program instead
	k.probe = credentials.NewProbe(credentials.SiteKeyOf(k.key))
	k.rules = []credentials.Rule{{ID: "staff", Who: []credentials.Subject{{Kind: "group", ID: "staff"}}, Points: []string{"door"}, Schedule: hours}}
	for i := range 2 * n { // as many again for codes that are set later
		c, err := credentials.ParseCode(digitsOf(i))
		if err != nil {
			return nil, err
		}
		k.digits, k.codes = append(k.digits, digitsOf(i)), append(k.codes, c)
	}
	for i := range n {
		k.ids = append(k.ids, holderOf(i))
	}
	before := inUse()
	k.index = credentials.NewIndex(credentials.IndexOptions{Since: opening})
	for i := range n {
		if err := k.index.Put(recordOf(i, k.ids[i], k.probe.Code(k.codes[i], false))); err != nil {
			return nil, err
		}
	}
	k.bytes = float64(inUse()-before) / float64(n)
	for i := range n {
		k.plain[k.probe.Print(credentials.CodeMaterial(k.codes[i]))] = uint32(i)
		k.rows = append(k.rows, [11]uint64{uint64(i)})
	}
	return k, nil
}

func inUse() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// bare is what knowing a code costs at the least: one HMAC-SHA256, kept between calls, and
// one look-up in a map; with rows also one look at what the map leads to.
func (k *keypad) bare(rows bool) op {
	mac, buf, sum := hmac.New(sha256.New, k.key[:]), make([]byte, 0, 16), make([]byte, 0, sha256.Size)
	return func() error {
		t := k.next()
		buf = append(buf[:0], t.digits...)
		mac.Reset()
		mac.Write(buf)
		sum = mac.Sum(sum[:0])
		n, known := k.plain[credentials.Fingerprint(sum[:16])]
		if rows {
			n = uint32(k.rows[n][0])
		}
		if !known || rows && n != uint32(t.holder) {
			return errors.New("the map lost a code")
		}
		return nil
	}
}

func (k *keypad) measure(m *meter, t *table) error {
	now := credentials.Now{T: opening, Quality: credentials.ClockTrusted}
	prints := make([]credentials.Fingerprint, 1)
	decide := func() error {
		prints[0] = k.probe.Print(credentials.CodeMaterial(k.next().code))
		_, d := k.index.Decide(k.rules, credentials.Presented{Point: "door", Medium: credentials.Keypad, Prints: prints}, now)
		if !d.Granted() {
			return fmt.Errorf("not granted: %s", d)
		}
		return nil
	}
	what := fmt.Sprintf("deciding about a typed code, %d credentials [6]", k.n)
	p, err := m.pairWith(k.lay, typed, decide, k.bare(false))
	if err != nil {
		return err
	}
	t.ratio(what, p, "HMAC-SHA256 and a map", 1.5)
	if p, err = m.pairWith(k.lay, typed, decide, k.bare(true)); err != nil {
		return err
	}
	t.ratio(what, p, "the same and the row found", 0)
	k.lay()
	allocs := testing.AllocsPerRun(typed-1, func() { err = errors.Join(err, decide()) })
	t.limit("its allocations [6]", fmt.Sprintf("%g", allocs), "0 allocs", allocs == 0)
	t.limit("memory of a credential [6]", fmt.Sprintf("%.1f bytes", k.bytes), "≤ 100 bytes", k.bytes <= 100)
	t.note("[6] The fingerprint of the code, the record of its holder, window, rule and weekly schedule, granted; a different holder each time, far from the last. "+
		"The reference makes the same fingerprint and finds it in a map[[16]byte]uint32 of as many; the second one, which has no goal, also reads the 64 bytes that the number stands for. "+
		"For all of them the typed code itself is in the processor's cache, as one that was just typed is; what is known of it is not. "+
		"The memory is that of %d holders with a 13-character id, one code, a window and two subjects each.", k.n)
	return errors.Join(err, k.duress(m, t, now))
}

// duress compares a holder's code with the same holder's duress code.
func (k *keypad) duress(m *meter, t *table, now credentials.Now) error {
	own, forced := k.probe.Code(k.codes[0], false), k.probe.Code(k.codes[2*k.n-1], true)
	if err := k.index.Put(recordOf(0, k.ids[0], own, forced)); err != nil {
		return err
	}
	ask := func(f credentials.Fingerprint) op {
		prints := []credentials.Fingerprint{f}
		return func() error {
			_, d := k.index.Decide(k.rules, credentials.Presented{Point: "door", Medium: credentials.Keypad, Prints: prints}, now)
			if !d.Granted() {
				return fmt.Errorf("not granted: %s", d)
			}
			return nil
		}
	}
	p, err := m.pair(ask(forced.Print), ask(own.Print))
	if err != nil {
		return err
	}
	t.ratio("deciding about a duress code", p, "the same holder's code", 1.1)
	return k.apart(m, t, now)
}

// saves measures a new code for a holder who had one.
func (k *keypad) saves(m *meter, t *table) error {
	i, generation := 0, 0
	p, err := m.pairWith(func() {
		for n := range k.typed {
			if i++; i == k.n {
				i, generation = 0, generation+1
			}
			c := (i + k.n*(1+generation)) % (2 * k.n)
			k.typed[n] = key{i, k.codes[c], k.digits[i]}
		}
		k.warm()
	}, typed, func() error {
		next := k.next()
		return k.index.Put(recordOf(next.holder, k.ids[next.holder], k.probe.Code(next.code, false)))
	}, k.bare(false))
	if err != nil {
		return err
	}
	t.ratio(fmt.Sprintf("saving a code, unique among %d [7]", k.n), p, "HMAC-SHA256 and a map", 3)
	t.note("[7] In memory: the fingerprint, the check against all others, the old code out, the new one in, the end of the window noted. " +
		"The row includes making the lists of the record that is saved. The reference is that of [6].")
	return nil
}

// transitions compares 1,000 due records of n with 1,000 of ten times as many.
func transitions(t *table, n, count int) error {
	const due = 1000
	if n < due {
		return transitionsOf(t, n, min(count, 1), n)
	}
	return transitionsOf(t, n, min(count, n/due), due)
}

func transitionsOf(t *table, n, count, due int) error {
	small, err := ending(n, due)
	if err != nil {
		return err
	}
	large, err := ending(10*n, due)
	if err != nil {
		return err
	}
	var p pairs
	for i := range count {
		now := credentials.Now{T: opening.Add(time.Duration(i+1) * time.Hour), Quality: credentials.ClockTrusted}
		for _, x := range []struct {
			index *credentials.Index
			to    *[]time.Duration
		}{{large, &p.ours}, {small, &p.reference}} {
			start := time.Now()
			got := x.index.Due(now)
			*x.to = append(*x.to, time.Since(start))
			if len(got) != due {
				return fmt.Errorf("%d are due, not %d", len(got), due)
			}
		}
	}
	t.note("[due] In the index: who begins or ends to be valid now, told by the number of those, and not by the number that it keeps.")
	t.ratio(fmt.Sprintf("%d due of %d credentials [due]", due, 10*n), p, fmt.Sprintf("%d of %d", due, n), 1.5)
	return nil
}

// ending is an index of n holders, of whom due end in each hour, for n/due hours at most
// a thousand; the rest end later, spread over ten years.
func ending(n, due int) (*credentials.Index, error) {
	x := credentials.NewIndex(credentials.IndexOptions{Since: opening})
	as := []credentials.Subject{{Kind: "group", ID: "staff"}}
	for i := range n {
		until := opening.Add(time.Duration(1+i/due)*time.Hour - time.Duration(i%600)*time.Second)
		if i/due >= 1000 {
			until = opening.Add(2000*time.Hour + time.Duration(i%300_000_000)*time.Second)
		}
		if err := x.Put(credentials.Record{Holder: holderOf(i), As: as, Window: credentials.Window{Until: until}}); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// schedules compares a compiled schedule with the same weekly rule in rrule-go.
func schedules(m *meter, t *table) error {
	hours, err := credentials.Schedule{Week: []credentials.Span{{Days: []credentials.Weekday{1, 2, 3, 4, 5}, From: 8 * 60, Until: 17 * 60}}}.Compile()
	if err != nil {
		return err
	}
	rule, err := rrule.NewRRule(rrule.ROption{
		Freq: rrule.WEEKLY, Dtstart: opening.AddDate(-1, 0, 0).Add(-4 * time.Hour),
		Byweekday: []rrule.Weekday{rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR},
	})
	if err != nil {
		return err
	}
	p, err := m.pair(func() error {
		if !hours.Open(opening) {
			return errors.New("closed")
		}
		return nil
	}, func() error {
		if began := rule.Before(opening, true); opening.Sub(began) >= 9*time.Hour {
			return errors.New("closed")
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, ratio, _ := p.ratios()
	t.limit("asking a weekly schedule [11]", fmt.Sprintf("%s, rrule-go %s: %.0fx", span(median(p.ours)), span(median(p.reference)), 1/ratio), "≥ 100x faster", ratio <= 0.01)
	t.note("[11] Monday to Friday from 08:00 to 17:00, UTC, asked on a Monday at noon. rrule-go looks for the last beginning before now, in a rule that began a year earlier; one that began in 1970 takes it longer.")
	return nil
}

// sealing compares sealing a code with the bare cipher over as many bytes.
func sealing(m *meter, t *table) error {
	keys, err := ring()
	if err != nil {
		return err
	}
	code, err := credentials.ParseCode("314159")
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return err
	}
	plain, bound := make([]byte, credentials.MaxDigits), []byte(strings.Repeat("-", 64))
	p, err := m.pair(func() error {
		_, err := credentials.SealCode(keys, credentials.Binding{Owner: "user/6f418859.0004", Kind: "code", Generation: 1}, code)
		return err
	}, func() error {
		if len(gcm.Seal(nil, nil, plain, bound)) == 0 {
			return errors.New("nothing sealed")
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.ratio("sealing a code", p, "bare AES-256-GCM, random nonce", 1.5)
	return nil
}
