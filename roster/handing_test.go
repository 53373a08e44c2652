package roster_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/panel"
	keepers "github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// handing is a rig with keyholder's own accounts, one of which has the panel user at slot 4.
type handing struct {
	*rig
	svc    *keepers.Service
	mail   *notifytest.Capture
	log    *lockedText
	holder accounts.ID

	plan   func(storetest.Call) storetest.Fault // of the store; nil: nothing goes wrong
	action audit.Action                         // before it commits,
	comes  func()                               // this comes, once
	mu     sync.Mutex
}

// interrupted is a store in which something may come before a commit.
type interrupted struct {
	store.Store
	h *handing
}

func (i interrupted) Commit(ctx context.Context, c store.Change) (store.Result, error) {
	i.h.mu.Lock()
	comes := i.h.comes
	if comes != nil && slices.ContainsFunc(c.Entries, func(e store.Leaf) bool { return e.Action == string(i.h.action) }) {
		i.h.comes = nil
	} else {
		comes = nil
	}
	i.h.mu.Unlock()
	if comes != nil {
		comes()
	}
	return i.Store.Commit(ctx, c)
}

// before lets something come before an action commits.
func (h *handing) before(a audit.Action, comes func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.action, h.comes = a, comes
}

// interrupts reports whether what was to come has not come.
func (h *handing) interrupts() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.comes != nil
}

// lockedText is a log that may be written by several.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func handOver(t *testing.T, test func(h *handing), edit ...func(*rig)) {
	t.Helper()
	h := &handing{mail: &notifytest.Capture{}, log: &lockedText{}}
	inBubble(t, func(r *rig) {
		h.rig = r
		var err error
		h.svc, err = keepers.New(keepers.Options{Store: r.store, Keys: r.options.Keys, Authority: r.rights, Mailer: h.mail, FirstTry: -1, Log: slog.New(slog.NewTextHandler(h.log, nil))})
		require.NoError(t, err)
		a, err := h.people().CreateConfirmed(r.ctx, keepers.NewAccount{Email: email(t, "tower@example.com"), First: "Tower", Last: "Mill", Sites: accounts.TheseSites(site)})
		require.NoError(t, err)
		h.holder = a.ID
		r.settles(r.set(4, "6137", roster.CodeWish{}), roster.Settled)
		h.assign(a.ID)
		test(h)
	}, append([]func(*rig){func(r *rig) {
		r.rights["second"] = r.rights["operator"]
		r.rights["far"] = accounts.Grant{Enabled: true, Rights: accounts.AllRights(), Sites: accounts.TheseSites("elsewhere")}
		r.store = storetest.Faulty(r.store, func(c storetest.Call) storetest.Fault {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.plan == nil {
				return storetest.Pass
			}
			return h.plan(c)
		})
		r.store = interrupted{r.store, h}
		r.options.Store, r.options.Directory, r.options.Mails, r.options.Log = r.store, nil, true, slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}}, edit...)...)
}

func (h *handing) people() *keepers.Operator {
	return h.svc.As(accounts.HostActor("operator", "The operator", "test").Vouched(time.Now()))
}

func (h *handing) assign(id accounts.ID) {
	h.Helper()
	h.renew()
	who, err := h.op.Choose(h.ctx, id)
	require.NoError(h, err)
	_, err = h.tab.Assign(h.ctx, slot(4), who)
	require.NoError(h, err)
}

// offer hands a new code over to the holder.
func (h *handing) offer(o roster.HandOver) (roster.Offer, roster.Receipt) {
	h.Helper()
	offer, receipt, err := h.tab.HandOver(h.ctx, slot(4), roster.CodeWish{}, o)
	require.NoError(h, err)
	return offer, receipt
}

// confirmed is an offer of a code that the panel has.
func (h *handing) confirmed(o roster.HandOver) roster.Offer {
	h.Helper()
	offer, receipt := h.offer(o)
	h.settles(receipt, roster.Settled)
	return offer
}

func (h *handing) state() roster.OfferState {
	h.Helper()
	o, err := h.tab.Offered(h.ctx, slot(4))
	require.NoError(h, err)
	return o.State
}

// stored is the panel user as it is stored.
func (h *handing) stored() rec.User {
	h.Helper()
	rs, err := h.store.Load(h.ctx, rec.Users.Key(rec.UserID(h.tab.ID(), slot(4))))
	require.NoError(h, err)
	u, _, err := rec.Users.Decode(rs[0])
	require.NoError(h, err)
	return u
}

// count counts the entries of an action.
func (h *handing) count(action audit.Action) (n int) {
	for _, a := range h.actions() {
		if a == string(action) {
			n++
		}
	}
	return n
}

// mailed is the word in the newest mail.
func (h *handing) mailed() panel.Secret {
	h.Helper()
	require.NoError(h, h.svc.Work(h.ctx))
	sent := h.mail.Sent()
	require.NotEmpty(h, sent)
	for word := range strings.FieldsSeq(sent[len(sent)-1].Text) {
		if strings.HasPrefix(word, h.tab.ID()) {
			return panel.SecretOf(word)
		}
	}
	h.Fatal("no word in the mail")
	return panel.Secret{}
}

// everything is all that a store, its log and the diagnostics say.
func (h *handing) everything() string {
	h.Helper()
	var text strings.Builder
	text.WriteString(h.log.String())
	es, err := h.store.Entries(h.ctx, store.EntryQuery{ByIndex: true})
	require.NoError(h, err)
	for _, e := range es {
		fmt.Fprintf(&text, "%s %q\n", e.Body, e.Targets)
	}
	for _, kind := range append(rec.SecureKinds(), rec.Salts.Name, rec.Addresses.Name, store.Attempt, store.Sent, store.Session, store.Touch) {
		rs, err := h.store.List(h.ctx, store.Query{Kind: kind})
		require.NoError(h, err)
		for _, r := range rs {
			fmt.Fprintf(&text, "%s %s %q\n", r.Key, r.Body, r.Terms)
		}
	}
	return text.String()
}
