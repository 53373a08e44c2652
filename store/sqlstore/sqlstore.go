package sqlstore

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// Options change how a fleet works. The zero value is right for almost everybody.
type Options struct {
	// Now is the store's clock; nil means time.Now. Stores on several machines need clocks
	// that agree.
	Now func() time.Time
}

// Fleet is a [store.Fleet] over a SQL database. It is safe for concurrent use.
type Fleet struct {
	shared *shared
	access access
}

var _ store.Fleet = (*Fleet)(nil)

// shared is what all values of one fleet have in common.
type shared struct {
	dialect Dialect
	now     func() time.Time
	hints   sync.Map // tenant → *store.Hints
	known   sync.Map // tenants whose row is committed
	commits atomic.Uint64
}

// New returns a fleet that writes through one pool of connections and reads through
// another (they may be the same). It does no I/O: call [Fleet.Migrate] before anything
// else.
func New(writer, reads *sql.DB, d Dialect, o Options) *Fleet {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &shared{dialect: d, now: o.Now}
	return &Fleet{s, &pools{dialect: &s.dialect, writer: &pool{DB: writer}, reads: &pool{DB: reads}}}
}

// Within returns the fleet bound to a host's transaction: every commit is a savepoint in
// it, every read sees it, and all becomes true when the host commits. The transaction must
// be able to write and belong to the fleet's database. Its stores give no hints for what
// they mark, because nothing is true yet.
func (f *Fleet) Within(tx *sql.Tx) *Fleet {
	return &Fleet{f.shared, &bound{dialect: &f.shared.dialect, tx: tx}}
}

// Tenant returns the store of one tenant (always a [*Store]), or [store.ErrTenant].
func (f *Fleet) Tenant(id string) (store.Store, error) {
	if err := store.CheckTenant(id); err != nil {
		return nil, err
	}
	return &Store{f, id}, nil
}

// Main returns the store of the tenant "main", for programs that have only one.
func (f *Fleet) Main() *Store { return &Store{f, "main"} }

// Tenants lists the tenants that have anything stored, in order.
func (f *Fleet) Tenants(ctx context.Context) ([]string, error) {
	var ids []string
	err := f.access.look(ctx, func(s *session) error {
		ids = nil
		return s.each("SELECT tenant FROM kh_tenants ORDER BY tenant", nil, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		})
	})
	return ids, err
}

// Close gives back the statements that are kept compiled. The pools belong to whoever
// opened them.
func (f *Fleet) Close() error { return f.access.close() }

// Store is one tenant's [store.Store].
type Store struct {
	fleet  *Fleet
	tenant string
}

var _ store.Store = (*Store)(nil)

// Contract implements [store.Store].
func (st *Store) Contract() int { return store.Contract }

// Within returns the store bound to a host's transaction, as [Fleet.Within] says.
func (st *Store) Within(tx *sql.Tx) store.Store { return &Store{st.fleet.Within(tx), st.tenant} }

// Wake implements [store.Store]. The hints are of commits through this fleet, not of
// other processes.
func (st *Store) Wake(ctx context.Context) <-chan struct{} { return st.hints().Wake(ctx) }

func (st *Store) hints() *store.Hints {
	h, _ := st.fleet.shared.hints.LoadOrStore(st.tenant, &store.Hints{})
	return h.(*store.Hints)
}

// now is the store's time as columns hold it.
func (st *Store) now() time.Time { return st.fleet.shared.now().UTC().Round(0) }

func (st *Store) text(s string) any { return st.fleet.shared.dialect.text(s) }

// args begins the arguments of a statement with the tenant and makes texts storable.
func (st *Store) args(values ...any) []any {
	list := make([]any, 0, len(values)+1)
	list = append(list, st.tenant)
	for _, v := range values {
		if s, ok := v.(string); ok {
			v = st.text(s)
		}
		list = append(list, v)
	}
	return list
}

// look reads with one statement if parts is 1, else as read does.
func (st *Store) look(ctx context.Context, parts int, work func(*session) error) error {
	if parts > 1 {
		return st.read(ctx, work)
	}
	return st.fleet.access.look(ctx, work)
}

func (st *Store) read(ctx context.Context, work func(*session) error) error {
	return st.fleet.access.read(ctx, work)
}

// write runs work and makes sure that the tenant is listed.
func (st *Store) write(ctx context.Context, work func(*session) error) error {
	_, listed := st.fleet.shared.known.Load(st.tenant)
	err := st.fleet.access.write(ctx, func(s *session) error {
		if !listed {
			if err := s.exec("INSERT INTO kh_tenants (tenant) VALUES (?) ON CONFLICT (tenant) DO NOTHING", st.tenant); err != nil {
				return err
			}
		}
		return work(s)
	})
	if err == nil && st.committing() {
		st.fleet.shared.known.Store(st.tenant, true)
	}
	return err
}

// committing reports whether what was written is true at once, and not when a host commits.
func (st *Store) committing() bool {
	_, own := st.fleet.access.(*pools)
	return own
}
