// Command crash kills a process that writes, again and again, and shows that nothing
// which it acknowledged is lost and nothing else is half there.
//
// It is for people who decide whether to trust keyholder with a store of theirs, and for
// those who change it. This process plays a DSC panel, which outlives every crash. Another
// one opens the SQLite file, its keys and its anchor, works on the panel, and writes wishes
// as fast as it can; it says of each when it has returned. It is killed with SIGKILL at a
// random moment. While it is dead, this process opens the file and looks whether
//
//   - every user has exactly the wishes that were acknowledged, and at most the one that
//     was under way, and the log has an entry for each;
//   - the log's tree, its signed checkpoints, the anchor and every stored row agree;
//   - every code for which the panel opens is claimed for its place.
//
// At last a process lives until nothing is outstanding, and the panel has to hold exactly
// what was wished last. SIGKILL does not tell what a disk forgets when the power goes: a test
// of package store/sqlite does.
//
//	go run ./examples/crash -n 200 -seed 1
//
// With -master the process is killed at another moment: the answer to a change of the code
// that opens the panel was lost, and somebody has changed it once more at the keypad. Each
// process is killed when the panel has refused the first of the two codes that may be
// right. However often that happens, the panel is tried twice at most, and then the line
// waits for a person.
//
//	go run ./examples/crash -master -n 50
//
// With -accounts people use accounts instead of panels: they register, confirm, sign in with
// an app, a mailed code or a recovery code, change and reset passwords, prove themselves
// again, are suspended, assigned to panel users, removed and erased; integrations and
// visitors come and go. This process is all of them, and their mail server. It kills the
// other one at random moments and looks whether every act that was acknowledged is there
// with its entry and what was under way is there as a whole or not at all; no session is
// without its entry; nothing is left of a removed account; and no message was sent twice
// that is not marked. Whatever was used up is tried again, over all lives: it never works.
//
//	go run ./examples/crash -accounts -n 50
//
// It exits 1 and prints what the last process said if anything is otherwise. With an odd
// seed the panel refuses to write a code over itself, as some may.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"text/tabwriter"
)

// options are what the processes are told.
type options struct {
	n    int    // kills; with master, of those between the tries
	seed uint64 // of everything random
	dir  string // where the file and its keys are
	out  io.Writer

	master   bool   // kill between the two tries of the master's own code
	accounts bool   // kill under people who use their accounts
	mail     string // with child and accounts: the mail server's address and key

	child   bool   // this is the process that is killed
	panelID string // of the panel
	life    int    // the number of the process, from 1
	rest    bool   // no more wishes: only carry out what is there
}

func main() {
	o := options{out: os.Stdout}
	flag.IntVar(&o.n, "n", 10, "how often to kill")
	flag.BoolVar(&o.master, "master", false, "kill between the two tries of the panel's own code, -n times")
	flag.BoolVar(&o.accounts, "accounts", false, "kill under people who use their accounts")
	flag.StringVar(&o.mail, "mail", "", "with -child -accounts: the mail server's `address/key`")
	flag.Uint64Var(&o.seed, "seed", 1, "where chance begins")
	flag.StringVar(&o.dir, "dir", "", "`folder` for the database; by default a temporary one, which is removed if all is well")
	flag.BoolVar(&o.child, "child", false, "be the process that is killed (started by this program itself)")
	flag.StringVar(&o.panelID, "panel", "", "with -child: the panel's id")
	flag.IntVar(&o.life, "life", 0, "with -child: its number")
	flag.BoolVar(&o.rest, "rest", false, "with -child: make no wishes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := start(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

// start is one of the two processes.
func start(ctx context.Context, o options) error {
	switch {
	case o.child && o.accounts:
		return receive(ctx, o, os.Stdin)
	case o.child:
		return live(ctx, o, os.Stdin)
	case o.dir != "":
		return report(ctx, o)
	}
	dir, err := os.MkdirTemp("", "keyholder-crash-")
	if err != nil {
		return err
	}
	o.dir = dir
	if err := report(ctx, o); err != nil {
		return fmt.Errorf("%w\n(what is left is in %s)", err, dir)
	}
	return os.RemoveAll(dir)
}

// report runs everything and prints the figures, also when something was wrong.
func report(ctx context.Context, o options) error {
	switch {
	case o.master:
		return reportMaster(ctx, o)
	case o.accounts:
		return reportAccounts(ctx, o)
	}
	t, err := run(ctx, o)
	settled := "no"
	if t.settled {
		settled = "yes"
	}
	return errors.Join(err, figures(o.out, [][2]any{
		{"kills", t.kills},
		{"wishes acknowledged", t.acknowledged},
		{"wishes refused", t.refused},
		{"committed, killed before the acknowledgement", t.unheard},
		{"programming sessions on the panel", t.sessions},
		{"panel writes on their way at a kill", t.inFlight},
		{"entries verified", t.entries},
		{"settled", settled},
	}))
}

// figures prints what was counted.
func figures(out io.Writer, rows [][2]any) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintf(w, "%v\t%v\n", row[0], row[1]) // kept until Flush
	}
	return w.Flush()
}
