package roster_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	keepers "github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// ownPeople runs a test with keyholder's own accounts.
func ownPeople(t *testing.T, st func(store.Store) store.Store, test func(f *fleet, op func() *keepers.Operator, cleaner accounts.ID)) {
	t.Helper()
	inFleet(t, st, func(f *fleet) {
		f.stop()
		f.own = true
		f.start()
		svc, err := keepers.New(keepers.Options{Store: f.store, Keys: f.keys, Authority: fleetRights()})
		require.NoError(t, err)
		op := func() *keepers.Operator { return svc.As(accounts.HostActor("operator", "", "").Vouched(time.Now())) }
		e, err := accounts.ParseEmail("cleaner@example.com")
		require.NoError(t, err)
		a, err := op().CreateConfirmed(f.ctx, keepers.NewAccount{Email: e, First: "Cleaner", Sites: accounts.AllSites()})
		require.NoError(t, err)
		f.device("lobby", "north", codesOnly())
		f.device("gate", "north", withWindows())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{a.ID}, "lobby", "gate")
		pass(settling)
		test(f, op, a.ID)
	})
}

// What is done to an account is done at its devices.
//
// Rules: G70, G75, G76, G77, G80, G187, G48, G146
func TestDevicesFollowTheAccount(t *testing.T) {
	ownPeople(t, nil, func(f *fleet, op func() *keepers.Operator, cleaner accounts.ID) {
		everywhere := []string{"gate", "lobby"}
		ok := func(_ keepers.Account, err error) { f.Helper(); require.NoError(f, err); pass(settling) }
		require.NoError(f, f.operator().Person(cleaner).SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Equal(f, everywhere, f.on("6137"))
		ok(op().Revoke(f.ctx, cleaner, "the contract ended"))
		require.Empty(f, f.on("6137"))
		ok(op().Unrevoke(f.ctx, cleaner))
		require.Equal(f, everywhere, f.on("6137"))
		ok(op().Suspend(f.ctx, cleaner, "on leave"))
		require.Empty(f, f.on("6137"))
		ok(op().Enable(f.ctx, cleaner))
		require.Equal(f, everywhere, f.on("6137"))

		end := time.Now().Add(time.Hour).Truncate(time.Second)
		ok(op().SetWindow(f.ctx, cleaner, credentials.Window{Until: end}))
		pass(time.Until(end) + 2*time.Second)
		require.Empty(f, f.on("6137"))
		ok(op().Revoke(f.ctx, cleaner, "late"))
		ok(op().Unrevoke(f.ctx, cleaner))
		require.Empty(f, f.on("6137"), "outside of the window nothing comes back")
		ok(op().SetWindow(f.ctx, cleaner, credentials.Window{}))
		require.Equal(f, everywhere, f.on("6137"))

		require.NoError(f, op().Remove(f.ctx, cleaner, keepers.Confirmation{Account: "cleaner@example.com"}))
		pass(time.Hour)
		require.Empty(f, f.on("6137"))
		f.swept(0)
		p, err := op().CreateConfirmed(f.ctx, keepers.NewAccount{Username: "tower", Email: mustEmail(f.T, "tower@example.com"), Sites: accounts.AllSites()})
		require.NoError(f, err)
		require.NoError(f, f.operator().Person(p.ID).SetPIN(f.ctx, known("6137")), "the PIN of a removed account is free when no device has it")
	})
}

func mustEmail(t *testing.T, s string) accounts.Email {
	e, err := accounts.ParseEmail(s)
	require.NoError(t, err)
	return e
}

// What each act writes: the golden form of its decision. The wish follows in commits of
// its own, one for each device.
//
// Rules: G57, G187
func TestProjectionTranscripts(t *testing.T) {
	var mu sync.Mutex
	var wrote []string
	record := func(st store.Store) store.Store {
		return storetest.Faulty(st, func(c storetest.Call) storetest.Fault {
			if c.Verb == storetest.Commit && len(c.Change.Entries) > 0 {
				mu.Lock()
				defer mu.Unlock()
				wrote = append(wrote, c.Change.String())
			}
			return storetest.Pass
		})
	}
	first := func(entry string) string {
		mu.Lock()
		defer mu.Unlock()
		for _, w := range wrote {
			if strings.HasPrefix(w, "entry "+entry+" ") {
				return w
			}
		}
		return ""
	}
	ownPeople(t, record, func(f *fleet, _ func() *keepers.Operator, cleaner accounts.ID) {
		f.do(func() { f.all["lobby"].away, f.all["gate"].away = true, true })
		require.NoError(f, f.operator().Person(cleaner).SetPIN(f.ctx, known("6137")))
		assert.Equal(f, `entry credential.changed targets=2
check account if=1
check keys if=0
claim hold
count taken by=-1 max=20
count taken by=-1 max=200
count taken by=-1 max=5
mark project
mark sweep
put credential if=0
put credential if=0
put projection if=0
`, first("credential.changed"))
		assert.Equal(f, `entry user.code.set targets=5
check account if=1
check credential if=1
check credential if=1
check keys if=0
check panel if=2
check projection if=1
claim hold
claim hold
mark panel
put user if=0
`, first("user.code.set"))
		require.NoError(f, f.operator().Person(cleaner).End(f.ctx, roster.Confirmed("yes")))
		assert.Equal(f, `entry account.ended targets=2
check account if=1
mark project
put projection if=1
`, first("account.ended"))
		assert.Equal(f, `entry user.disabled targets=5
check account if=1
check credential if=1
check credential if=1
check panel if=2
check projection if=2
mark panel
put user if=1
release
`, first("user.disabled"))
	})
}

// What an installer has waits at the devices of a site until they are accepted there, and
// goes when they are not any more.
//
// Rules: S25
func TestDevicesFollowWhoAcceptsAnInstaller(t *testing.T) {
	ownPeople(t, nil, func(f *fleet, op func() *keepers.Operator, _ accounts.ID) {
		e, err := accounts.ParseEmail("installer@example.com")
		require.NoError(t, err)
		a, err := op().CreateConfirmed(f.ctx, keepers.NewAccount{Email: e, First: "Installer", Kind: accounts.InstallerKind, Sites: accounts.TheseSites("north", "south")})
		require.NoError(t, err)
		f.device("yard", "south", codesOnly())
		pass(time.Minute)
		f.rule(roster.AccessRule{ID: "works", Site: "north"}, []accounts.ID{a.ID}, "lobby", "gate")
		f.rule(roster.AccessRule{ID: "works south", Site: "south"}, []accounts.ID{a.ID}, "yard")
		require.NoError(t, f.operator().Person(a.ID).SetPIN(f.ctx, known("6137")))
		pass(settling)
		require.Empty(t, f.on("6137"))
		require.NoError(t, op().AcceptInstaller(f.ctx, a.ID, "north"))
		pass(settling)
		require.Equal(t, []string{"gate", "lobby"}, f.on("6137"))
		require.NoError(t, op().RejectInstaller(f.ctx, a.ID, "north"))
		pass(settling)
		require.Empty(t, f.on("6137"))
	})
}
