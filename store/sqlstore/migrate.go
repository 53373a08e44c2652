package sqlstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/store"
)

// migration is one numbered step of the schema.
type migration struct {
	number         int
	name, text, id string
}

// steps reads the dialect's migrations and insists on 1, 2, 3, …
func (d *Dialect) steps() ([]migration, error) {
	files, err := fs.Glob(d.Migrations, "*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]migration, len(files))
	for i, file := range files {
		head, _, _ := strings.Cut(file, "_")
		number, err := strconv.Atoi(head)
		if err != nil || number != i+1 {
			return nil, fmt.Errorf("sqlstore: migration %q is not number %d", file, i+1)
		}
		text, err := fs.ReadFile(d.Migrations, file)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		steps[i] = migration{number, file, string(text), hex.EncodeToString(sum[:])}
	}
	return steps, nil
}

// Migrate brings the database to the schema of this release, in one transaction, and
// remembers each step with its checksum. A database of a newer release, or one whose
// steps were changed after they ran, is refused with [store.ErrSchema].
func (f *Fleet) Migrate(ctx context.Context) error {
	steps, err := f.shared.dialect.steps()
	if err != nil {
		return err
	}
	return f.access.write(ctx, func(s *session) error {
		if err := s.exec("CREATE TABLE IF NOT EXISTS kh_migrations (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL)"); err != nil {
			return err
		}
		done, err := applied(s)
		if err != nil {
			return err
		}
		if len(done) > len(steps) {
			return fmt.Errorf("%w: it has %d steps, this release knows %d", store.ErrSchema, len(done), len(steps))
		}
		for i, m := range steps {
			if i < len(done) {
				if done[i] != m.id {
					return fmt.Errorf("%w: %s was changed after it ran", store.ErrSchema, m.name)
				}
				continue
			}
			if _, err := s.on.ExecContext(s.ctx, m.text); err != nil {
				return fmt.Errorf("sqlstore: %s: %w", m.name, err)
			}
			if err := s.exec("INSERT INTO kh_migrations (number, name, sha256) VALUES (?, ?, ?)", m.number, m.name, m.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// applied returns the checksums of the steps that ran, in order.
func applied(s *session) ([]string, error) {
	var ids []string
	err := s.each("SELECT sha256 FROM kh_migrations ORDER BY number", nil, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}
