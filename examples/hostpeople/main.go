// Command hostpeople is a program that has people of its own, in a table of its own, and
// looks after their codes with keyholder. It is for host developers: one transaction of
// the host's holds its own INSERT, the code and the link, and all of it becomes true or
// none.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/examples/acmedriver"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

func main() {
	dir, err := os.MkdirTemp("", "keyholder-")
	if err == nil {
		err = run(context.Background(), dir, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hostpeople:", err)
		os.Exit(1)
	}
}

// site is where the panel hangs and where the people belong.
const site = "house"

// host is the program: its database, its people, and keyholder over both.
type host struct {
	db     *sqlite.DB
	people people
	desk   *roster.Desk
	me     accounts.Actor
	panel  string
}

// run opens everything, tries it out with a simulated panel, and says what came of it.
func run(ctx context.Context, dir string, out io.Writer) (err error) {
	db, err := sqlite.Open(ctx, filepath.Join(dir, "host.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := credentials.OpenKeyFile(ctx, filepath.Join(dir, "host.keys"), credentials.KeyFileOptions{Create: true})
	if err != nil {
		return err
	}
	h := &host{db: db, people: people{db.SQL()}, me: accounts.HostActor("staff-1", "Front desk", "cli").Vouched(time.Now())}
	if err := h.people.create(ctx); err != nil {
		return err
	}
	h.desk, err = roster.New(roster.Options{
		Store: db.Main(), Keys: keys, Directory: h.people,
		Authority: accounts.StaticAuthority{"staff-1": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}},
		Drivers:   map[string]panel.Driver{"acme": acmedriver.New(new(net.Dialer))},
	})
	if err != nil {
		return err
	}

	const key = "an-acme-key"
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	wall := acmedriver.NewPanel(func() (net.Listener, error) { return listener, nil }, key)
	ctx, unplug := context.WithCancel(ctx)
	var plugged sync.WaitGroup
	defer plugged.Wait()
	defer unplug()
	plugged.Go(func() { _ = wall.Serve(ctx) }) // until it is unplugged

	p, err := h.desk.As(h.me).Register(ctx, roster.Registration{Site: site, Driver: "acme", Ident: acmedriver.Ident,
		Routes: map[string]roster.Route{acmedriver.Route: {
			Addr:    listener.Addr().String(),
			Secrets: map[string]panel.Secret{acmedriver.Key: panel.SecretOf(key)},
		}}})
	if err != nil {
		return err
	}
	h.panel = p.ID
	return h.tell(ctx, wall, out)
}

// errChanged is why the host thinks better of it.
var errChanged = errors.New("the contract was not signed")

// tell moves one person in and another one not, and shows what became of both.
func (h *host) tell(ctx context.Context, wall *acmedriver.Panel, out io.Writer) error {
	tenant := person{ID: "p-1", Email: "tenant@example.com", Name: "Tenant", Site: site, Created: time.Now()}
	if err := h.moveIn(ctx, tenant, 2, "6137", nil); err != nil {
		return err
	}
	if err := h.show(ctx, out, 2, "committed"); err != nil {
		return err
	}
	guest := person{ID: "p-2", Email: "guest@example.com", Name: "Guest", Site: site, Created: time.Now()}
	if err := h.moveIn(ctx, guest, 3, "8604", errChanged); !errors.Is(err, errChanged) {
		return fmt.Errorf("the transaction was to fall: %w", err)
	}
	if err := h.show(ctx, out, 3, "rolled back"); err != nil {
		return err
	}
	if err := h.desk.Work(ctx); err != nil { // one pass of what the desk's loops do all the time
		return err
	}
	var labels []string
	for _, u := range wall.Users() {
		labels = append(labels, u.Label)
	}
	_, err := fmt.Fprintln(out, "the panel opens for:", strings.Join(labels, ", "))
	return err
}

// moveIn adds a person and gives them a code, in one transaction. The host may still
// change its mind at the end: then nothing of it has happened.
func (h *host) moveIn(ctx context.Context, v person, slot int, digits string, but error) error {
	code, err := panel.ParseCode(digits)
	if err != nil {
		return err
	}
	tx, err := h.db.SQL().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing to roll back
	within := people{tx}
	if err := within.add(ctx, v); err != nil {
		return err
	}
	operator := h.desk.On(h.db.Main().Within(tx), within).As(h.me)
	tab, place := operator.Panel(h.panel), panel.Place{Slot: slot}
	if _, err := tab.SetCode(ctx, place, roster.CodeWish{Code: code, Label: v.Name}); err != nil {
		return err
	}
	found, err := operator.Suggest(ctx, v.Email)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return accounts.ErrAccountNotFound
	}
	if _, err := tab.Assign(ctx, place, found[0]); err != nil {
		return err
	}
	if but != nil {
		return but
	}
	return tx.Commit()
}

// show writes what the Users tab has of a slot.
func (h *host) show(ctx context.Context, out io.Writer, slot int, what string) error {
	d, err := h.desk.As(h.me).Panel(h.panel).Details(ctx, panel.Place{Slot: slot})
	if err != nil {
		return err
	}
	code := d.Field(panel.FieldCode)
	_, err = fmt.Fprintf(out, "%s: slot %s, code %s and %s, account %s (%s)\n", what, d.Number(), code.Reported, code.State, d.AccountText(), d.StatusText())
	return err
}
