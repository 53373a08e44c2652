// Command embed looks after alarm panels. It is for host developers: this file is all
// that a host writes; the other files play panels and those who work with them.
package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// host opens the database, its keys and its anchor, listens for DSC panels, works on them
// and on those of the drivers in o while use runs, and closes everything in order.
func host(ctx context.Context, file string, panels dsc.Options, o roster.Options,
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
	drivers := map[string]panel.Driver{"dsc": dsc.New(panels)}
	maps.Copy(drivers, o.Drivers)
	o.Store, o.Keys, o.Drivers = db.Main(), keys, drivers
	desk, err3 := roster.New(o)
	log, err4 := journal.New(journal.Options{Store: db.Main(), Keys: keys, Authority: o.Authority,
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
