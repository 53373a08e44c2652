package journal_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/dscsim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// house is a desk that delivers to a simulated panel, in a bubble of fake time, and a
// journal over the same store.
type house struct {
	*testing.T
	ctx     context.Context
	store   store.Store
	core    *flow.Core
	desk    *roster.Desk
	journal *journal.Journal
	sim     *dscsim.Panel
	panel   string
}

const masterCode = "4729"

var seventh = panel.Place{Slot: 7}

func routes() map[string]roster.Route {
	return map[string]roster.Route{dsc.Route: {Secrets: map[string]panel.Secret{
		"key": panel.SecretOf(dscsim.DefaultType2), "master": panel.SecretOf(masterCode)}}}
}

func inHouse(t *testing.T, test func(h *house), before ...func(*dscsim.Panel)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		h := &house{T: t, ctx: ctx, store: memstore.Open()}
		var directory accounts.StaticDirectory
		for _, id := range []string{"cleaner", "guest", "keeper"} {
			e, err := accounts.ParseEmail(id + "@example.com")
			require.NoError(t, err)
			directory = append(directory, accounts.Person{ID: accounts.ID(id), Email: e, Status: accounts.StatusActive, Sites: accounts.AllSites()})
		}
		keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
		require.NoError(t, err)
		key, err := audit.GenerateKey(origin)
		require.NoError(t, err)
		h.core = &flow.Core{Store: h.store, Keys: keys, Authority: grants()}
		h.journal, err = journal.New(journal.Options{Store: h.store, Keys: keys, Authority: grants(), Signer: key})
		require.NoError(t, err)
		network := &paneltest.Network{}
		h.sim = dscsim.New(dscsim.Options{Ident: "298765432101", Master: masterCode, Users: 12, Partitions: 4, Dial: func(ctx context.Context) (net.Conn, error) {
			return network.DialContext(ctx, "tcp", "10.0.0.2:3072")
		}})
		for _, f := range before {
			f(h.sim)
		}
		h.desk, err = roster.New(roster.Options{Store: h.store, Keys: keys, Directory: directory, Authority: grants(), Node: "node-1",
			Drivers: map[string]panel.Driver{"dsc": dsc.New(dsc.Options{
				Listen: func(context.Context) (net.Listener, error) { return network.Listen("10.0.0.2:3072") },
				Allow: func(ctx context.Context, ident string) (dsc.Key, error) {
					secret, err := h.desk.Secret(ctx, "dsc", ident, dsc.Route, "key")
					if err != nil {
						return dsc.Key{}, dsc.ErrUnlisted
					}
					return dsc.Key{Encryption: dsc.Type2, Secret: secret}, nil
				},
			})}})
		require.NoError(t, err)
		var running sync.WaitGroup
		running.Go(func() { engine.Run(ctx, nil, h.desk.Loops()...) })
		running.Go(func() { _ = h.sim.Serve(ctx) })
		p, err := h.op().Register(ctx, roster.Registration{Site: "north", Driver: "dsc", Ident: "298765432101", Routes: routes()})
		require.NoError(t, err)
		h.panel = p.ID
		h.rest()
		test(h)
		cancel()
		running.Wait()
	})
}

func (h *house) op() *roster.Operator { return h.desk.As(operator.Vouched(time.Now())) }
func (h *house) tab() *roster.Tab     { return h.op().Panel(h.panel) }

// rest waits until the panel has been told everything.
func (h *house) rest() {
	h.Helper()
	for range 24 * 60 {
		time.Sleep(time.Minute)
		if p, err := h.tab().Info(h.ctx); err == nil && !p.Baseline.IsZero() && h.user().Idle() {
			return
		}
	}
	h.Fatal("never at rest")
}

func (h *house) user() rec.User {
	h.Helper()
	rs, err := h.store.Load(h.ctx, rec.Users.Key(rec.UserID(h.panel, seventh)))
	require.NoError(h, err)
	u, _, err := rec.Users.Decode(rs[0])
	require.NoError(h, err)
	return u
}

func (h *house) set(code, label string) {
	h.Helper()
	c, err := panel.ParseCode(code)
	require.NoError(h, err)
	_, err = h.tab().SetCode(h.ctx, seventh, roster.CodeWish{Code: c, Label: label, Role: panel.User})
	require.NoError(h, err)
}

func (h *house) assign(id accounts.ID) {
	h.Helper()
	s, err := h.op().Choose(h.ctx, id)
	require.NoError(h, err)
	_, err = h.tab().Assign(h.ctx, seventh, s)
	require.NoError(h, err)
}

func (h *house) disable() {
	h.Helper()
	_, err := h.tab().Disable(h.ctx, seventh, roster.Confirmed("yes"))
	require.NoError(h, err)
}

func (h *house) whoWas(at time.Time) []journal.Occupant {
	h.Helper()
	found, err := h.journal.As(operator).WhoWas(h.ctx, h.panel, seventh, at)
	require.NoError(h, err)
	return found
}

// One slot had three people, one after the other. Each instant has its own answer, also
// after all of them have gone and the panel was replaced by another one.
//
// Rules: R260
func TestASlotTellsWhoWasInItAtAnyTime(t *testing.T) {
	inHouse(t, func(h *house) {
		now := func() time.Time { // nothing else is done in this instant
			defer time.Sleep(time.Second)
			return time.Now()
		}
		empty := now()
		var during, between []time.Time
		for i, id := range []accounts.ID{"cleaner", "guest", "keeper"} {
			h.set([]string{"6137", "8604", "2958"}[i], "The "+string(id))
			h.assign(id)
			h.rest()
			during = append(during, now())
			h.disable()
			h.rest()
			between = append(between, now())
		}
		require.NoError(t, h.tab().Replace(h.ctx, "298765432102", routes()))

		require.Empty(t, h.whoWas(empty))
		for i, id := range []string{"cleaner", "guest", "keeper"} {
			found := h.whoWas(during[i])
			require.Len(t, found, 1)
			o := found[0]
			assert.Equal(t, "The "+id, o.Label)
			assert.Equal(t, id, o.Account)
			assert.Equal(t, id+"@example.com", o.Person)
			assert.Equal(t, string(panel.User), o.Role)
			assert.Equal(t, journal.Present, o.Presence)
			assert.Equal(t, journal.SetHere, o.How)
			assert.Equal(t, "298765432101", o.Ident, "as it was then")
			assert.False(t, o.Confirmed.Before(o.Since) || o.Since.After(during[i]) || o.Linked.Before(o.Since))
			_, err := h.journal.As(operator).Entry(h.ctx, o.Entry)
			require.NoError(t, err)
			require.Empty(t, h.whoWas(between[i]))
			assert.NotContains(t, fmt.Sprintf("%v %+v %s", o, o, o), "@")
		}

		// Everybody who could enter, by the panel, the person and the site.
		for _, w := range []journal.Whereabouts{{Panel: h.panel}, {Account: "guest"}, {Site: "north"}} {
			found, err := h.journal.As(operator).CouldEnter(h.ctx, w, during[1])
			require.NoError(t, err)
			require.Equal(t, h.whoWas(during[1]), found, "%+v", w)
		}
		found, err := h.journal.As(operator).CouldEnter(h.ctx, journal.Whereabouts{Account: "cleaner"}, during[1])
		require.NoError(t, err)
		require.Empty(t, found)
		_, err = h.journal.As(operator).CouldEnter(h.ctx, journal.Whereabouts{Account: "cleaner", Site: "north"}, during[1])
		require.ErrorIs(t, err, journal.ErrWhereabouts)

		// Readers of other sites learn nothing, not even that there is such a panel.
		_, err = h.journal.As(south).WhoWas(h.ctx, h.panel, seventh, during[0])
		require.ErrorIs(t, err, journal.ErrNoHistory)
		_, err = h.journal.As(south).WhoWas(h.ctx, "no such panel", seventh, during[0])
		require.ErrorIs(t, err, journal.ErrNoHistory)
		_, err = h.journal.As(south).CouldEnter(h.ctx, journal.Whereabouts{Panel: h.panel}, during[0])
		require.ErrorIs(t, err, journal.ErrNoHistory)
		for _, w := range []journal.Whereabouts{{Account: "cleaner"}, {Site: "north"}} {
			found, err = h.journal.As(south).CouldEnter(h.ctx, w, during[0])
			require.NoError(t, err)
			require.Empty(t, found)
		}
		_, err = h.journal.As(stranger).WhoWas(h.ctx, h.panel, seventh, during[0])
		require.ErrorIs(t, err, accounts.ErrPermissionDenied)
	})
}

// A person whose removal was only wished is still there until the panel has confirmed it,
// and the one who follows is coming.
//
// Rules: R260, R267
func TestWhoLeavesIsThereUntilThePanelSaysOtherwise(t *testing.T) {
	inHouse(t, func(h *house) {
		h.set("6137", "Cleaner")
		h.rest()
		h.sim.Hold(true)
		h.disable()
		time.Sleep(time.Second)
		h.set("8604", "Guest")
		time.Sleep(time.Second)
		both := time.Now()
		found := h.whoWas(both)
		require.Len(t, found, 2)
		assert.Equal(t, []journal.Presence{journal.Leaving, journal.Coming}, []journal.Presence{found[0].Presence, found[1].Presence})
		assert.Equal(t, "Cleaner Guest", found[0].Label+" "+found[1].Label)
		h.sim.Hold(false)
		h.rest()
		found = h.whoWas(time.Now())
		require.Len(t, found, 1)
		assert.Equal(t, journal.Present, found[0].Presence)
		assert.Equal(t, "Guest", found[0].Label)
		assert.Len(t, h.whoWas(both), 2, "what comes later changes no answer")

		h.disable()
		h.rest()
		h.sim.Hold(true)
		h.set("2958", "Keeper")
		time.Sleep(time.Second)
		require.Len(t, h.whoWas(time.Now()), 1)
		if _, err := h.tab().Cancel(h.ctx, seventh); err == nil {
			require.Empty(t, h.whoWas(time.Now()), "it never reached the panel")
		}
		h.sim.Hold(false)
	})
}

// Somebody who was there before anybody read the panel has no entry, and is named all the
// same; so is somebody whom an installer sets at the keypad later, until they are cleared.
//
// Rules: R260, R267, G210
func TestUsersOfThePanelsOwnAreNamed(t *testing.T) {
	keypad := func(slot int, code string) func(*dscsim.Panel) {
		c, err := panel.ParseCode(code)
		require.NoError(t, err)
		return func(p *dscsim.Panel) {
			require.NoError(t, p.Keypad(panel.Edit{Place: panel.Place{Slot: slot}, Do: panel.Create, Set: panel.FieldCode | panel.FieldLabel, Values: panel.Values{Code: c, Label: "Theirs"}}))
		}
	}
	inHouse(t, func(h *house) {
		keypad(7, "8604")(h.sim)
		time.Sleep(time.Hour)
		there := time.Now()
		time.Sleep(time.Second)
		_, err := h.tab().Disable(h.ctx, seventh, roster.Confirmed("yes"))
		require.NoError(t, err)
		h.rest()
		gone := time.Now()
		find := func(at time.Time) (found []string) {
			list, err := h.journal.As(operator).CouldEnter(h.ctx, journal.Whereabouts{Panel: h.panel}, at)
			require.NoError(t, err)
			v, err := h.journal.As(operator).Review(h.ctx, journal.ReviewQuery{AsOf: at})
			require.NoError(t, err)
			require.Equal(t, list, v.Unmanaged)
			digest, err := v.Digest()
			require.NoError(t, err)
			_, err = h.journal.As(operator.Vouched(time.Now())).SignOff(h.ctx, journal.ReviewQuery{AsOf: at}, digest, "seen")
			require.NoError(t, err, "labels are no part of what is signed")
			for _, o := range list {
				require.Equal(t, journal.FoundThere, o.How)
				found = append(found, fmt.Sprint(o.Slot, " ", o.Label))
			}
			return found
		}
		theirs := find(gone)
		require.Contains(t, theirs, "5 Theirs")
		require.ElementsMatch(t, append(theirs, "7 "), find(there), "its label is in no entry")
		require.Len(t, h.whoWas(there), 1)
		require.Empty(t, h.whoWas(gone))
	}, keypad(5, "6137"))
}

// What somebody does at the keypad, what becomes of an account and what becomes of the
// hardware is in the history too.
//
// Rules: R260
func TestTheHistoryKnowsTheKeypadTheAccountAndTheHardware(t *testing.T) {
	inHouse(t, func(h *house) {
		only := func(how journal.Arrival, presence journal.Presence, account string) journal.Occupant {
			t.Helper()
			time.Sleep(time.Minute)
			found := h.whoWas(time.Now())
			require.Len(t, found, 1)
			require.Equal(t, how, found[0].How)
			require.Equal(t, presence, found[0].Presence)
			require.Equal(t, account, found[0].Account)
			return found[0]
		}
		h.set("6137", "Cleaner")
		h.assign("cleaner")
		h.rest()
		only(journal.SetHere, journal.Present, "cleaner")
		n, err := h.core.Unlink(h.ctx, operator, "cleaner")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Zero(t, only(journal.SetHere, journal.Present, "").Linked)

		require.NoError(t, h.sim.Keypad(panel.Edit{Place: seventh, Do: panel.Remove}))
		time.Sleep(time.Hour)
		require.Empty(t, h.whoWas(time.Now()), "removed at the panel")

		code, err := panel.ParseCode("8604")
		require.NoError(t, err)
		require.NoError(t, h.sim.Keypad(panel.Edit{Place: seventh, Do: panel.Create, Set: panel.FieldCode, Values: panel.Values{Code: code}}))
		time.Sleep(time.Hour)
		stranger := only(journal.FoundThere, journal.Present, "")
		_, err = h.tab().Adopt(h.ctx, seventh, "the tenant's own code")
		require.NoError(t, err)
		h.assign("guest")
		adopted := only(journal.Adopted, journal.Present, "guest")
		require.Equal(t, stranger.Since, adopted.Since)
		require.Greater(t, adopted.Tenancy, stranger.Tenancy)
		before := time.Now()
		time.Sleep(time.Second)

		h.sim.Hold(true)
		require.NoError(t, h.tab().Replace(h.ctx, "298765432102", routes()))
		require.Empty(t, h.whoWas(time.Now()), "nobody is on the new hardware")
		require.Equal(t, []journal.Presence{journal.Present}, []journal.Presence{h.whoWas(before)[0].Presence})
		h.set("2958", "Keeper")
		require.Equal(t, "298765432102", only(journal.SetHere, journal.Coming, "guest").Ident)
		require.Equal(t, "298765432101", h.whoWas(before)[0].Ident)
	})
}

// Whatever was done to a slot, what the log tells of each instant is what the roster knew
// at that instant.
//
// Rules: R260
func TestWhoWasIsWhatTheRosterKnewThen(t *testing.T) {
	inHouse(t, func(h *house) {
		type moment struct {
			at   time.Time
			user rec.User
		}
		var seen []moment
		look := func() {
			seen = append(seen, moment{time.Now(), h.user()})
			time.Sleep(time.Second)
		}
		r := rand.New(rand.NewPCG(7, 260))
		tried := map[string]int{}
		for i := range 120 {
			what := []string{"set", "set", "disable", "assign", "unassign", "label", "cancel", "hold", "go on"}[r.IntN(9)]
			var err error
			switch what {
			case "set":
				code, parsed := panel.ParseCode(fmt.Sprintf("%04d", 1000+r.IntN(9000)))
				require.NoError(t, parsed)
				_, err = h.tab().SetCode(h.ctx, seventh, roster.CodeWish{Code: code, Label: fmt.Sprintf("Label %d", i)})
			case "disable":
				_, err = h.tab().Disable(h.ctx, seventh, roster.Confirmed("yes"))
			case "assign":
				s, chosen := h.op().Choose(h.ctx, []accounts.ID{"cleaner", "guest", "keeper"}[r.IntN(3)])
				require.NoError(t, chosen)
				_, err = h.tab().Assign(h.ctx, seventh, s)
			case "unassign":
				_, err = h.tab().Unassign(h.ctx, seventh, roster.Confirmed("yes"))
			case "label":
				_, err = h.tab().SetLabel(h.ctx, seventh, fmt.Sprintf("Label %d", i))
			case "cancel":
				_, err = h.tab().Cancel(h.ctx, seventh)
			default:
				h.sim.Hold(what == "hold")
			}
			if err == nil {
				tried[what]++
			}
			time.Sleep(time.Second)
			look()
			if r.IntN(2) == 0 {
				h.sim.Hold(false)
				h.rest()
				look()
			}
		}
		for _, what := range []string{"set", "disable", "assign", "unassign", "label"} {
			require.NotZero(t, tried[what], what)
		}
		occupied, free, changing := 0, 0, 0
		for _, m := range seen {
			found := h.whoWas(m.at)
			u := m.user
			says := fmt.Sprintf("%s: %s", m.at, strings.Join(lines(found), "; "))
			switch {
			case !u.Idle():
				changing++
				if u.Agreed.Set || len(u.Sent) > 0 {
					require.NotEmpty(t, found, says)
				}
			case u.Agreed.Set:
				occupied++
				require.Len(t, found, 1, says)
				require.Equal(t, journal.Present, found[0].Presence, says)
				require.Equal(t, u.Agreed.Label, found[0].Label, says)
				require.Equal(t, u.Tenancy, found[0].Tenancy, says)
				account := ""
				if l := u.CurrentLink(); l != nil {
					account = l.Account
				}
				require.Equal(t, account, found[0].Account, says)
			default:
				free++
				require.Empty(t, found, says)
			}
		}
		require.NotZero(t, occupied*free*changing, "%d %d %d", occupied, free, changing)
	})
}

func lines(list []journal.Occupant) []string {
	var out []string
	for _, o := range list {
		out = append(out, o.String())
	}
	return out
}
