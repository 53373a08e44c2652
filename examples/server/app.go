package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/audit/zapaudit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// app is keyholder over one file, with the panel that it looks after.
type app struct {
	desk   *roster.Desk
	people *people.Service
	log    *journal.Journal
	panel  *dscsim.Panel
	diag   *slog.Logger
}

// site is where everything is.
const site = "house"

// operator is who works here: everything but whose code is in the way.
const operator accounts.ID = "demo"

// me is the operator. Nobody has signed in: the demo vouches for whoever is at this machine.
func me() accounts.Actor {
	return accounts.HostActor(operator, "Demo operator", "http").Vouched(time.Now())
}

func (a *app) roster() *roster.Operator   { return a.desk.As(me()) }
func (a *app) tab(id string) *roster.Tab  { return a.roster().Panel(id) }
func (a *app) accounts() *people.Operator { return a.people.As(me()) }
func (a *app) journal() *journal.Reader   { return a.log.As(me()) }

// staff says what the operator may do.
func staff() accounts.StaticAuthority {
	rights := accounts.AllRights().Without(accounts.RightsOf(accounts.CollisionsView))
	return accounts.StaticAuthority{operator: {Enabled: true, Rights: rights, Sites: accounts.AllSites()}}
}

// run opens the folder, keeps everything going while use runs, and closes it in order.
func run(ctx context.Context, o options, use func(context.Context, *app) error) (err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	file := filepath.Join(o.Dir, "keyholder.db")
	db, err := sqlite.Open(ctx, file, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := mark(ctx, db, o.Demo); err != nil {
		return err
	}
	anchor, err := audit.OpenFileAnchor(ctx, file+".anchor")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, anchor.Close()) }()
	copied, err := os.OpenFile(filepath.Join(o.Dir, "action.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	keys, err1 := credentials.OpenKeyFile(ctx, file+".keys", credentials.KeyFileOptions{Create: true})
	signer, err2 := audit.OpenKeyFile(ctx, file+".signer", audit.KeyFileOptions{Name: "example.com/demo", Create: true})
	if err := errors.Join(err1, err2); err != nil {
		return err
	}

	wire := newWire()
	a := &app{panel: wire.panel, diag: o.Log}
	driver := dsc.New(dsc.Options{
		Listen: wire.listen, Log: o.Log,
		// A real panel wants two seconds of silence first, and takes longer to call again.
		Quiet: 50 * time.Millisecond, Return: time.Second,
		Allow: func(ctx context.Context, ident string) (dsc.Key, error) {
			secret, err := a.desk.Secret(ctx, "dsc", ident, dsc.Route, "key")
			return dsc.Key{Encryption: dsc.Type2, Secret: secret}, err
		},
	})
	a.desk, err = roster.New(roster.Options{Store: db.Main(), Keys: keys, Authority: staff(), Log: o.Log,
		ReadEvery: time.Minute, // the simulated panel forgets its users when the program ends
		Drivers:   map[string]panel.Driver{"dsc": driver}})
	if err != nil {
		return err
	}
	// Mail goes nowhere: it is kept in memory and ends with the program.
	a.people, err = people.New(people.Options{Store: db.Main(), Keys: keys, Authority: staff(), Log: o.Log,
		Mailer: new(notifytest.Capture)})
	if err != nil {
		return err
	}
	a.log, err = journal.New(journal.Options{Store: db.Main(), Keys: keys, Authority: staff(), Log: o.Log,
		Signer: signer, Anchors: []audit.Anchor{anchor}, AnchorEvery: 10 * time.Second,
		Recorders: []journal.Sink{{Name: "zap", Recorder: zapaudit.New(lines(copied), zapaudit.Options{Sync: true})}}})
	if err != nil {
		return err
	}

	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() {
		engine.Run(ctx, o.Log, slices.Concat(a.desk.Loops(), a.people.Loops(), a.log.Loops())...)
	})
	id, err := a.register(ctx)
	if err != nil {
		return err
	}
	running.Go(func() { _ = a.panel.Serve(ctx) }) // it calls in until the program ends
	if id != "" {
		if err := a.seed(ctx, a.tab(id)); err != nil {
			return err
		}
	}
	return use(ctx, a)
}

// lines is a logger that writes one line of JSON for each entry.
func lines(f *os.File) *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), f, zap.InfoLevel))
}
