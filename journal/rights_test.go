package journal_test

import (
	"context"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/internal/mint"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Every method of a reader, tried by those who may read nothing of the log: standard users,
// visitors, integrations, installers who wait or were rejected, and dealers without a site
// here. None answers. Their own entries are all that is left to them.
//
// Rules: R14, R240, S25
func TestEveryReadingAsksForItsRight(t *testing.T) {
	w := newWorld(t, false, nil)
	entry := w.label("north", "panel-1", "user-1", "Hall")
	place, now := panel.Place{Slot: 7}, w.time()
	readings := map[string]func(ctx context.Context, r *journal.Reader) error{
		"Count": func(ctx context.Context, r *journal.Reader) error { return last(r.Count(ctx, journal.Filter{})) },
		"CountAtMost": func(ctx context.Context, r *journal.Reader) error {
			_, _, err := r.CountAtMost(ctx, journal.Filter{}, 5)
			return err
		},
		"CouldEnter": func(ctx context.Context, r *journal.Reader) error {
			return last(r.CouldEnter(ctx, journal.Whereabouts{Panel: "panel-1"}, now))
		},
		"Entry": func(ctx context.Context, r *journal.Reader) error { return last(r.Entry(ctx, entry)) },
		"Export": func(ctx context.Context, r *journal.Reader) error {
			return r.Export(ctx, io.Discard, journal.ExportOptions{})
		},
		"Follow": func(ctx context.Context, r *journal.Reader) error {
			for _, err := range r.Follow(ctx, 0) {
				return err
			}
			return nil
		},
		"Prove": func(ctx context.Context, r *journal.Reader) error { return last(r.Prove(ctx, entry)) },
		"Query": func(ctx context.Context, r *journal.Reader) error { return last(r.Query(ctx, journal.Query{})) },
		"ReportAccess": func(ctx context.Context, r *journal.Reader) error {
			return r.ReportAccess(ctx, io.Discard, journal.Whereabouts{Panel: "panel-1"}, now, journal.ReportOptions{Format: journal.CSV})
		},
		"ReportChanges": func(ctx context.Context, r *journal.Reader) error {
			return r.ReportChanges(ctx, io.Discard, journal.Filter{}, journal.ReportOptions{Format: journal.CSV})
		},
		"ReportReview": func(ctx context.Context, r *journal.Reader) error {
			return r.ReportReview(ctx, io.Discard, journal.ReviewQuery{}, journal.ReportOptions{Format: journal.CSV})
		},
		"Review": func(ctx context.Context, r *journal.Reader) error {
			return last(r.Review(ctx, journal.ReviewQuery{}))
		},
		"SignOff": func(ctx context.Context, r *journal.Reader) error {
			return last(r.SignOff(ctx, journal.ReviewQuery{}, "digest", "seen"))
		},
		"Verify": func(ctx context.Context, r *journal.Reader) error { return last(r.Verify(ctx)) },
		"WhoWas": func(ctx context.Context, r *journal.Reader) error { return last(r.WhoWas(ctx, "panel-1", place, now)) },
	}
	for m := range reflect.TypeFor[*journal.Reader]().Methods() {
		assert.Contains(t, readings, m.Name)
	}
	admin := func(a *accounts.Account) {
		a.Roles, a.Sites = []string{accounts.AdminRole}, accounts.TheseSites("north")
	}
	w.member("standard", func(a *accounts.Account) { a.Roles = []string{"user"} })
	w.member("guest", func(a *accounts.Account) { a.Kind, a.Window.Until = accounts.VisitorKind, began.Add(time.Hour) })
	w.member("integration", admin, func(a *accounts.Account) { a.Kind = accounts.ServiceKind })
	w.member("waits", admin, func(a *accounts.Account) { a.Kind = accounts.InstallerKind })
	w.member("rejected", admin, func(a *accounts.Account) {
		a.Kind, a.Decided = accounts.InstallerKind, []accounts.Decision{{Approval: accounts.Rejected, At: began, By: "owner", Site: "north"}}
	})
	roles := w.open(w.store, func(o *journal.Options) { o.Authority, o.Policy.SelfService = nil, true })
	token := accounts.Scoped(mint.Token{}, person("integration"), accounts.Scope{Rights: accounts.RightsOf(accounts.EquipmentView), Sites: accounts.TheseSites("north")})
	for _, actor := range []accounts.Actor{person("standard"), person("guest"), person("waits"), person("rejected"), token, accounts.HostActor("standard", "", "http")} {
		for name, read := range readings {
			require.Error(t, read(t.Context(), roles.As(actor)), "%s: %s", actor, name)
		}
		_, err := roles.Self(actor).Prove(t.Context(), entry)
		require.Error(t, err)
		page, err := roles.Self(actor).Query(t.Context(), journal.Query{Filter: journal.Filter{About: []string{"panel-1"}}})
		if err == nil {
			assert.Empty(t, page.Entries)
		}
	}
	for name, read := range readings {
		require.Error(t, read(t.Context(), w.journal.As(nowhere)), name)
	}
	own := []string{"Prove", "Query"}
	for m := range reflect.TypeFor[*journal.Self]().Methods() {
		assert.Contains(t, own, m.Name, "walk it with those above")
	}
	assert.NotEmpty(t, walk(t, w.journal.As(operator), journal.Filter{Actions: []audit.Action{audit.AccessDenied}}, 50))
}

func last[T any](_ T, err error) error { return err }
