package journal_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

const origin = "example.com/log"

var began = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// The people of the tests.
var (
	operator = accounts.HostActor("operator", "The operator", "http")   // all sites, every right
	north    = accounts.HostActor("reader-n", "The north desk", "http") // reads of one site
	south    = accounts.HostActor("reader-s", "The south desk", "http")
	both     = accounts.HostActor("reader-ns", "Both desks", "http")
	nowhere  = accounts.HostActor("reader-0", "No desk", "http")
	looker   = accounts.HostActor("looker", "Who looks", "http")    // may look and take nothing along
	taker    = accounts.HostActor("taker", "Who exports", "http")   // may export and not look
	stranger = accounts.HostActor("stranger", "A stranger", "http") // every right but the log's
)

func grants() accounts.StaticAuthority {
	log := accounts.RightsOf(accounts.AuditView, accounts.AuditVerify, accounts.AuditExport)
	return accounts.StaticAuthority{
		operator.ID(): {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()},
		north.ID():    {Enabled: true, Rights: log, Sites: accounts.TheseSites("north")},
		south.ID():    {Enabled: true, Rights: log, Sites: accounts.TheseSites("south")},
		both.ID():     {Enabled: true, Rights: log, Sites: accounts.TheseSites("north", "south")},
		nowhere.ID():  {Enabled: true, Rights: log, Sites: accounts.TheseSites()},
		looker.ID():   {Enabled: true, Rights: accounts.RightsOf(accounts.AuditView), Sites: accounts.AllSites()},
		taker.ID():    {Enabled: true, Rights: accounts.RightsOf(accounts.AuditExport), Sites: accounts.AllSites()},
		stranger.ID(): {Enabled: true, Rights: accounts.AllRights().Without(log), Sites: accounts.AllSites()},
	}
}

// world is a store with somebody who writes to it and a journal over it.
type world struct {
	t       testing.TB
	store   store.Store
	core    *flow.Core
	keys    *credentials.Ring
	key     audit.SigningKey
	journal *journal.Journal

	mu  sync.Mutex
	now time.Time
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// newWorld makes a world whose clock stands until it is advanced. change may be nil.
func newWorld(t testing.TB, late bool, change func(*journal.Options)) *world {
	t.Helper()
	w := &world{t: t, now: began}
	var err error
	w.store, err = memstore.NewWith(memstore.Options{Now: w.time, LateIndex: late}).Tenant("main")
	require.NoError(t, err)
	w.keys, err = credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	w.key, err = audit.GenerateKey(origin)
	require.NoError(t, err)
	w.core = &flow.Core{Store: w.store, Keys: w.keys, Authority: grants(), Now: w.time}
	w.journal = w.open(w.store, change)
	return w
}

// open makes a journal over a store.
func (w *world) open(st store.Store, change func(*journal.Options)) *journal.Journal {
	w.t.Helper()
	o := journal.Options{Store: st, Keys: w.keys, Authority: grants(), Now: w.time, Signer: w.key}
	if change != nil {
		change(&o)
	}
	j, err := journal.New(o)
	require.NoError(w.t, err)
	return j
}

// act commits one decision of an actor.
func (w *world) act(actor accounts.Actor, decide func(u *flow.Unit) error) {
	w.t.Helper()
	_, err := w.core.Act(context.Background(), actor, decide)
	require.NoError(w.t, err)
}

// say commits an entry that changes nothing, and returns its id.
func (w *world) say(actor accounts.Actor, action audit.Action, outcome audit.Outcome, targets []string, fields ...flow.Field) (id string) {
	w.t.Helper()
	w.act(actor, func(u *flow.Unit) (err error) {
		id, err = u.Say(action, outcome, targets, fields...)
		return err
	})
	return id
}

// label sets the label of a panel user, and returns the entry's id.
func (w *world) label(site, panelID, user, label string) (id string) {
	w.t.Helper()
	w.act(operator, func(u *flow.Unit) error {
		v, _, err := flow.Load(u, rec.Users, user)
		if err != nil {
			return err
		}
		v.Panel, v.Site, v.Place = panelID, site, panel.Place{Slot: 7}
		v.Wanted.Label = label
		if err := flow.Put(u, rec.Users, user, &v); err != nil {
			return err
		}
		id, err = u.Say(audit.UserLabelChanged, audit.Success, []string{flow.Site(site), panelID, user},
			flow.F(audit.FieldPanel, panelID), flow.F(audit.FieldUser, user), flow.F(audit.FieldSlot, "7"),
			flow.Field{Name: audit.FieldLabel, Value: label, Of: "user/" + user})
		return err
	})
	return id
}

// fill writes n entries, two at each second, on two sites by turns.
func (w *world) fill(n int) {
	w.t.Helper()
	for i := range n {
		site := []string{"north", "south"}[i%2]
		w.label(site, "panel-"+site, fmt.Sprintf("user-%d", i%5+10*(i%2)), fmt.Sprintf("label %d", i))
		if i%2 == 1 {
			w.advance(time.Second)
		}
	}
}

// pass runs a loop of the journal once.
func pass(t testing.TB, j *journal.Journal, name string) error {
	t.Helper()
	for _, l := range j.Loops() {
		if l.Name == name {
			return l.Pass(t.Context())
		}
	}
	require.Fail(t, "no such loop", name)
	return nil
}

// walk returns the ids of all entries under a filter, newest first.
func walk(t testing.TB, r *journal.Reader, f journal.Filter, size int) []journal.Entry {
	t.Helper()
	var all []journal.Entry
	q := journal.Query{Filter: f, Size: size}
	for {
		p, err := r.Query(t.Context(), q)
		require.NoError(t, err)
		all = append(all, p.Entries...)
		if p.Older == "" {
			return all
		}
		q.At = p.Older
	}
}

func ids(entries []journal.Entry) []string {
	list := []string{}
	for _, e := range entries {
		list = append(list, e.ID)
	}
	return list
}

// backup is a store with the log and the rows of another as they are now. What a store
// takes only with an entry is written together with the entries.
func (w *world) backup(from store.Store) store.Store {
	w.t.Helper()
	ctx := context.Background()
	to, err := memstore.NewWith(memstore.Options{Now: w.time}).Tenant("main")
	require.NoError(w.t, err)
	var rows []store.Record
	for _, kind := range append(rec.SecureKinds(), rec.Salts.Name, store.Watermark, store.Cursor) {
		found, err := from.List(ctx, store.Query{Kind: kind})
		require.NoError(w.t, err)
		rows = append(rows, found...)
	}
	written := map[store.Key]uint64{}
	puts := func() (ops []store.Op) {
		for _, r := range rows {
			if n := written[r.Key]; n < r.Version {
				ops = append(ops, store.Put{Record: r, If: n})
				written[r.Key]++
			}
		}
		return ops
	}
	entries, err := from.Entries(ctx, store.EntryQuery{ByIndex: true})
	require.NoError(w.t, err)
	require.Less(w.t, len(entries), store.MaxPage)
	for _, e := range entries {
		_, err := to.Commit(ctx, store.Change{ID: flow.NewID(), Entries: []store.Leaf{e.Leaf}, Ops: puts()})
		require.NoError(w.t, err)
	}
	for ops := puts(); len(ops) > 0; ops = puts() {
		_, err := to.Commit(ctx, store.Change{ID: flow.NewID(), Ops: ops})
		require.NoError(w.t, err)
	}
	return to
}
