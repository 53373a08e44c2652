package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/notify/smtp"
	"github.com/seed-a2d3eaca/keyholder/notify/smtp/smtpsim"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// reportAccounts runs everything about accounts and prints the figures, also when
// something was wrong.
func reportAccounts(ctx context.Context, o options) error {
	t, err := runAccounts(ctx, o)
	rows := [][2]any{
		{"kills", t.kills},
		{"acts acknowledged", t.acknowledged()},
		{"committed, killed before the acknowledgement", t.unheard},
		{"under way at a kill, and not done", t.undone},
		{"attempts with what was used up or ended, all refused", t.replays},
		{"accounts removed", t.removed},
		{"of them erased", t.erased},
		{"sessions found, each with its entry", t.sessions},
		{"mails sent", t.mails},
		{"of them twice, and marked", t.twice},
		{"entries verified", t.entries},
	}
	for _, what := range slices.Sorted(maps.Keys(t.did)) {
		rows = append(rows, [2]any{"  " + what, t.did[what]})
	}
	return errors.Join(err, figures(o.out, rows))
}

// accountTotals are the figures of a run about accounts.
type accountTotals struct {
	kills, unheard, undone    int
	replays                   int
	removed, erased, sessions int
	mails, twice              int
	entries                   int64
	did                       map[string]int // acknowledged, by what it was
}

func (t accountTotals) acknowledged() (n int) {
	for _, of := range t.did {
		n += of
	}
	return n
}

// reaper is the process that kills while people use their accounts. It is the people, and
// their mail server.
type reaper struct {
	options
	server *smtpsim.Server
	hostID accounts.ID // who answers for visitors
	crowd  []*person
	log    reading
	killed func()       // kills the process
	left   atomic.Int64 // answers until then

	mu sync.Mutex // what the people do at the same time
	accountTotals
	graves []*grave
}

// grave is what is known of an account that was removed.
type grave struct {
	number int // of the person
	id     accounts.ID
	email  string
	done   map[audit.Action]int
	exact  []audit.Action
	asked  bool // for its erasure
}

// count takes in that something was done, or refused.
func (r *reaper) count(d deed, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case done:
		r.did[d.Do]++
	case d.spent:
		r.replays++
	}
}

func (r *reaper) buried(g *grave) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.graves = append(r.graves, g)
	r.removed++
}

// unerased is an account of a person that was removed, and for whose erasure nobody has
// asked; nil if there is none.
func (r *reaper) unerased(number int) *grave {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.graves, func(g *grave) bool { return g.number == number && !g.asked })
	if i < 0 {
		return nil
	}
	return r.graves[i]
}

// erases takes in that somebody asked for an erasure.
func (r *reaper) erases(g *grave) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g.asked = true
}

// runAccounts lets people use their accounts, kills n processes under them one after
// another, looks after each what it left, and lets one finish.
func runAccounts(ctx context.Context, o options) (accountTotals, error) {
	r, err := newReaper(ctx, o)
	if err != nil {
		return accountTotals{}, err
	}
	defer r.server.Close()
	random := rand.New(rand.NewPCG(o.seed, 1<<34))
	for r.kills < o.n {
		if err := r.kill(ctx, 1+random.Int64N(answersMost), time.Duration(random.Int64N(int64(laterMost)))); err != nil {
			return r.accountTotals, err
		}
		if r.kills%10 != 0 {
			continue
		}
		if _, err := fmt.Fprintf(o.out, "%d kills, %d acts acknowledged, %d entries verified\n", r.kills, r.acknowledged(), r.entries); err != nil {
			return r.accountTotals, err
		}
	}
	return r.accountTotals, r.finish(ctx)
}

// newReaper makes a folder with a panel, a user with a code for each person, and the
// account that answers for visitors.
func newReaper(ctx context.Context, o options) (r *reaper, err error) {
	r = &reaper{options: o, accountTotals: accountTotals{did: map[string]int{}}, log: newReading()}
	if r.server, err = smtpsim.Start(); err != nil {
		return nil, err
	}
	pin := smtp.PinOf(r.server.Certificate())
	r.mail = net.JoinHostPort(r.server.Host(), strconv.Itoa(r.server.Port())) + "/" + hex.EncodeToString(pin[:])
	if err := r.furnish(ctx); err != nil {
		r.server.Close()
		return nil, err
	}
	for n := range habits {
		r.crowd = append(r.crowd, newPerson(r, n))
	}
	return r, nil
}

// furnish makes what is there before the first process lives.
func (r *reaper) furnish(ctx context.Context) (err error) {
	d, err := openReception(ctx, r.options, dsc.Options{}, nil)
	defer func() { err = errors.Join(err, d.close()) }()
	if err != nil {
		return err
	}
	p, err := d.as().Register(ctx, roster.Registration{
		Site: site, Driver: "dsc", Ident: ident,
		Routes: map[string]roster.Route{dsc.Route: {Secrets: map[string]panel.Secret{
			dsc.KeySecret: panel.SecretOf(dscsim.DefaultType2), dsc.MasterSecret: panel.SecretOf(master),
		}}},
	})
	if err != nil {
		return err
	}
	r.panelID = p.ID
	codes, err := pool(r.seed)
	if err != nil {
		return err
	}
	for n := range habits {
		w := wish{Slot: firstSlot + n, What: setCode, Code: 1 + n, Label: "Owner", Partitions: 1}
		if _, err := w.do(ctx, d.as().Panel(p.ID), codes); err != nil {
			return err
		}
	}
	if err := d.as().SetGroup(ctx, site, credentials.Group{ID: visitors}); err != nil {
		return err
	}
	email, err := accounts.ParseEmail("host@example.com")
	if err != nil {
		return err
	}
	answers, err := d.people.As(accounts.HostActor(operator, "Operator", "crash").Vouched(d.clock.now())).
		CreateConfirmed(ctx, people.NewAccount{Email: email, Sites: accounts.TheseSites(site)})
	if err != nil {
		return err
	}
	r.hostID = answers.ID
	_, err = d.log.Checkpoint(ctx) // a log that nobody signed does not verify
	return err
}

// process starts the next process. Its complaints are in what it returns last.
func (r *reaper) process(ctx context.Context) (*exec.Cmd, *wire, func() error, *bytes.Buffer, error) {
	r.life++
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-child", "-accounts", "-dir", r.dir, "-panel", r.panelID, "-life", strconv.Itoa(r.life), "-mail", r.mail) //nolint:gosec // it is this program itself
	complaints := new(bytes.Buffer)
	cmd.Stderr = complaints
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, nil, nil, err
	}
	cmd.Cancel, cmd.WaitDelay = in.Close, 5*time.Second
	w := newWire(in)
	return cmd, w, func() error { return w.listen(out) }, complaints, cmd.Start()
}

// How many answers the people get from a process at most, and how long after the last of
// them it dies at most, which is somewhere in what it does next.
const (
	answersMost = 80
	laterMost   = 8 * time.Millisecond
)

// answered counts an answer of the process, and kills it some time after its last.
func (r *reaper) answered() {
	if r.left.Add(-1) == 0 {
		r.killed()
	}
}

// kill lets people use a process until they have so many answers, and looks at what it
// left.
func (r *reaper) kill(ctx context.Context, answers int64, later time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, silenceMost)
	defer cancel()
	cmd, w, listen, complaints, err := r.process(ctx)
	if err != nil {
		return err
	}
	r.left.Store(answers)
	r.killed = func() { time.AfterFunc(later, func() { _ = cmd.Process.Kill() }) }
	heard := make(chan error, 1)
	go func() { heard <- listen() }()
	wrongs := make([]error, len(r.crowd))
	var all sync.WaitGroup
	for i, p := range r.crowd {
		all.Go(func() {
			if wrongs[i] = p.live(ctx, w); wrongs[i] != nil {
				cancel() // nobody goes on
			}
		})
	}
	all.Wait()
	misheard := <-heard
	exit := cmd.Wait()
	if err := errors.Join(errors.Join(wrongs...), misheard); err != nil {
		return fmt.Errorf("life %d: %w\n%s", r.life, err, complaints)
	}
	if e, ok := errors.AsType[*exec.ExitError](exit); !ok || e.Error() != "signal: killed" {
		return fmt.Errorf("%w: process %d was not killed at work: %w\n%s", errViolation, r.life, exit, complaints)
	}
	r.kills++
	return r.look(ctx, false)
}

// finish lets processes live until the loops have nothing left to do. What one has taken
// up when it dies is free a minute later, which is the next one's time.
func (r *reaper) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleAtMost)
	defer cancel()
	for left := -1; left != 0; {
		var err error
		if left, err = r.rest(ctx); err != nil {
			return err
		}
	}
	return r.look(ctx, true)
}

// rest lets a process live for a moment, and returns what it left to do.
func (r *reaper) rest(ctx context.Context) (left int, err error) {
	living, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	cmd, w, listen, complaints, err := r.process(living)
	if err != nil {
		return 0, err
	}
	heard := make(chan error, 1)
	go func() { heard <- listen() }()
	err = until(living, func() (bool, error) {
		a, err := w.ask(living, order{Do: countOpen})
		if err == nil {
			left = a.Open
		}
		return left == 0, err
	}, 0)
	cancel()
	if living.Err() != nil && ctx.Err() == nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errGone)) {
		err = nil // its time was over
	}
	misheard := <-heard
	_ = cmd.Wait() // it ends by itself when its input does
	if err := errors.Join(err, misheard); err != nil {
		return left, fmt.Errorf("life %d: %w\n%s", r.life, err, strings.TrimSpace(complaints.String()))
	}
	return left, ctx.Err()
}
