package soak_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// office is accounts, sign-in and the log over one file.
type office struct {
	*testing.T
	path   string
	db     *sqlite.DB
	people *people.Operator
	signin *signin.Service
	admin  *signin.Operator
	log    *journal.Journal
	verify audit.VerifyOptions
}

var violets = password.Of("Violet-Rivers-9")

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, path: filepath.Join(t.TempDir(), "keyholder.db")}
	var err error
	o.db, err = sqlite.Open(t.Context(), o.path, sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.db.Close()) })
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	signer, err := audit.GenerateKey("example.com/log")
	require.NoError(t, err)
	staff := accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	actor := accounts.HostActor("operator", "Operator", "test").Vouched(time.Now())
	policy := signin.GEM()
	policy.Hash.Cost = 4
	st := o.db.Main()
	svc, err := people.New(people.Options{Store: st, Keys: keys, Authority: staff, Policy: accounts.GEM()})
	require.NoError(t, err)
	o.people = svc.As(actor)
	o.signin, err = signin.New(signin.Options{Store: st, Keys: keys, Authority: staff, Accounts: accounts.GEM(), Policy: &policy})
	require.NoError(t, err)
	o.admin = o.signin.As(actor)
	o.log, err = journal.New(journal.Options{Store: st, Keys: keys, Authority: staff, Signer: signer})
	require.NoError(t, err)
	o.verify = audit.VerifyOptions{Origin: signer.Name()}
	o.verify.Keys = append(o.verify.Keys, signer.Public())
	return o
}

// hire adds an account with a password, and signs in.
func (o *office) hire(n int) error {
	name := fmt.Sprintf("owner_%d", n)
	a, err := o.people.CreateConfirmed(o.Context(), people.NewAccount{Username: name, Roles: []string{"user"}, Sites: accounts.TheseSites("harbour")})
	if err == nil {
		err = o.admin.SetPassword(o.Context(), a.ID, violets)
	}
	if err == nil {
		_, err = o.signin.SignIn(o.Context(), signin.Attempt{Name: name, Password: violets})
	}
	return err
}

// holds finds the account of each name, and verifies the log with every stored row.
func (o *office) holds(st store.Store, most int) int {
	o.Helper()
	report, err := journal.VerifyStore(o.Context(), st, o.verify)
	require.NoError(o, err)
	require.True(o, report.OK(), "%s", report)
	n, err := st.Tally(o.Context(), store.Query{Kind: "account"})
	require.NoError(o, err)
	require.LessOrEqual(o, int(n), most)
	return int(n)
}

// The disk fills up in the middle of work: every call that has something to write says
// so, with what to do, and reading goes on. When there is room again all goes on, nothing
// acknowledged is missing, and the log verifies.
//
// Rules: R194
func TestAFullDiskIsSaidAndForgetsNothing(t *testing.T) {
	o := newOffice(t)
	require.NoError(t, o.hire(0))
	_, err := o.log.Checkpoint(t.Context())
	require.NoError(t, err)
	var pages int
	require.NoError(t, o.db.SQL().QueryRow("PRAGMA page_count").Scan(&pages))
	hired, acknowledged := 1, []string{"owner_0"}
	for range 3 {
		pages += 50
		_, err := o.db.SQL().Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		require.NoError(t, err)
		full := func(err error) {
			require.ErrorIs(t, err, store.ErrFull)
			require.Equal(t, fault.Unavailable, fault.Of(err))
			require.Contains(t, fault.Hint(err), "Make room")
		}
		for err = nil; err == nil; hired++ {
			if err = o.hire(hired); err == nil {
				acknowledged = append(acknowledged, fmt.Sprintf("owner_%d", hired))
			}
		}
		full(err)
		page, err := o.people.Accounts(t.Context(), people.Search{Limit: 1000})
		require.NoError(t, err, "reading goes on")
		id := page.Accounts[0].ID
		var refused int
		for range 20 { // whatever finds a little room is done as a whole
			_, err1 := o.people.Suspend(t.Context(), id, "moved out")
			_, err2 := o.people.Enable(t.Context(), id)
			err3 := o.admin.SetPassword(t.Context(), id, violets)
			for _, err := range []error{err1, err2, err3} {
				if err != nil && !errors.Is(err, accounts.ErrInvalidTransition) {
					full(err)
					refused++
				}
			}
		}
		require.Positive(t, refused)
	}
	_, err = o.db.SQL().Exec("PRAGMA max_page_count = 4294967294")
	require.NoError(t, err)
	require.NoError(t, o.hire(hired))
	_, err = o.log.Checkpoint(t.Context())
	require.NoError(t, err)
	o.holds(o.db.Main(), hired+1)
	page, err := o.people.Accounts(t.Context(), people.Search{Limit: 1000})
	require.NoError(t, err)
	var names []string
	for _, a := range page.Accounts {
		names = append(names, a.Username)
	}
	require.Subset(t, names, acknowledged)
}

// The power goes while the log of the file is written: whatever of the commit under way
// reached the disk, the copy opens, every account before it is there, and the action log
// verifies against the last checkpoint that was signed.
//
// Rules: R194
func TestPowerIsLostAndTheLogVerifies(t *testing.T) {
	o := newOffice(t)
	random := rand.New(rand.NewPCG(3, 4))
	wal := func() []byte {
		b, err := os.ReadFile(o.path + "-wal")
		require.NoError(t, err)
		return b
	}
	require.NoError(t, o.hire(0))
	_, err := o.log.Checkpoint(t.Context())
	require.NoError(t, err)
	for n := 1; n <= 12; n++ {
		before := wal()
		require.NoError(t, o.hire(n))
		_, err := o.log.Checkpoint(t.Context())
		require.NoError(t, err)
		after := wal()
		require.Greater(t, len(after), len(before), "the log has not begun again")
		cut := len(before) + random.IntN(len(after)-len(before)+1)
		copied := filepath.Join(t.TempDir(), "keyholder.db")
		file, err := os.ReadFile(o.path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(copied, file, 0o600))
		require.NoError(t, os.WriteFile(copied+"-wal", after[:cut], 0o600))
		db, err := sqlite.Open(t.Context(), copied, sqlite.Options{})
		require.NoError(t, err)
		require.GreaterOrEqual(t, o.holds(db.Main(), n+1), n, "%d of %d bytes", cut, len(after))
		require.NoError(t, db.Close())
	}
}
