// Command verify checks the proof of one log entry with nothing but the public key of
// the log: no database, no network, no account.
//
// It is for owners who kept the proof of something that concerns them, and for whoever
// they show it to:
//
//	verify -key example.com/log+1a2b3c4d+AAAA… entry.tlog-proof
//
// A proof comes from [journal.Reader.Prove]. It shows some fields and withholds the rest;
// values about a person are sealed and stay so. Exit code 0: the entry is in the log that
// the key signs, as it is shown; 1: it is not proven; 2: the command was not understood.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/fault"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// The exit codes.
const (
	proven = iota
	notProven
	notUnderstood
)

// maxProof is more than any proof is long.
const maxProof = 1 << 20

// run is the whole command.
func run(args []string, in io.Reader, out, problems io.Writer) int {
	flags := flag.NewFlagSet("verify", flag.ContinueOnError)
	flags.SetOutput(problems)
	key := flags.String("key", "", "the public `key` of the log")
	flags.Usage = func() {
		_, _ = fmt.Fprintln(problems, "usage: verify -key <public key> <proof file, or - for the input>")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil || flags.NArg() != 1 || *key == "" {
		if err == nil {
			flags.Usage()
		}
		return notUnderstood
	}
	if err := verify(*key, flags.Arg(0), in, out); err != nil {
		_, _ = fmt.Fprintln(problems, "verify: NOT PROVEN:", err)
		if hint := fault.Hint(err); hint != "" {
			_, _ = fmt.Fprintln(problems, hint)
		}
		return notProven
	}
	return proven
}

// verify reads a proof, checks it and says what it shows.
func verify(key, name string, in io.Reader, out io.Writer) error {
	public, err := audit.ParsePublicKey(key)
	if err != nil {
		return err
	}
	text, err := read(name, in)
	if err != nil {
		return err
	}
	p, err := audit.ParseProof(text)
	if err != nil {
		return err
	}
	c, err := audit.CheckProof(p, public.Name(), public)
	if err != nil {
		return err
	}
	return show(out, p, c)
}

func read(name string, in io.Reader) (text []byte, err error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	if text, err = io.ReadAll(io.LimitReader(in, maxProof+1)); len(text) > maxProof {
		err = errors.Join(err, audit.ErrProof)
	}
	return text, err
}

// show says what is proven. Values are quoted: they come from a file.
func show(out io.Writer, p audit.Proof, c audit.Checkpoint) error {
	e := p.Entry
	what := string(e.Action)
	if spec, ok := audit.Lookup(e.Action); ok {
		what = fmt.Sprintf("%s (%s)", spec.Text, e.Action)
	}
	lines := []string{
		fmt.Sprintf("PROVEN: entry %d of the %d that %s has signed", p.Index, c.Size, c.Origin),
		fmt.Sprintf("  id       %q", e.ID),
		"  time     " + e.At.UTC().Format(time.RFC3339Nano),
		"  what     " + what,
		"  outcome  " + string(e.Outcome),
	}
	for _, f := range e.Fields {
		value := fmt.Sprintf("%q", f.Value)
		switch {
		case f.Withheld:
			value = "withheld"
		case f.Class == audit.ClassPersonal:
			value = "sealed: " + f.Pseudonym()
		case f.Class == audit.ClassSecret:
			value = "changed"
		}
		lines = append(lines, fmt.Sprintf("  field    %s: %s", f.Name, value))
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}
