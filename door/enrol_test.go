package door_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

const fresh = "04:A1:B2:C3:D4"

// enrols makes a world with a cleaner, a guest without anything, and a clerk, who may not
// know what others have.
func enrols(t testing.TB, edits ...func(*door.Options)) *world {
	t.Helper()
	w := newWorld(t, append(edits, func(o *door.Options) {
		o.Authority.(accounts.StaticAuthority)["clerk"] = accounts.Grant{Enabled: true, Sites: accounts.AllSites(),
			Rights: accounts.AllRights().Without(accounts.RightsOf(accounts.CollisionsView))}
	})...)
	w.cleaner()
	w.account("guest")
	return w
}

func (w *world) enrol(op accounts.ID, edits ...func(*door.Enrolment)) *door.Enrolling {
	w.t.Helper()
	n := door.Enrolment{Account: "guest", Reader: w.key.Reader(), Point: "front", Label: "blue"}
	for _, edit := range edits {
		edit(&n)
	}
	e, err := w.as(op).Enrol(w.t.Context(), n)
	require.NoError(w.t, err)
	return e
}

// came is what has come of an enrolment by now.
func (w *world) came(e *door.Enrolling) (door.Enrolled, error) {
	return e.Wait(w.t.Context())
}

// unknown presents a tag that is denied like any that nobody has.
func (w *world) unknown(text string) {
	w.t.Helper()
	a := w.try(held(w.t, text))
	a.Decision = ""
	require.Equal(w.t, door.Answer{Reason: credentials.Unknown}, a)
}

// The next unknown tag at the reader becomes the person's, in the commit of the decision
// that denies it like any other; from then on it is theirs alone.
//
// Rules: G57, G193
func TestATagIsEnrolledByPresentingIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrols(t)
		w.unknown(fresh)
		e := w.enrol("operator")
		waits := w.entries("main", audit.DoorReaderChanged)
		require.Equal(t, "operator", waits[len(waits)-1].Actor().ID)
		require.Equal(t, "guest", waits[len(waits)-1].Value(audit.FieldAccount))
		result := make(chan door.Enrolled, 1)
		go func() {
			got, err := w.came(e)
			assert.NoError(t, err)
			result <- got
		}()
		time.Sleep(10 * time.Second)
		w.open() // a restart
		w.wrote()
		w.unknown(fresh)
		changes := w.wrote()
		require.Len(t, changes, 1)
		require.Len(t, changes[0].Entries, 2)
		got := <-result
		require.Equal(t, 40, got.Bits)
		added := w.entries("main", audit.CredentialChanged)
		require.Len(t, added, 1)
		require.Equal(t, "guest", added[0].Value(audit.FieldAccount))
		require.Equal(t, w.key.Reader(), added[0].Actor().ID)
		require.Contains(t, added[0].Value(audit.FieldReason), "operator", "for whom it waited")
		require.True(t, w.try(held(t, fresh)).Granted)
		w.unknown("04:A1:B2:C3:D5")
		require.Len(t, w.entries("main", audit.CredentialChanged), 1, "one tag")
		rs, err := w.core.Store.Load(t.Context(), rec.Credentials.Key(rec.CredentialID("guest", rec.TagNumber, got.ID)))
		require.NoError(t, err)
		c, _, err := rec.Credentials.Decode(rs[0])
		require.NoError(t, err)
		require.Equal(t, "blue", c.Label)
		require.NotContains(t, fmt.Sprintf("%+v %s", w.entries("main", ""), w.log), "a1b2c3d4")
	})
}

// Enrolling is no guessing: a stack of tags locks no reader.
//
// Rules: G199
func TestAStackOfTagsLocksNoReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrols(t)
		for i := range 8 {
			e := w.enrol("clerk")
			w.unknown(fmt.Sprintf("04:00:00:00:%02d", i))
			_, err := w.came(e)
			require.NoError(t, err)
		}
		_, err := w.as("clerk").Enrol(t.Context(), door.Enrolment{Account: "guest", Reader: w.key.Reader(), Point: "front"})
		require.ErrorIs(t, err, door.ErrTooManyTags)
	})
}

// However many are presented at once, one is taken.
//
// Rules: G57
func TestOfManyTagsOneIsTaken(t *testing.T) {
	w := enrols(t, func(o *door.Options) { o.Policy.Wrong = 100 })
	e := w.enrol("operator")
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			for {
				a, err := w.door.Decide(t.Context(), door.ByKey(w.key), held(t, fmt.Sprintf("04:00:00:00:%02d", i)))
				if err == nil {
					assert.Equal(t, credentials.Unknown, a.Reason)
					return
				}
			}
		})
	}
	all.Wait()
	_, err := w.came(e)
	require.NoError(t, err)
	granted := 0
	for i := range 12 {
		if w.try(held(t, fmt.Sprintf("04:00:00:00:%02d", i))).Granted {
			granted++
		}
	}
	require.Equal(t, 1, granted)
	require.Len(t, w.entries("main", audit.CredentialChanged), 1)
}

// A tag that is somebody's, or on which somebody's code is printed, ends the waiting with
// one refusal that does not say which, and whoever stands there sees what they always see.
//
// Rules: G189
func TestATagThatIsSomebodysIsNotAvailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		printed, err := credentials.H10302().Make(0, 2580) // the cleaner's PIN
		require.NoError(t, err)
		own, err := credentials.H10302().Make(0, 4826) // the guest's own
		require.NoError(t, err)
		entry := func(tag credentials.Tag) door.Entry {
			return door.Entry{Point: "front", Shown: door.Shown{Medium: credentials.Reader, Tag: tag}}
		}
		for name, c := range map[string]struct {
			e    door.Entry
			want credentials.Reason
		}{
			"another's tag":     {held(t, card), credentials.Granted},
			"another's PIN":     {entry(printed), credentials.Unknown},
			"the own PIN":       {entry(own), credentials.Unknown},
			"the account ended": {held(t, fresh), credentials.Unknown},
		} {
			w := enrols(t, func(o *door.Options) {
				o.CardFormats = []credentials.CardFormat{credentials.H10301(), credentials.H10302()}
			})
			w.give("guest", rec.PIN, "4826")
			e := w.enrol("operator")
			if name == "the account ended" {
				w.changeAccount("guest", func(a *accounts.Account) { a.Removed = time.Now() })
			}
			a := w.try(c.e)
			require.Equal(t, c.want, a.Reason, name)
			_, err := w.came(e)
			require.ErrorIs(t, err, credentials.ErrNotAvailable, name)
			w.unknown("04:99:99:99:99")
			require.Empty(t, w.entries("main", audit.CredentialChanged), name)
		}
	})
}

// What tells that something is somebody else's is paid from a budget; what tells nothing is
// not, and whoever may know has none.
//
// Rules: G189
func TestRefusedTagsHaveABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrols(t)
		n := door.Enrolment{Account: "guest", Reader: w.key.Reader(), Point: "front"}
		for i := range 5 {
			for range 3 { // replaced
				w.enrol("clerk")
			}
			e := w.enrol("clerk")
			require.NoError(t, e.Cancel(t.Context()))
			_, err := w.came(e)
			require.ErrorIs(t, err, door.ErrNoTag)
			_, err = w.came(w.enrol("clerk")) // nobody came
			require.ErrorIs(t, err, door.ErrNoTag)
			e = w.enrol("clerk")
			w.unknown(fmt.Sprintf("04:00:00:00:%02d", i))
			_, err = w.came(e)
			require.NoError(t, err)
			e = w.enrol("clerk")
			require.True(t, w.try(held(t, card)).Granted)
			_, err = w.came(e)
			require.ErrorIs(t, err, credentials.ErrNotAvailable)
		}
		_, err := w.as("clerk").Enrol(t.Context(), n)
		require.ErrorIs(t, err, door.ErrCollisionBudget)
		w.enrol("operator")
		time.Sleep(time.Hour)
		w.enrol("clerk")
	})
}

// A reader waits for one tag, alone, at one point, for a minute at most.
func TestAnEnrolmentEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrols(t, func(o *door.Options) { o.Policy.Wrong = 100 })
		w.point("back", "site")
		w.points(outages{"front": door.OutageDeny, "back": door.OutageDeny}, nil)
		back := func(n *door.Enrolment) { n.Point = "back" }

		for _, long := range []time.Duration{0, 2 * time.Minute, -1, 20 * time.Second} {
			began := time.Now()
			_, err := w.came(w.enrol("operator", func(n *door.Enrolment) { n.For = long }))
			require.ErrorIs(t, err, door.ErrNoTag)
			want := time.Minute
			if long == 20*time.Second {
				want = long
			}
			require.Equal(t, want, time.Since(began))
			w.unknown(fresh)
		}
		w.enrol("operator") // for which nobody waits
		time.Sleep(time.Minute)
		w.unknown(fresh)
		first := w.enrol("operator")
		second := w.enrol("operator", back)
		_, err := w.came(first)
		require.ErrorIs(t, err, door.ErrNoTag, "replaced")
		require.NoError(t, first.Cancel(t.Context()), "of another's no one")
		w.unknown(fresh)
		w.wrong(1)
		with := held(t, fresh)
		with.Point, with.With = "back", []door.Shown{typed(t, pin).Shown}
		require.False(t, w.try(with).Granted)
		require.Empty(t, w.entries("main", audit.CredentialChanged))
		require.NoError(t, second.Cancel(t.Context()))
		at := held(t, fresh)
		at.Point = "back"
		require.Equal(t, credentials.Unknown, w.try(at).Reason)
		require.Empty(t, w.entries("main", audit.CredentialChanged))
		third := w.enrol("operator", back)
		require.Equal(t, credentials.Unknown, w.try(at).Reason)
		require.NoError(t, third.Cancel(t.Context()), "too late")
		_, err = w.came(third)
		require.NoError(t, err)
		require.Len(t, w.entries("main", audit.CredentialChanged), 1)
	})
}

// A decision that is not written enrols nobody, and the reader goes on waiting.
//
// Rules: G57
func TestAnEnrolmentIsWhollyWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrols(t)
		e := w.enrol("operator")
		w.failing(func(c storetest.Call) storetest.Fault {
			if c.Verb == storetest.Commit {
				return storetest.Fail
			}
			return storetest.Pass
		})
		_, err := w.door.Decide(t.Context(), door.ByKey(w.key), held(t, fresh))
		require.Error(t, err)
		w.failing(nil)
		require.Empty(t, w.entries("main", audit.CredentialChanged))
		w.unknown(fresh)
		_, err = w.came(e)
		require.NoError(t, err)
		var claims int
		for _, c := range w.wrote() {
			for _, op := range c.Ops {
				if claim, ok := op.(store.Claim); ok && claim.Holder == "guest" {
					claims++
				}
			}
		}
		require.Positive(t, claims)
	})
}

// Rules: R240
func TestWhoMayNotEnrol(t *testing.T) {
	w := enrols(t, func(o *door.Options) {
		o.Authority.(accounts.StaticAuthority)["viewer"] = accounts.Grant{Enabled: true, Sites: accounts.AllSites(),
			Rights: accounts.AllRights().Without(accounts.RightsOf(accounts.PanelUsersManage))}
		o.Authority.(accounts.StaticAuthority)["local"] = accounts.Grant{Enabled: true, Sites: accounts.TheseSites("site"), Rights: accounts.AllRights()}
	})
	w.account("stranger")
	w.changeAccount("stranger", func(a *accounts.Account) { a.Sites = accounts.TheseSites("elsewhere") })
	good := door.Enrolment{Account: "guest", Reader: w.key.Reader(), Point: "front"}
	for name, c := range map[string]struct {
		who  accounts.ID
		edit func(*door.Enrolment)
		want error
	}{
		"without the right":   {"viewer", func(*door.Enrolment) {}, accounts.ErrPermissionDenied},
		"of another site":     {"other", func(*door.Enrolment) {}, door.ErrReaderNotFound},
		"for a stranger":      {"local", func(n *door.Enrolment) { n.Account = "stranger" }, accounts.ErrAccountNotFound},
		"for nobody":          {"operator", func(n *door.Enrolment) { n.Account = "none" }, accounts.ErrAccountNotFound},
		"for no account":      {"operator", func(n *door.Enrolment) { n.Account = "" }, door.ErrEnrolment},
		"with a long label":   {"operator", func(n *door.Enrolment) { n.Label = fmt.Sprintf("%201d", 0) }, door.ErrEnrolment},
		"at no reader":        {"operator", func(n *door.Enrolment) { n.Reader = "none" }, door.ErrReaderNotFound},
		"at another's point":  {"operator", func(n *door.Enrolment) { n.Point = "back" }, door.ErrPoint},
		"as everything is ok": {"local", func(*door.Enrolment) {}, nil},
	} {
		n := good
		c.edit(&n)
		_, err := w.as(c.who).Enrol(t.Context(), n)
		require.ErrorIs(t, err, c.want, name)
	}
}

// Rules: G57
func TestFormatsThatNoCardHas(t *testing.T) {
	w := newWorld(t)
	for _, formats := range [][]credentials.CardFormat{make([]credentials.CardFormat, 9), {{Name: "none", Bits: 2}}} {
		o := w.opts
		o.CardFormats = formats
		_, err := door.New(o)
		require.ErrorIs(t, err, credentials.ErrCardForm)
	}
}

// The host's own people are given tags alike.
func TestAHostsOwnPersonIsEnrolled(t *testing.T) {
	w, host := newHost(t)
	_, err := w.as("operator").Enrol(t.Context(), door.Enrolment{Account: "none", Reader: w.key.Reader(), Point: "front"})
	require.ErrorIs(t, err, accounts.ErrAccountNotFound)
	cleaner := func(n *door.Enrolment) { n.Account = "cleaner" }
	e := w.enrol("operator", cleaner)
	w.unknown(fresh)
	_, err = w.came(e)
	require.NoError(t, err)
	require.True(t, w.try(held(t, fresh)).Granted)
	e = w.enrol("operator", cleaner)
	host.StaticDirectory = nil // has left
	w.unknown("04:99:99:99:99")
	_, err = w.came(e)
	require.ErrorIs(t, err, credentials.ErrNotAvailable)
}
