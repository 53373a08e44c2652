package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// Errors of the demo's mark.
var (
	// ErrDemo: the database was a demo's, and is one for ever.
	ErrDemo = fault.New(fault.Precondition, "server: this database is a demo's").
		Hinted("What was tried out in a demo is no record of a real site. Begin with a new folder.")
	// ErrNotDemo: the database was made by something else.
	ErrNotDemo = fault.New(fault.Precondition, "server: this database is not a demo's").
			Hinted("The demo puts a simulated panel into the database. Give it a folder of its own.")
	// ErrNoSignIn: without the demo somebody would have to sign in.
	ErrNoSignIn = fault.New(fault.Unsupported, "server: nobody signs in here, so it serves no real panel").
			Hinted("Run it without -demo=false. A host for real panels puts a sign-in in front: see package signin.")
)

// mark keeps demos and real sites apart: an empty database becomes a demo's for ever.
func mark(ctx context.Context, db *sqlite.DB, demo bool) error {
	tx, err := db.SQL().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing to roll back
	marked, used, err := history(ctx, tx, db)
	switch {
	case err != nil:
		return err
	case !demo && marked:
		return ErrDemo
	case !demo:
		return ErrNoSignIn
	case marked:
		return nil
	case used:
		return ErrNotDemo
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE demo (since TEXT NOT NULL)"); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO demo VALUES (?)", time.Now().UTC().Format(time.RFC3339)); err != nil {
		return err
	}
	return tx.Commit()
}

// history reports whether the database is a demo's, and whether anybody wrote to it.
func history(ctx context.Context, tx *sql.Tx, db *sqlite.DB) (marked, used bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = 'demo'").Scan(&marked)
	if err != nil {
		return false, false, err
	}
	tenants, err := db.Within(tx).Tenants(ctx)
	return marked, len(tenants) > 0, err
}

// What the simulated panel came with.
const (
	ident  = "298765432101"
	master = "4729"
)

// wire is a simulated panel that calls a listener on this machine by real TCP.
type wire struct {
	panel *dscsim.Panel
	once  sync.Once
	known chan struct{} // closed when somebody listens
	addr  string
}

func newWire() *wire {
	w := &wire{known: make(chan struct{})}
	w.panel = dscsim.New(dscsim.Options{
		Ident: ident, Master: master, Users: 48, Partitions: 4, Dial: w.dial,
		Redial: 50 * time.Millisecond, LeadIn: 20 * time.Millisecond,
	})
	return w
}

func (w *wire) dial(ctx context.Context) (net.Conn, error) {
	select {
	case <-w.known:
		return new(net.Dialer).DialContext(ctx, "tcp", w.addr)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// listen takes any free port, and tells the panel which.
func (w *wire) listen(ctx context.Context) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err == nil {
		w.once.Do(func() {
			w.addr = l.Addr().String()
			close(w.known)
		})
	}
	return l, err
}

// register takes the panel into the roster and returns its id; "" if it was there before.
func (a *app) register(ctx context.Context) (string, error) {
	p, err := a.roster().Register(ctx, roster.Registration{
		Site: site, Name: "Front house", Driver: "dsc", Ident: ident,
		Routes: map[string]roster.Route{dsc.Route: {Secrets: map[string]panel.Secret{
			"key": panel.SecretOf(dscsim.DefaultType2), dsc.MasterSecret: panel.SecretOf(master),
		}}},
	})
	if errors.Is(err, roster.ErrIdentTaken) {
		return "", nil
	}
	return p.ID, err
}

// seed gives a few people accounts and places, the first time.
func (a *app) seed(ctx context.Context, tab *roster.Tab) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := a.seedAccounts(ctx); err != nil {
		return err
	}
	if err := read(ctx, tab); err != nil {
		return err
	}
	return a.seedUsers(ctx, tab)
}

// read waits until the panel has called in and was read.
func read(ctx context.Context, tab *roster.Tab) error {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		p, err := tab.Info(ctx)
		if err != nil || !p.Baseline.IsZero() {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// The accounts of the demo. The tenant has not confirmed theirs.
const (
	ownerMail  = "owner@example.com"
	tenantMail = "tenant@example.com"
)

func (a *app) seedAccounts(ctx context.Context) error {
	owner, err1 := accounts.ParseEmail(ownerMail)
	tenant, err2 := accounts.ParseEmail(tenantMail)
	_, err3 := a.accounts().CreateConfirmed(ctx, people.NewAccount{Email: owner, First: "Owner", Sites: accounts.TheseSites(site)})
	_, _, err4 := a.accounts().Create(ctx, people.NewAccount{Email: tenant, First: "Tenant", Sites: accounts.TheseSites(site)})
	return errors.Join(err1, err2, err3, err4)
}

// seedUsers sets codes that nobody knows: set another one to try it out.
func (a *app) seedUsers(ctx context.Context, tab *roster.Tab) error {
	var last roster.Receipt
	for _, u := range []struct {
		slot  int
		wish  roster.CodeWish
		email string
	}{
		{2, roster.CodeWish{Label: "Owner", Role: panel.Supervisor, Partitions: panel.PartitionsOf(1, 2, 3, 4)}, ownerMail},
		{3, roster.CodeWish{Label: "Tenant", Role: panel.User, Partitions: panel.PartitionsOf(1, 2)}, tenantMail},
		{4, roster.CodeWish{Label: "Cleaner", Role: panel.User, Partitions: panel.PartitionsOf(1, 3)}, ""},
		{5, roster.CodeWish{Label: "Courier", Role: panel.OneTime, Partitions: panel.PartitionsOf(1)}, ""},
	} {
		place := panel.Place{Slot: u.slot}
		var err error
		if _, last, err = tab.GenerateCode(ctx, place, u.wish); err != nil {
			return err
		}
		if u.email == "" {
			continue
		}
		found, err := a.roster().Suggest(ctx, u.email)
		if err != nil {
			return err
		}
		if len(found) != 1 {
			return accounts.ErrAccountNotFound
		}
		if _, err := tab.Assign(ctx, place, found[0]); err != nil {
			return err
		}
	}
	p, err := tab.Wait(ctx, last)
	if err == nil && p.Fate != roster.Settled {
		err = fmt.Errorf("server: the simulated panel has not taken its users: %s %s", p.Fate, p.Reason)
	}
	return err
}

// demo is what somebody does to the simulated panel with their hands.
func (w *web) demo(r *http.Request) (answer, error) {
	var err error
	switch r.PathValue("act") {
	case "unplug":
		w.app.panel.Fault(paneltest.Fault{Do: paneltest.Away})
	case "plug":
		w.app.panel.Fault(paneltest.Fault{Do: paneltest.Back})
	case "refuse":
		w.app.panel.Fault(paneltest.Fault{Do: paneltest.Refuse, Field: panel.FieldLabel})
	case "add":
		err = w.app.keyIn()
	case "remove":
		held := w.app.panel.Users()
		err = w.app.panel.Keypad(panel.Edit{Place: held[len(held)-1].Place, Do: panel.Remove})
	default:
		err = errForm
	}
	return answer{to: "/"}, err
}

// keyIn sets a user at the keypad whom nobody here knows, in the first slot that is free.
func (a *app) keyIn() error {
	code, err := credentials.Generate(rand.Reader, len(master), credentials.Policy{}, nil)
	if err != nil {
		return err
	}
	taken := map[int]bool{}
	for _, u := range a.panel.Users() {
		taken[u.Slot] = true
	}
	free := 2
	for taken[free] {
		free++
	}
	return a.panel.Keypad(panel.Edit{
		Place: panel.Place{Slot: free}, Do: panel.Create, Set: panel.FieldCode | panel.FieldLabel | panel.FieldPartitions,
		Values: panel.Values{Code: code, Label: "Builder", Partitions: panel.PartitionsOf(4)},
	})
}
