package workflows_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// knife cuts a store off at one of its commits, before it is done or after, and for all
// that follow, as a process that dies there.
type knife struct {
	store.Store
	mu      sync.Mutex
	left    int // commits until then; negative: it is put away
	fault   storetest.Fault
	reached bool
}

func sharpen(st store.Store) *knife {
	k := &knife{left: -1}
	k.Store = storetest.Faulty(st, func(c storetest.Call) storetest.Fault {
		k.mu.Lock()
		defer k.mu.Unlock()
		if c.Verb != storetest.Commit || k.left < 0 {
			return storetest.Pass
		}
		if k.left > 0 {
			k.left--
			return storetest.Pass
		}
		if k.reached {
			return storetest.Fail
		}
		k.reached = true
		return k.fault
	})
	return k
}

func (k *knife) cut(left int, f storetest.Fault) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left, k.fault, k.reached = left, f, false
}

// away puts the knife away and reports whether it cut.
func (k *knife) away() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left = -1
	return k.reached
}

// act is one flow from its beginning: what is done, and everything by which one sees that
// it was.
type act struct {
	do   func() error
	seen map[string]func() bool
	once bool // what it needs is used up by it
}

// did tells whether an action is in the log once more than now.
func (w *world) did(about string, a audit.Action) func() bool {
	w.Helper()
	before := w.actions(about)[a]
	return func() bool {
		n := w.actions(about)[a] - before
		require.LessOrEqual(w, n, 1, "%s is in the log twice", a)
		return n == 1
	}
}

func (w *world) opens(a people.Account, with func() error) func() bool {
	return func() bool {
		err := with()
		if err != nil {
			require.ErrorIs(w, err, accounts.ErrSignIn)
		}
		return err == nil
	}
}

// flows are those of people and of signing in.
var flows = map[string]func(w *world) act{
	"an account is added": func(w *world) act {
		n := people.NewAccount{Email: address(w, "new@example.com"), Roles: []string{"user"}, Sites: harbour}
		return act{do: func() error { _, _, err := w.operator().Create(w.ctx, n); return err }, once: true, seen: map[string]func() bool{
			"its address": func() bool { yes, err := w.operator().Exists(w.ctx, n.Email); require.NoError(w, err); return yes },
			"its page": func() bool {
				page, err := w.operator().Accounts(w.ctx, people.Search{Prefix: "new@"})
				require.NoError(w, err)
				return page.Total == 1
			},
		}}
	},
	"the first password is set": func(w *world) act {
		a, _, err := w.operator().Create(w.ctx, people.NewAccount{Email: address(w, "new@example.com"), Roles: []string{"user"}, Sites: harbour})
		require.NoError(w, err)
		code := w.code()
		return act{do: func() error {
			return w.signin.SetPassword(w.ctx, signin.NewPassword{Name: "new@example.com", Code: code, Password: first, From: home})
		}, once: true, seen: map[string]func() bool{
			"the log": w.did(string(a.ID), audit.AccountConfirmed),
			"the status": func() bool {
				s, err := w.operator().Status(w.ctx, a.ID)
				require.NoError(w, err)
				return s.State == accounts.Active
			},
			"a sign-in": w.opens(a, func() error { _, err := w.try(a, first); return err }),
		}}
	},
	"a new password is set": func(w *world) act {
		a := w.owner("smith")
		r, err := w.try(a, first)
		require.NoError(w, err)
		_, err = w.operator().ResetPassword(w.ctx, a.ID)
		require.NoError(w, err)
		code := w.code()
		return act{do: func() error {
			return w.signin.SetPassword(w.ctx, signin.NewPassword{Name: "smith@example.com", Code: code, Password: second, From: home})
		}, once: true, seen: map[string]func() bool{
			"the log":     w.did(string(a.ID), audit.PasswordSet),
			"the session": func() bool { return !w.alive(r.Token) },
			"a sign-in":   w.opens(a, func() error { _, err := w.try(a, second); return err }),
			"the old one": func() bool { _, err := w.try(a, first); return err != nil },
		}}
	},
	"a code by mail is answered": func(w *world) act {
		a := w.owner("smith")
		require.NoError(w, w.signin.As(who("operator")).RequireFactor(w.ctx, a.ID, true))
		require.NoError(w, w.signin.As(who("operator")).SetPassword(w.ctx, a.ID, first)) // the mailed one would make one mailbox of two factors
		r, err := w.try(a, first)
		require.NoError(w, err)
		code := w.code()
		return act{do: func() error {
			_, err := w.signin.Answer(w.ctx, signin.Reply{Challenge: r.Challenge.Token, Method: signin.Mail, Code: code, From: home})
			return err
		}, once: true, seen: map[string]func() bool{"the log": w.did(string(a.ID), audit.SignInDone), "the session": w.signedIn(a)}}
	},
	"a code of an app is answered": func(w *world) act {
		a := w.owner("smith")
		secret, _ := w.enrol(a)
		r, err := w.try(a, first)
		require.NoError(w, err)
		code := otp.AnswerOf(secret.At(time.Now().Add(otp.Period)).Reveal())
		return act{do: func() error {
			_, err := w.signin.Answer(w.ctx, signin.Reply{Challenge: r.Challenge.Token, Method: signin.App, Code: code, From: home})
			return err
		}, once: true, seen: map[string]func() bool{"the log": w.did(string(a.ID), audit.SignInDone), "the session": w.signedIn(a)}}
	},
	"an address is changed": func(w *world) act {
		a := w.owner("smith")
		to := address(w, "jones@example.com")
		exists := func(e accounts.Email) func() bool {
			return func() bool { yes, err := w.operator().Exists(w.ctx, e); require.NoError(w, err); return yes }
		}
		return act{do: func() error { _, err := w.operator().SetContact(w.ctx, a.ID, to, ""); return err }, seen: map[string]func() bool{
			"the new one":     exists(to),
			"the former one":  func() bool { return !exists(a.Email)() },
			"the former mail": func() bool { w.work(); return len(w.mail.Sent()) > 1 },
		}}
	},
	"an account is removed": func(w *world) act {
		a := w.owner("smith")
		r, err := w.try(a, first)
		require.NoError(w, err)
		return act{do: func() error {
			return w.operator().Remove(w.ctx, a.ID, people.Confirmation{Account: "smith@example.com"})
		}, once: true, seen: map[string]func() bool{
			"the log":     w.did(string(a.ID), audit.AccountRemoved),
			"the session": func() bool { return !w.alive(r.Token) },
			"a sign-in":   func() bool { _, err := w.try(a, first); return err != nil },
			"its address": func() bool { yes, err := w.operator().Exists(w.ctx, a.Email); require.NoError(w, err); return !yes },
			"its page":    func() bool { _, err := w.operator().Account(w.ctx, a.ID); return err != nil },
			"its password": func() bool {
				rs, err := w.store.List(w.ctx, store.Query{Kind: "login"})
				require.NoError(w, err)
				return len(rs) == 0
			},
		}}
	},
	"an account is suspended": func(w *world) act {
		a := w.owner("smith")
		r, err := w.try(a, first)
		require.NoError(w, err)
		return act{do: func() error { _, err := w.operator().Suspend(w.ctx, a.ID, "moved out"); return err }, once: true, seen: map[string]func() bool{
			"the log":     w.did(string(a.ID), audit.AccountSuspended),
			"the session": func() bool { return !w.alive(r.Token) },
			"a sign-in":   func() bool { _, err := w.try(a, first); return err != nil },
		}}
	},
	"a token is replaced": func(w *world) act {
		a, err := w.operator().CreateConfirmed(w.ctx, people.NewAccount{Username: "pager", Email: address(w, "pager@example.com"), Kind: accounts.ServiceKind, Roles: []string{"api_only"}, Sites: harbour})
		require.NoError(w, err)
		op := w.signin.As(who("operator"))
		_, err = op.IssueToken(w.ctx, a.ID, signin.NewToken{Name: "pager", Rights: accounts.RightsOf(accounts.EquipmentView)})
		require.NoError(w, err)
		old, err := op.Tokens(w.ctx, a.ID)
		require.NoError(w, err)
		return act{do: func() error { _, err := op.RotateToken(w.ctx, a.ID, old[0].ID); return err }, seen: map[string]func() bool{
			"the new one": func() bool { ts, err := op.Tokens(w.ctx, a.ID); require.NoError(w, err); return len(ts) > 1 },
			"the old one": func() bool {
				ts, err := op.Tokens(w.ctx, a.ID)
				require.NoError(w, err)
				for _, t := range ts {
					if t.ID == old[0].ID && t.Ends.Before(old[0].Ends) {
						return true
					}
				}
				return false
			},
		}}
	},
}

// signedIn tells whether the account has one session more than now.
func (w *world) signedIn(a people.Account) func() bool {
	w.Helper()
	count := func() int {
		s, err := w.signin.As(who("operator")).Sessions(w.ctx, a.ID)
		require.NoError(w, err)
		return len(s)
	}
	before := count()
	return func() bool { return count() == before+1 }
}

// enrol sets up an owner's app.
func (w *world) enrol(a people.Account) (otp.Secret, []otp.Answer) {
	w.Helper()
	r, err := w.try(a, first)
	require.NoError(w, err)
	o, err := w.signin.Owner(w.ctx, r.Token, home)
	require.NoError(w, err)
	secret, err := o.EnrolApp(w.ctx)
	require.NoError(w, err)
	codes, _, err := o.ConfirmApp(w.ctx, otp.AnswerOf(secret.At(time.Now()).Reveal()))
	require.NoError(w, err)
	return secret, codes
}

// Every flow is cut at every one of its commits over a SQLite file, before the commit is
// done and after it: what it does is there as a whole or not at all, what was cut off can
// be done again, no secret works twice, and no session is without its entry.
func TestFlowsAreCutAnywhereOnSQLite(t *testing.T) {
	for name, flow := range flows {
		t.Run(name, func(t *testing.T) {
			for _, fault := range []storetest.Fault{storetest.Fail, storetest.Lose} {
				n := 0
				for cutAt(t, flow, n, fault) {
					n++
				}
				assert.Positive(t, n, "it was never cut")
				t.Logf("cut at %d commits", n)
			}
		})
	}
}

// cutAt reports whether the flow had a commit there.
func cutAt(t *testing.T, flow func(w *world) act, n int, fault storetest.Fault) bool {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "keyholder.db"), sqlite.Options{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, db.Close()) }()
	k := sharpen(db.Main())
	p := powerManage()
	p.accounts.SetByOperator = true
	w := newWorld(t, edit{preset: p, mail: true, store: k})
	defer w.stop()
	a := flow(w)
	k.cut(n, fault)
	err = a.do()
	reached := k.away()
	whole := w.whole(a, n)
	if err == nil {
		require.True(t, whole, "cut at %d: it says that it was done", n)
	}
	if !whole {
		require.NoError(t, a.do(), "cut at %d: it did nothing, and cannot be done again", n)
		require.True(t, w.whole(a, n))
	}
	if a.once {
		require.Error(t, a.do(), "cut at %d: it worked twice", n)
	}
	rs, err := w.store.List(w.ctx, store.Query{Kind: "signin"})
	require.NoError(t, err)
	for _, r := range rs {
		es, err := w.store.Entries(w.ctx, store.EntryQuery{Target: []byte(r.Key.ID), Actions: []string{string(audit.SignInDone)}})
		require.NoError(t, err)
		assert.Len(t, es, 1, "a session without its entry")
	}
	return reached
}

// whole reports whether a flow was done, which everything must say alike.
func (w *world) whole(a act, n int) bool {
	w.Helper()
	done := map[bool][]string{}
	for what, seen := range a.seen {
		yes := seen()
		done[yes] = append(done[yes], what)
	}
	require.False(w, len(done[true]) > 0 && len(done[false]) > 0, "cut at %d: half done: %v", n, done)
	return len(done[true]) > 0
}
