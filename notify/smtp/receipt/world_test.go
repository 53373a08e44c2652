package receipt_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"log/slog"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/notify/smtp"
	"github.com/seed-a2d3eaca/keyholder/notify/smtp/smtpsim"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// world is a host: accounts over a SQLite file, with mail over a real line.
type world struct {
	t      *testing.T
	path   string
	server *smtpsim.Server
	keys   *credentials.Ring
	store  store.Store // with the world's faults
	ahead  atomic.Int64
	mute   atomic.Bool // the server does not answer
	plan   atomic.Pointer[func(storetest.Call) storetest.Fault]
	log    buffer
	svc    *people.Service
	op     *people.Operator
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), "keyholder.db")}
	var err error
	w.server, err = smtpsim.Start()
	require.NoError(t, err)
	t.Cleanup(w.server.Close)
	db, err := sqlite.Open(t.Context(), w.path, sqlite.Options{Now: w.now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	w.keys, err = credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	w.store = storetest.Faulty(db.Main(), func(c storetest.Call) storetest.Fault {
		if p := w.plan.Load(); p != nil {
			return (*p)(c)
		}
		return storetest.Pass
	})
	w.svc = w.node()
	w.op = w.svc.As(w.actor())
	return w
}

// now is a clock that only the test moves on, beside the real one.
func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

func (w *world) later(d time.Duration) { w.ahead.Add(int64(d)) }

func (w *world) actor() accounts.Actor {
	return accounts.HostActor("operator", "Operator", "test").Vouched(w.now())
}

// node is another process over the same file.
func (w *world) node(edit ...func(*people.Options)) *people.Service {
	w.t.Helper()
	mail, err := smtp.New(smtp.Options{
		Host: w.server.Host(), Port: w.server.Port(), Roots: w.server.Roots(), From: "codes@example.com",
		Username: smtpsim.Username, Password: notify.NewSecret(smtpsim.Password), Timeout: time.Minute,
	})
	require.NoError(w.t, err)
	o := people.Options{
		Store: w.store, Keys: w.keys, Mailer: hurried{mail, w}, FirstTry: -1, Now: w.now,
		Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}},
		Log:       slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, e := range edit {
		e(&o)
	}
	svc, err := people.New(o)
	require.NoError(w.t, err)
	return svc
}

// hurried is a mailer that gives a server up soon only if that does not answer: on a busy
// machine those that do may take their time.
type hurried struct {
	*smtp.Mailer
	w *world
}

func (h hurried) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.w.mute.Load() {
		return context.WithTimeout(ctx, 2*time.Second)
	}
	return context.WithCancel(ctx)
}

func (h hurried) Send(ctx context.Context, m notify.Message) (notify.Delivery, error) {
	ctx, cancel := h.within(ctx)
	defer cancel()
	return h.Mailer.Send(ctx, m)
}

func (h hurried) Check(ctx context.Context) error {
	ctx, cancel := h.within(ctx)
	defer cancel()
	return h.Mailer.Check(ctx)
}

func (w *world) failing(plan func(storetest.Call) storetest.Fault) { w.plan.Store(&plan) }

// account adds a confirmed account.
func (w *world) account(address string) accounts.ID {
	w.t.Helper()
	e, err := accounts.ParseEmail(address)
	require.NoError(w.t, err)
	a, err := w.op.CreateConfirmed(w.t.Context(), people.NewAccount{Email: e, First: "Tower", Sites: accounts.TheseSites("north")})
	require.NoError(w.t, err)
	return a.ID
}

// reset posts a code to a new account.
func (w *world) reset(address string) people.Receipt {
	w.t.Helper()
	d, err := w.op.ResetPassword(w.t.Context(), w.account(address))
	require.NoError(w.t, err)
	require.Equal(w.t, people.Queued, d.State)
	return d.Receipt
}

func (w *world) work(svc *people.Service) {
	w.t.Helper()
	require.NoError(w.t, svc.Work(w.t.Context()))
}

// set changes the server's mood.
func (w *world) set(m smtpsim.Mood) {
	w.t.Helper()
	w.mute.Store(m == smtpsim.Hanging || m == smtpsim.Mute)
	require.NoError(w.t, w.server.Set(m))
}

func (w *world) delivery(r people.Receipt) people.Delivery {
	w.t.Helper()
	d, err := w.op.Delivery(context.WithoutCancel(w.t.Context()), r)
	require.NoError(w.t, err)
	return d
}

var codeForm = regexp.MustCompile(`(?m)^    ([0-9]{8})\s*$`)

// code is the code in a mail.
func code(t *testing.T, m smtpsim.Message) string {
	t.Helper()
	_, body, found := strings.Cut(m.Data, "\r\n\r\n")
	require.True(t, found)
	text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
	require.NoError(t, err)
	found2 := codeForm.FindSubmatch(text)
	require.NotNil(t, found2)
	return string(found2[1])
}

// left lists the forms of a secret that lie in the file, its journal or the log.
func (w *world) left(secret string) (found []string) {
	w.t.Helper()
	places := map[string][]byte{"the log": w.log.b.Bytes()}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(w.path + suffix)
		require.NoError(w.t, err)
		places[filepath.Base(w.path)+suffix] = b
	}
	forms := map[string][]byte{"plain": []byte(secret), "hexadecimal": []byte(hex.EncodeToString([]byte(secret)))}
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString(append(make([]byte, shift), secret...))
		forms["base64"+strings.Repeat("'", shift)] = []byte(text[(shift*8+5)/6 : (shift+len(secret))*8/6])
	}
	for place, b := range places {
		for form, f := range forms {
			if bytes.Contains(b, f) {
				found = append(found, place+": "+form)
			}
		}
	}
	return found
}
