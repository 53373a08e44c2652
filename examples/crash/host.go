package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

const (
	site     = "house"
	operator = accounts.ID("operator")
)

// clock is a process's time. Each process lives a minute later than the one before: what
// a dead one owned is free when its heartbeat has ended, and nobody has to wait for that.
type clock time.Duration

func clockOf(life int) clock { return clock(time.Duration(life) * time.Minute) }

func (c clock) now() time.Time { return time.Now().Add(time.Duration(c)) }

// host is keyholder over a folder, as each process opens it.
type host struct {
	clock  clock
	db     *sqlite.DB
	keys   *credentials.Ring
	signer audit.SigningKey
	anchor *audit.FileAnchor
	desk   *roster.Desk
	log    *journal.Journal
}

// open opens the folder. To close what it returns is the caller's also when it fails.
func open(ctx context.Context, dir string, c clock, panels dsc.Options) (*host, error) {
	h := &host{clock: c}
	file := filepath.Join(dir, "keyholder.db")
	var err1, err2, err3, err4 error
	h.db, err1 = sqlite.Open(ctx, file, sqlite.Options{Now: c.now})
	h.keys, err2 = credentials.OpenKeyFile(ctx, file+".keys", credentials.KeyFileOptions{Create: true})
	h.signer, err3 = audit.OpenKeyFile(ctx, file+".signer", audit.KeyFileOptions{Name: "example.com/crash", Create: true})
	h.anchor, err4 = audit.OpenFileAnchor(ctx, file+".anchor")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return h, err
	}
	panels.Allow = func(ctx context.Context, ident string) (dsc.Key, error) {
		secret, err := h.desk.Secret(ctx, "dsc", ident, dsc.Route, dsc.KeySecret)
		return dsc.Key{Encryption: dsc.Type2, Secret: secret}, err
	}
	staff := accounts.StaticAuthority{operator: {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	h.desk, err1 = roster.New(roster.Options{Store: h.db.Main(), Keys: h.keys, Authority: staff, Now: c.now,
		Drivers: map[string]panel.Driver{"dsc": dsc.New(panels)}})
	h.log, err2 = journal.New(journal.Options{Store: h.db.Main(), Keys: h.keys, Authority: staff, Now: c.now,
		Signer: h.signer, Anchors: []audit.Anchor{h.anchor}, AnchorEvery: 200 * time.Millisecond})
	return h, errors.Join(err1, err2)
}

// close closes what is open.
func (h *host) close() error {
	var err1, err2 error
	if h.anchor != nil {
		err1 = h.anchor.Close()
	}
	if h.db != nil {
		err2 = h.db.Close()
	}
	return errors.Join(err1, err2)
}

// as is the desk in the operator's hands, whose factor was just proven.
func (h *host) as() *roster.Operator {
	return h.desk.As(accounts.HostActor(operator, "Operator", "crash").Vouched(h.clock.now()))
}

// checkLog verifies the action log against its own key, its anchor and the stored rows.
func (h *host) checkLog(ctx context.Context) error {
	o := audit.VerifyOptions{Origin: h.signer.Name(), Anchors: []audit.Anchor{h.anchor}, Now: h.clock.now()}
	o.Keys = append(o.Keys, h.signer.Public())
	st := h.db.Main()
	restored, err := journal.CheckRestored(ctx, st, o)
	if err != nil {
		return err
	}
	if restored.Quarantine() {
		return wrong("the log is %s its anchor: %+v", restored.Standing, restored)
	}
	report, err := journal.VerifyStore(ctx, st, o)
	if err != nil {
		return err
	}
	if !report.OK() || report.Pending > 0 {
		return wrong("the log does not verify:\n%s", report)
	}
	return nil
}
