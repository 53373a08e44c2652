package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-a2d3eaca/keyholder/store"
)

const lineColumns = "line, gen, due, owner, token, attempts, parked"

// scanLine reads the columns of lineColumns.
func scanLine(scan func(...any) error) (store.Line, error) {
	var l store.Line
	var due *int64
	var parked string
	err := scan(&l.Name, &l.Gen, &due, &l.Owner, &l.Token, &l.Attempts, &parked)
	if err != nil {
		return l, err
	}
	l.Due = instant(due)
	l.Parked, err = splitParked(parked)
	return l, err
}

// line loads a line, applies a rule, and stores what came of it.
func (st *Store) line(s *session, name string, rule func(store.Line) (store.Line, error)) error {
	l, found := store.Line{Name: name}, false
	err := s.each("SELECT "+lineColumns+" FROM kh_lines WHERE tenant = ? AND line = ?"+s.dialect.Lock, st.args(name),
		func(scan func(...any) error) (err error) {
			found = true
			l, err = scanLine(scan)
			return err
		})
	if err != nil {
		return err
	}
	if l, err = rule(l); err != nil {
		return err
	}
	if found {
		err = s.exec("UPDATE kh_lines SET gen = ?, due = ?, owner = ?, token = ?, attempts = ?, parked = ? WHERE tenant = ? AND line = ?",
			int64(l.Gen), nanos(l.Due), st.text(l.Owner), int64(l.Token), l.Attempts, st.text(joinParked(l.Parked)), st.tenant, st.text(name))
	} else {
		err = s.exec("INSERT INTO kh_lines (tenant, line, gen, due, owner, token, attempts, parked) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			st.args(name, int64(l.Gen), nanos(l.Due), l.Owner, int64(l.Token), l.Attempts, joinParked(l.Parked))...)
	}
	return err
}

// within writes the condition that a line's name begins with prefix.
func (st *Store) within(prefix string) (string, []any) {
	from, to := store.Query{Prefix: []byte(prefix)}.Bounds()
	where, args := "tenant = ? AND line >= ?", st.args(string(from))
	if to != nil {
		where, args = where+" AND line < ?", append(args, st.text(string(to)))
	}
	return where, args
}

// Lines implements [store.Store].
func (st *Store) Lines(ctx context.Context, prefix, after string, limit int) ([]store.Line, error) {
	where, args := st.within(prefix)
	if after != "" {
		where, args = where+" AND line > ?", append(args, st.text(after))
	}
	return st.lines(ctx, where+" ORDER BY line LIMIT ?", append(args, store.Page(limit)))
}

// Due implements [store.Store].
func (st *Store) Due(ctx context.Context, prefix string, limit int) ([]store.Line, error) {
	where, args := st.within(prefix)
	now := nanos(st.now())
	return st.lines(ctx, where+" AND due <= ? AND NOT EXISTS (SELECT 1 FROM kh_nodes n WHERE n.node = kh_lines.owner AND n.until > ?)"+
		" ORDER BY due, line LIMIT ?", append(args, now, now, store.Page(limit)))
}

// lines reads lines by a condition.
func (st *Store) lines(ctx context.Context, where string, args []any) ([]store.Line, error) {
	var lines []store.Line
	err := st.look(ctx, 1, func(s *session) error {
		lines = nil
		return s.each("SELECT "+lineColumns+" FROM kh_lines WHERE "+where, args, func(scan func(...any) error) error {
			l, err := scanLine(scan)
			lines = append(lines, l)
			return err
		})
	})
	return lines, err
}

// Own implements [store.Store].
func (st *Store) Own(ctx context.Context, node, line string) (store.Line, error) {
	if node == "" || len(node) > store.MaxID || line == "" || len(line) > store.MaxTerm {
		return store.Line{}, fmt.Errorf("%w: node or line", store.ErrMalformed)
	}
	var owned store.Line
	err := st.write(ctx, func(s *session) error {
		return st.line(s, line, func(l store.Line) (store.Line, error) {
			var until int64
			living, err := s.one("SELECT until FROM kh_nodes WHERE node = ? AND until > ?", []any{st.text(l.Owner), nanos(st.now())}, &until)
			if err != nil {
				return l, err
			}
			owned, err = store.Own(l, node, func(string) bool { return living })
			return owned, err
		})
	})
	if err != nil {
		return store.Line{}, err
	}
	return owned, nil
}

// Beat implements [store.Store]. The heartbeat is the fleet's: a node that beats for one
// tenant lives for all.
func (st *Store) Beat(ctx context.Context, node string, ttl time.Duration) (time.Time, error) {
	if node == "" || len(node) > store.MaxID {
		return time.Time{}, fmt.Errorf("%w: node", store.ErrMalformed)
	}
	now := st.now()
	err := st.fleet.access.write(ctx, func(s *session) error {
		err := s.exec("INSERT INTO kh_nodes (node, until) VALUES (?, ?) ON CONFLICT (node) DO UPDATE SET until = excluded.until",
			st.text(node), nanos(now.Add(ttl)))
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	return now, nil
}
