// Command bench measures what keyholder costs and prints one table: what was measured,
// ours, what it is compared with, the ratio, the goal, and whether it was met.
//
// It is for people who decide whether to use keyholder, and for those who change it. Ours
// and the reference run in turn, pair by pair, in one process; a ratio is the median of
// the pairs' ratios, so that the drift of a shared machine cancels. It exits 0 when a goal
// is missed: the table says so.
//
//	go run ./bench             about four minutes, and a gigabyte of memory
//	go run ./bench accounts    people who sign in: races, timing, rivals; about two minutes
//	go run ./bench -count 101  more pairs, for a busy machine
//	go run ./bench timing      only what has this in its name
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

func main() {
	count := flag.Int("count", 31, "pairs of measurements for each row")
	each := flag.Duration("time", 40*time.Millisecond, "how long each measurement takes")
	only := flag.String("only", "", "measure only what has this in its name, such as audit; empty: the first argument, or everything")
	dir := flag.String("dir", "", "where the databases are made; empty: the system's folder for temporary files")
	testing.Init()
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	what := subjects(full)
	if flag.Arg(0) == "accounts" {
		what = accountSubjects(fullAccounts)
	}
	if err := run(ctx, what, *count, *each, cmp.Or(*only, flag.Arg(0)), *dir); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures what it is given and prints the table. Goals that are missed are an error.
func run(ctx context.Context, what []subject, count int, each time.Duration, only, dir string) error {
	if err := flag.Set("test.benchtime", each.String()); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(dir, "keyholder-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var t table
	for _, s := range what {
		if !strings.Contains(s.name, only) {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring", s.name, "...")
		m := &meter{ctx: ctx, dir: dir, count: max(count, 1), each: each}
		if err := s.measure(m, &t); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		debug.FreeOSMemory() // what one subject built must not be collected while the next is measured
	}
	return errors.Join(t.print(os.Stdout), t.missed())
}

// subject is something that is measured, in one or more rows.
type subject struct {
	name    string
	measure func(m *meter, t *table) error
}

// sizes are how much is measured.
type sizes struct {
	log    int64 // entries
	slots  int   // of a panel
	panels []int
	asks   int // refusals for each reason
	fleet  int // panels
	// credentials are held by an index; ten times as many for one row.
	credentials int
}

// full is what the table is about.
var full = sizes{log: 1_000_000, slots: 1000, panels: []int{10, 100, 1000}, asks: 401, fleet: 2000, credentials: 1_000_000}

// subjects lists them in the order of the table.
func subjects(s sizes) []subject {
	return []subject{
		{"setting a code", setCode},
		{"the audit part", audited},
		{"a proof", func(m *meter, t *table) error { return proof(m, t, s.log) }},
		{"reconciling", func(m *meter, t *table) error { return reconcile(m, t, s.slots, s.panels...) }},
		{"authorising", authorise},
		{"codes", codes},
		{"stores", stores},
		{"a fleet", func(m *meter, t *table) error { return fleet(m, t, s.fleet) }},
		{"the credentials' engine", func(m *meter, t *table) error { return credentialEngine(m, t, s.credentials) }},
		{"doors", func(m *meter, t *table) error { return doors(m, t, s.asks) }},
		{"timing of refusals", func(m *meter, t *table) error { return refusals(m, t, s.asks) }},
	}
}
