package roster

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Errors of paging.
var (
	// ErrPageSize: not one of the page sizes.
	ErrPageSize = fault.New(fault.Invalid, "roster: page size is 10, 15, 50, 100 or 200").
			Hinted("Choose 10, 15, 50, 100 or 200 users for a page.")
	// ErrNoMorePages: there is no such page.
	ErrNoMorePages = fault.New(fault.NotFound, "roster: no more pages")
)

// PageSizes are the sizes that a page can have; the first that is meant by zero is
// DefaultPageSize.
func PageSizes() []int { return []int{10, 15, 50, 100, 200} }

// DefaultPageSize is the size of a page if none is named.
const DefaultPageSize = 15

// Columns are the grid's columns, in order.
func Columns() []string {
	return []string{"№", "Label & role", "Code", "Partitions", "Account", "Created", "Status", ""}
}

// Page is a page of the grid.
type Page struct {
	Rows  []Row
	First int // of the page, counted from 1; 0 on an empty page
	Last  int
	Total int
	Size  int
}

// Range is the text between the arrows: "1-15 of 1000".
func (p Page) Range() string { return fmt.Sprintf("%d-%d of %d", p.First, p.Last, p.Total) }

// HasNext reports whether there is a page behind this one.
func (p Page) HasNext() bool { return p.Last < p.Total }

// HasPrev reports whether there is a page before this one.
func (p Page) HasPrev() bool { return p.First > 1 }

// Users returns a page of the panel's users in order of place: every slot of the panel,
// with or without a code. Pages count from 1; size is one of [PageSizes], 0 the default.
// An empty page follows the last one only on an empty panel; else [ErrNoMorePages].
func (t *Tab) Users(ctx context.Context, page, size int) (Page, error) {
	if size == 0 {
		size = DefaultPageSize
	}
	if !slices.Contains(PageSizes(), size) {
		return Page{}, ErrPageSize
	}
	p, err := t.peek(ctx, "Users")
	if err != nil {
		return Page{}, err
	}
	g, err := t.core().Authority.Grant(ctx, t.op.actor)
	if err != nil {
		return Page{}, err
	}
	out := Page{Size: size}
	page = max(page, 1)
	var users []rec.User
	if n := p.Model.Slots.Len(); n > 0 {
		out.Total = n
		if (page-1)*size < n {
			users, err = t.slots(ctx, p, p.Model.Slots.First+(page-1)*size, min(size, n-(page-1)*size))
		}
	} else {
		var all []rec.User
		all, err = t.users(ctx)
		out.Total = len(all)
		if from := (page - 1) * size; from < len(all) {
			users = all[from:min(from+size, len(all))]
		}
	}
	switch {
	case err != nil:
		return Page{}, err
	case page > 1 && (page-1)*size >= out.Total:
		return Page{}, ErrNoMorePages
	}
	for _, u := range users {
		r, err := t.row(ctx, p, u, &g)
		if err != nil {
			return Page{}, err
		}
		out.Rows = append(out.Rows, r)
	}
	if len(out.Rows) > 0 {
		out.First = (page-1)*size + 1
		out.Last = out.First + len(out.Rows) - 1
	}
	return out, nil
}

// slots loads n users from a slot on; those without a record are empty slots.
func (t *Tab) slots(ctx context.Context, p rec.Panel, first, n int) ([]rec.User, error) {
	keys := make([]panel.Place, n)
	load := make([]string, n)
	for i := range n {
		keys[i] = panel.Place{Slot: first + i}
		load[i] = rec.UserID(t.id, keys[i])
	}
	out := make([]rec.User, 0, n)
	for chunk := range slices.Chunk(load, 100) {
		rs, err := t.core().Store.Load(ctx, userKeys(chunk)...)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			u, _, err := rec.Users.Decode(r)
			if err != nil {
				return nil, err
			}
			if r.Version == 0 {
				u = rec.User{Panel: t.id, Site: p.Site, Slot: panel.Slot{Place: keys[len(out)]}}
			}
			out = append(out, u)
		}
	}
	return out, nil
}

// Count is the number of users of the panel, without walking pages.
func (t *Tab) Count(ctx context.Context) (int, error) {
	p, err := t.peek(ctx, "Count")
	if err != nil {
		return 0, err
	}
	if n := p.Model.Slots.Len(); n > 0 {
		return n, nil
	}
	users, err := t.users(ctx)
	return len(users), err
}

// CountText is the header's text: "15 users".
func CountText(n int) string {
	if n == 1 {
		return "1 user"
	}
	return strconv.Itoa(n) + " users"
}
