package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// How long things may take.
const (
	lifeAtMost   = 400 * time.Millisecond // from the first acknowledgement on
	silenceMost  = 30 * time.Second       // until the first acknowledgement
	settleAtMost = time.Minute
)

// What the simulated panel came with.
const (
	ident  = "298765432101"
	master = "4729"
)

// errViolation: something is not as it has to be.
var errViolation = errors.New("violation")

// totals are the figures of a run.
type totals struct {
	kills, acknowledged, refused, unheard int
	sessions                              int   // of programming
	inFlight                              int   // users whose write the panel may or may not have taken, at the kills
	entries                               int64 // in the log
	settled                               bool
}

// killer is the process that kills and looks.
type killer struct {
	options
	totals
	sim    *dscsim.Panel
	addr   atomic.Pointer[string] // where the living process listens, nil: nowhere
	mute   atomic.Pointer[string] // a code: the panel calls nobody once it accepts that
	codes  []string
	ledger ledger
}

// newKiller makes a panel with a Master that calls nobody yet.
func newKiller(o options) (*killer, error) {
	k := &killer{options: o, ledger: newLedger()}
	var err error
	k.codes, err = pool(o.seed)
	k.sim = dscsim.New(dscsim.Options{
		Ident: ident, Master: master, Users: lastSlot, Partitions: 4, Dial: k.dial,
		Redial: 10 * time.Millisecond, LeadIn: 5 * time.Millisecond,
	})
	k.sim.Quirk(dscsim.OwnDuplicate, o.seed%2 == 1)
	return k, err
}

// run registers the panel, kills n processes one after another, looks after each, and
// lets one live.
func run(ctx context.Context, o options) (totals, error) {
	k, err := newKiller(o)
	if err != nil {
		return totals{}, err
	}
	ctx, end := context.WithCancel(ctx)
	var calling sync.WaitGroup
	defer calling.Wait()
	defer end()
	calling.Go(func() { _ = k.sim.Serve(ctx) }) // it calls until everything is over
	if err := k.register(ctx); err != nil {
		return totals{}, err
	}
	err = k.lives(ctx)
	k.sessions, k.refused = k.sim.Entered(), k.ledger.refused
	if errors.Is(err, errViolation) {
		err = fmt.Errorf("%w\n%s", err, k.ledger.trace())
	}
	return k.totals, err
}

// lives kills one process after another, and lets the last one live.
func (k *killer) lives(ctx context.Context) error {
	random := rand.New(rand.NewPCG(k.seed, 1<<32))
	for k.kills < k.n {
		if err := k.kill(ctx, time.Millisecond+time.Duration(random.Int64N(int64(lifeAtMost)))); err != nil {
			return err
		}
		if k.kills%10 != 0 {
			continue
		}
		if _, err := fmt.Fprintf(k.out, "%d kills, %d wishes acknowledged, %d entries verified\n", k.kills, k.acknowledged, k.entries); err != nil {
			return err
		}
	}
	return k.settle(ctx)
}

// dial reaches the process that lives.
func (k *killer) dial(ctx context.Context) (net.Conn, error) {
	to, mute := k.addr.Load(), k.mute.Load()
	if to == nil || mute != nil && k.sim.Accepts(*mute) {
		return nil, net.ErrClosed
	}
	return new(net.Dialer).DialContext(ctx, "tcp", *to)
}

// register takes the panel into the roster, and signs what the log then holds.
func (k *killer) register(ctx context.Context) (err error) {
	h, err := open(ctx, k.dir, clockOf(0), dsc.Options{})
	defer func() { err = errors.Join(err, h.close()) }()
	if err != nil {
		return err
	}
	p, err := h.as().Register(ctx, roster.Registration{
		Site: site, Driver: "dsc", Ident: ident,
		Routes: map[string]roster.Route{dsc.Route: {Secrets: map[string]panel.Secret{
			dsc.KeySecret: panel.SecretOf(dscsim.DefaultType2), dsc.MasterSecret: panel.SecretOf(master),
		}}},
	})
	if err != nil {
		return err
	}
	k.panelID = p.ID
	_, err = h.log.Checkpoint(ctx) // a log that nobody signed does not verify
	return err
}

// process starts the next process, and returns what it says and what it complains of.
func (k *killer) process(ctx context.Context, args ...string) (*exec.Cmd, io.Reader, *bytes.Buffer, error) {
	k.life++
	k.ledger.begin(k.life)
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, err
	}
	args = append([]string{"-child", "-dir", k.dir, "-panel", k.panelID, "-seed", strconv.FormatUint(k.seed, 10), "-life", strconv.Itoa(k.life)}, args...)
	cmd := exec.CommandContext(ctx, self, args...) //nolint:gosec // it is this program itself
	words := new(bytes.Buffer)
	cmd.Stderr = words
	in, err1 := cmd.StdinPipe() // when it ends, the process says what is wrong and ends too
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, nil, err
	}
	cmd.Cancel, cmd.WaitDelay = in.Close, 5*time.Second
	return cmd, out, words, cmd.Start()
}

// kill lets a process live for a while after its first acknowledgement, and looks at what
// it left.
func (k *killer) kill(ctx context.Context, after time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(silenceMost, cancel)
	defer silence.Stop()
	cmd, out, stderr, err := k.process(ctx)
	if err != nil {
		return err
	}
	var death *time.Timer
	misheard := k.listen(out, func(w word) {
		if w.Say == done && death == nil {
			death = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	})
	err = cmd.Wait()
	if misheard != nil {
		return misheard
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Error() != "signal: killed" || death == nil {
		return fmt.Errorf("%w: process %d was not killed at work: %w\n%s", errViolation, k.life, errors.Join(err, ctx.Err()), stderr)
	}
	k.kills++
	return k.look(ctx, false)
}

// settle lets a process live until nothing is outstanding, and compares the panel with
// what was wished.
func (k *killer) settle(ctx context.Context) error {
	living, cancel := context.WithTimeout(ctx, settleAtMost)
	defer cancel()
	cmd, out, stderr, err := k.process(living, "-rest")
	if err != nil {
		return err
	}
	misheard := k.listen(out, func(word) {})
	if err := errors.Join(misheard, cmd.Wait()); err != nil {
		return fmt.Errorf("%w: not settled within %v: %w\n%s", errViolation, settleAtMost, err, stderr)
	}
	if err := k.look(ctx, true); err != nil {
		return err
	}
	k.settled = true
	return nil
}

// listen hears a process to its end. The error is about what it said.
func (k *killer) listen(out io.Reader, heard func(word)) (err error) {
	defer k.addr.Store(nil)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var w word
		if json.Unmarshal(lines.Bytes(), &w) != nil {
			err = wrong("half a word was said: %q", lines.Text())
			continue
		}
		if w.Say == listens {
			k.addr.Store(&w.Addr)
		}
		k.ledger.hear(w)
		heard(w)
	}
	return err
}
