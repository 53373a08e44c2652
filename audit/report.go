package audit

import (
	"fmt"
	"strings"
	"time"
)

// maxFindings is how many findings a verdict spells out.
const maxFindings = 100

// Finding is one thing that is wrong.
type Finding struct {
	Index int64  // of the entry, -1 if it has none
	Row   string // of the state, "" if it is about an entry
	What  string // in words, without any value
}

// String names the place and what is wrong there.
func (f Finding) String() string {
	switch {
	case f.Row != "":
		return fmt.Sprintf("row %q: %s", f.Row, f.What)
	case f.Index >= 0:
		return fmt.Sprintf("entry %d: %s", f.Index, f.What)
	}
	return f.What
}

// Verdict is the answer to one question: it is yes if there are no findings.
type Verdict struct {
	Findings []Finding // the first 100
	More     int64     // how many there are besides
}

// OK reports whether nothing was found.
func (v Verdict) OK() bool { return len(v.Findings) == 0 }

// First returns the first finding; What is "" if there is none.
func (v Verdict) First() Finding {
	if v.OK() {
		return Finding{Index: -1}
	}
	return v.Findings[0]
}

func (v *Verdict) add(f Finding) {
	if len(v.Findings) == maxFindings {
		v.More++
		return
	}
	v.Findings = append(v.Findings, f)
}

func (v *Verdict) entry(index int64, format string, args ...any) {
	v.add(Finding{Index: index, What: fmt.Sprintf(format, args...)})
}

func (v *Verdict) row(row, format string, args ...any) {
	v.add(Finding{Index: -1, Row: row, What: fmt.Sprintf(format, args...)})
}

// Report is what [Verify] found. Its three verdicts are independent of each other.
type Report struct {
	Entries int64 // integrated and read
	Pending int64 // waiting for their index
	Rows    int64 // compared with the entries
	Signed  int64 // entries under the store's latest valid checkpoint, -1 without one

	// Anchored says in words up to where the log is anchored, or that it is not.
	Anchored     string
	AnchoredSize int64 // -1 without an anchor
	AnchoredAt   time.Time

	// Integrity: every entry is what was hashed, and the tree is what was signed.
	Integrity Verdict
	// Completeness: no entry is missing, and the log only added to what was anchored.
	Completeness Verdict
	// State: every secure row is what the last entry about it left.
	State Verdict
}

// OK reports whether all three verdicts are yes. It says nothing about anchors.
func (r Report) OK() bool { return r.Integrity.OK() && r.Completeness.OK() && r.State.OK() }

// unanchored is the plain truth about a log without an anchor.
const unanchored = "unanchored: self-signed only, a rewrite with the log's own key cannot be detected"

// String is the report for a person.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "entries       %d, %d waiting for the tree\n", r.Entries, r.Pending)
	if r.Signed < 0 {
		b.WriteString("signed        never\n")
	} else {
		fmt.Fprintf(&b, "signed        up to %d\n", r.Signed)
	}
	fmt.Fprintf(&b, "anchored      %s\n", r.Anchored)
	for _, v := range []struct {
		name string
		Verdict
	}{{"integrity", r.Integrity}, {"completeness", r.Completeness}, {"state", r.State}} {
		if v.OK() {
			fmt.Fprintf(&b, "%-13s ok\n", v.name)
			continue
		}
		fmt.Fprintf(&b, "%-13s NOT OK, %d findings\n", v.name, int64(len(v.Findings))+v.More)
		for _, f := range v.Findings {
			fmt.Fprintf(&b, "  %s\n", f)
		}
		if v.More > 0 {
			fmt.Fprintf(&b, "  and %d more\n", v.More)
		}
	}
	return b.String()
}
