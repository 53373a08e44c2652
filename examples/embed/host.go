// Command embed looks after alarm panels. It is for host developers: this file is all
// that a host writes; story.go plays a panel that calls in, and those who work with it.
package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// host opens the database, its keys and its anchor, listens for panels and works on them
// while use runs, and closes everything in order.
func host(ctx context.Context, file string, panels dsc.Options, staff accounts.Authority,
	use func(context.Context, *roster.Desk, *journal.Journal) error) (err error) {
	db, err := sqlite.Open(ctx, file, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	anchor, err := audit.OpenFileAnchor(ctx, file+".anchor") // better on another machine
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, anchor.Close()) }()
	signer, err1 := audit.OpenKeyFile(ctx, file+".signer", audit.KeyFileOptions{Name: "example.com/panels", Create: true})
	keys, err2 := credentials.OpenKeyFile(ctx, file+".keys", credentials.KeyFileOptions{Create: true})

	var desk *roster.Desk
	panels.Allow = func(ctx context.Context, ident string) (dsc.Key, error) {
		secret, err := desk.Secret(ctx, "dsc", ident, dsc.Route, dsc.KeySecret)
		return dsc.Key{Encryption: dsc.Type2, Secret: secret}, err
	}
	desk, err3 := roster.New(roster.Options{Store: db.Main(), Keys: keys, Authority: staff,
		Drivers: map[string]panel.Driver{"dsc": dsc.New(panels)}})
	log, err4 := journal.New(journal.Options{Store: db.Main(), Keys: keys, Authority: staff,
		Signer: signer, Anchors: []audit.Anchor{anchor}})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}

	ctx, stop := context.WithCancel(ctx)
	var loops sync.WaitGroup
	loops.Go(func() { engine.Run(ctx, slog.Default(), slices.Concat(desk.Loops(), log.Loops())...) })
	err = use(ctx, desk, log)
	stop()
	loops.Wait()
	return err
}
