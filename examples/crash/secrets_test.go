package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/audit/zapaudit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// The planted secrets. Each code's BCD has a byte that no text has, so that only one in
// some ten thousand runs finds one by chance, among random bytes.
var secrets = planted{
	"first code":   "60718293",
	"second code":  "70829361",
	"third code":   "81937260",
	"wrong length": "9182736450",
	"master":       "93715064",
	"lost master":  "84620597",
	"key":          "c41d8e0f2b3a495867d6e5f4a3b2c1d0",
}

// seen is everything that somebody sees: logs and whatever was printed.
type seen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *seen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *seen) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.text.Bytes())
}

// print prints values in every way.
func (s *seen) print(values ...any) {
	for _, v := range values {
		_, _ = fmt.Fprintf(s, "%v\n%+v\n%#v\n%s\n", v, v, v, v)
		b, _ := json.Marshal(v) // what has no JSON form shows none
		_, _ = s.Write(append(b, '\n'))
		slog.New(slog.NewTextHandler(s, nil)).Info("printed", "value", v)
		slog.New(slog.NewJSONHandler(s, nil)).Info("printed", "value", v)
	}
}

// overheard is a store whose changes are printed as they are committed.
type overheard struct {
	store.Store
	seen *seen
}

func (o overheard) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	r, err := o.Store.Commit(ctx, c)
	o.seen.print(c, r, err)
	return r, err
}

// office is keyholder with everything that speaks turned on.
type office struct {
	*testing.T
	ctx                        context.Context
	dir                        string
	logs, zap, changes, values seen
	db                         *sqlite.DB
	sim                        *dscsim.Panel
	tab                        *roster.Tab
	op                         *roster.Operator
	stop                       func()
}

func newOffice(t *testing.T) *office {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	o := &office{T: t, ctx: ctx, dir: t.TempDir()}
	file := filepath.Join(o.dir, "keyholder.db")
	var err error
	o.db, err = sqlite.Open(ctx, file, sqlite.Options{})
	require.NoError(t, err)
	keys, err := credentials.OpenKeyFile(ctx, file+".keys", credentials.KeyFileOptions{Create: true})
	require.NoError(t, err)
	signer, err := audit.OpenKeyFile(ctx, file+".signer", audit.KeyFileOptions{Name: "example.com/hunt", Create: true})
	require.NoError(t, err)
	anchor, err := audit.OpenFileAnchor(ctx, file+".anchor")
	require.NoError(t, err)

	everything := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	log := slog.New(slog.NewMultiHandler(slog.NewTextHandler(&o.logs, everything), slog.NewJSONHandler(&o.logs, everything)))
	zapped := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&o.zap), zap.DebugLevel))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o.sim = dscsim.New(dscsim.Options{
		Ident: ident, Master: secrets["master"], Key: secrets["key"], Users: 12, Partitions: 4, Redial: 20 * time.Millisecond, LeadIn: 5 * time.Millisecond,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
		},
	})
	var desk *roster.Desk
	driver := dsc.New(dsc.Options{
		Listen: func(context.Context) (net.Listener, error) { return listener, nil }, Log: log, Quiet: 5 * time.Millisecond, Return: time.Second,
		Allow: func(ctx context.Context, ident string) (dsc.Key, error) {
			secret, err := desk.Secret(ctx, "dsc", ident, dsc.Route, dsc.KeySecret)
			o.values.print(secret, err)
			return dsc.Key{Encryption: dsc.Type2, Secret: secret}, err
		},
	})
	staff := accounts.StaticAuthority{operator: {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	st := overheard{o.db.Main(), &o.changes}
	desk, err = roster.New(roster.Options{Store: st, Keys: keys, Authority: staff, Log: log, Drivers: map[string]panel.Driver{"dsc": driver}})
	require.NoError(t, err)
	reader, err := journal.New(journal.Options{Store: st, Keys: keys, Authority: staff, Log: log, Signer: signer, Anchors: []audit.Anchor{anchor},
		AnchorEvery: 200 * time.Millisecond, Recorders: []journal.Sink{{Name: "zap", Personal: true, Recorder: zapaudit.New(zapped, zapaudit.Options{Personal: true})}}})
	require.NoError(t, err)

	var running sync.WaitGroup
	running.Go(func() { engine.Run(ctx, log, slices.Concat(desk.Loops(), reader.Loops())...) })
	running.Go(func() { _ = o.sim.Serve(ctx) })
	o.stop = func() {
		cancel()
		running.Wait()
		require.NoError(t, errors.Join(anchor.Close(), o.db.Close()))
	}
	o.op = desk.As(accounts.HostActor(operator, "Operator", "test").Vouched(time.Now()))
	registration := roster.Registration{Site: site, Driver: "dsc", Ident: ident, Routes: map[string]roster.Route{dsc.Route: {Secrets: map[string]panel.Secret{
		dsc.KeySecret: panel.SecretOf(secrets["key"]), dsc.MasterSecret: panel.SecretOf(secrets["lost master"]),
	}}}}
	p, err := o.op.Register(ctx, registration)
	require.NoError(t, err)
	o.values.print(registration, p, keys, signer, desk)
	o.tab = o.op.Panel(p.ID)
	return o
}

func (o *office) code(what string) panel.Code {
	o.Helper()
	c, err := panel.ParseCode(secrets[what])
	require.NoError(o, err)
	return c
}

// set wishes for a code, and shows what there is to be seen of it.
func (o *office) set(slot int, what, label string) (roster.Receipt, error) {
	o.Helper()
	w := roster.CodeWish{Code: o.code(what), Label: label, Partitions: panel.PartitionsOf(1, 2)}
	r, err := o.tab.SetCode(o.ctx, panel.Place{Slot: slot}, w)
	o.values.print(w, r, err)
	return r, err
}

// settles waits until a wish is carried out.
func (o *office) settles(r roster.Receipt) {
	o.Helper()
	p, err := o.tab.Wait(o.ctx, r)
	require.NoError(o, err, "%+v", p)
	require.Equal(o, roster.Settled, p.Fate, "%+v", p)
	o.values.print(p)
	o.look(r.Place)
}

// look shows everything that views show.
func (o *office) look(place panel.Place) {
	o.Helper()
	d, err1 := o.tab.Details(o.ctx, place)
	page, err2 := o.tab.Users(o.ctx, 1, 15)
	info, err3 := o.tab.Info(o.ctx)
	open, err4 := o.op.Outstanding(o.ctx)
	require.NoError(o, errors.Join(err1, err2, err3, err4))
	o.values.print(d, d.Row, page, page.Rows, info, open)
}

// sealed counts the users' codes that are kept, sealed, in the store.
func (o *office) sealed() int {
	o.Helper()
	var all string
	require.NoError(o, o.db.SQL().QueryRowContext(o.ctx, "SELECT coalesce(group_concat(CAST(body AS TEXT)), '') FROM kh_records WHERE kind = 'user'").Scan(&all))
	require.Contains(o, all, `"names"`, "codes that are set are claimed")
	return strings.Count(all, `"sealed"`)
}

// hunt searches everything that has come out so far, and the files.
func (o *office) hunt(moment string, files ...string) {
	o.Helper()
	secrets.nowhere(o.T, moment+": logs", o.logs.bytes())
	secrets.nowhere(o.T, moment+": zap", o.zap.bytes())
	secrets.nowhere(o.T, moment+": changes", o.changes.bytes())
	secrets.nowhere(o.T, moment+": values", o.values.bytes())
	require.Subset(o, secrets.notInFiles(o.T, o.dir), files, moment)
}

// A panel's codes of eight digits, its master code and its key are in nothing that is
// logged, printed, returned or stored, while they are needed and when they no longer are.
//
// Rules: R39, R193, G192
func TestPlantedSecretsAreFoundNowhere(t *testing.T) {
	o := newOffice(t)

	// The master code that it was registered with is not the panel's: its line is parked.
	_, err := o.set(4, "first code", "Cleaner")
	require.NoError(t, err)
	require.Positive(t, o.sealed(), "it has to be written yet")
	o.until(func() bool {
		info, err := o.tab.Info(o.ctx)
		require.NoError(t, err)
		return len(info.Line.Parked) > 0
	})
	o.look(panel.Place{Slot: 4})
	o.hunt("parked", "keyholder.db-wal")
	require.NoError(t, o.tab.SetSecret(o.ctx, dsc.Route, roster.Route{Secrets: map[string]panel.Secret{
		dsc.KeySecret: panel.SecretOf(secrets["key"]), dsc.MasterSecret: panel.SecretOf(secrets["master"]),
	}}))
	o.until(func() bool {
		err := o.tab.Resume(o.ctx)
		if err != nil {
			require.ErrorIs(t, err, roster.ErrLineBusy)
		}
		return err == nil
	})
	first, err := o.set(4, "first code", "Cleaner")
	require.NoError(t, err)
	o.settles(first)
	require.True(t, o.sim.Accepts(secrets["first code"]))
	require.Zero(t, o.sealed(), "nothing has to write it any more")

	changed, err := o.set(4, "second code", "Night guard")
	require.NoError(t, err)
	o.settles(changed)
	require.True(t, o.sim.Accepts(secrets["second code"]))
	_, err = o.set(5, "second code", "Guest")
	require.ErrorIs(t, err, credentials.ErrCodeTaken)
	_, err = o.set(5, "wrong length", "Guest")
	require.ErrorIs(t, err, credentials.ErrCodeLength)
	_, err = o.set(5, "master", "Guest")
	require.Error(t, err)

	// One waits for a panel that is away.
	o.sim.Fault(paneltest.Fault{Do: paneltest.Away})
	waiting, err := o.set(6, "third code", "Courier")
	require.NoError(t, err)
	require.Positive(t, o.sealed())
	o.look(waiting.Place)
	require.NoError(t, o.db.Backup(o.ctx, filepath.Join(o.dir, "backup.db")))
	o.hunt("waiting", "keyholder.db", "keyholder.db-wal", "keyholder.db.anchor", "backup.db")

	o.sim.Fault(paneltest.Fault{Do: paneltest.Back})
	o.settles(waiting)
	trial, err := o.tab.Test(o.ctx)
	require.NoError(t, err)
	o.values.print(trial)
	disabled, err := o.tab.Disable(o.ctx, panel.Place{Slot: 4})
	require.NoError(t, err)
	o.settles(disabled)
	require.False(t, o.sim.Accepts(secrets["second code"]))
	require.Zero(t, o.sealed())
	o.hunt("settled", "keyholder.db", "keyholder.db-wal", "keyholder.db.anchor", "backup.db")

	o.stop()
	o.hunt("closed", "keyholder.db", "keyholder.db.anchor", "backup.db")
}

// until looks again and again until something is so.
func (o *office) until(so func() bool) {
	o.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-again.C:
		case <-o.ctx.Done():
			require.NoError(o, o.ctx.Err())
		}
	}
}
