package makers_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/lock"
	"github.com/seed-a2d3eaca/keyholder/panel/lock/locksim"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// radio is a host's controller with several locks.
type radio map[string]*locksim.Lock

func (r radio) Capacity(ctx context.Context, node string) (lock.Capacity, error) {
	return r[node].Capacity(ctx, node)
}

func (r radio) UserCode(ctx context.Context, node string, slot int) (lock.UserCode, error) {
	return r[node].UserCode(ctx, node, slot)
}

func (r radio) SetUserCode(ctx context.Context, node string, slot int, code panel.Code) (lock.Result, error) {
	return r[node].SetUserCode(ctx, node, slot, code)
}

func (r radio) ClearUserCode(ctx context.Context, node string, slot int) (lock.Result, error) {
	return r[node].ClearUserCode(ctx, node, slot)
}

// calls is what the locks were asked so far. Assertions look at copies, never under its lock:
// one that fails there would hold up every lock for ever.
type calls struct {
	mu  sync.Mutex
	all []string
}

func (c *calls) add(call string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, call)
}

func (c *calls) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = nil
}

func (c *calls) sofar() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

// Each of three doors is told of a new code. One lock is dead: the others have it at once,
// and on the dead one the old code stays claimed until that lock has let go of it.
//
// Rules: R48
func TestADeadLockHoldsItsOwnOldCodeAndNoOtherLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var asked calls
		locks := radio{}
		for n := range 3 {
			node := fmt.Sprint(n)
			locks[node] = locksim.New(locksim.Options{Node: node, Asked: func(call string) { asked.add(node + " " + call) }})
		}
		keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
		require.NoError(t, err)
		desk, err := roster.New(roster.Options{
			Store: memstore.Open(), Keys: keys, Drivers: map[string]panel.Driver{"lock": lock.New(locks, lock.ZWave(), lock.Options{})},
			Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}},
		})
		require.NoError(t, err)
		var running sync.WaitGroup
		running.Go(func() { engine.Run(ctx, nil, desk.Loops()...) })
		op := desk.As(accounts.HostActor("operator", "", "").Vouched(time.Now()))
		var tabs []*roster.Tab
		for node := range 3 {
			p, err := op.Register(ctx, roster.Registration{Site: site, Driver: "lock", Ident: fmt.Sprint(node), Routes: map[string]roster.Route{lock.Route: {Addr: fmt.Sprint(node)}}})
			require.NoError(t, err)
			tabs = append(tabs, op.Panel(p.ID))
		}
		pass(time.Minute)
		set := func(n, at int, code string) (roster.Receipt, error) {
			return tabs[n].SetCode(ctx, slot(at), roster.CodeWish{Code: digits(t, code)})
		}
		fate := func(n int, r roster.Receipt) roster.Fate {
			p, err := tabs[n].Receipt(ctx, r)
			require.NoError(t, err)
			return p.Fate
		}
		for n := range tabs {
			_, err := set(n, 4, "6137")
			require.NoError(t, err)
		}
		pass(time.Minute)
		locks["1"].Fault(paneltest.Fault{Do: paneltest.Away})
		var receipts []roster.Receipt
		for n := range tabs {
			r, err := set(n, 4, "8604")
			require.NoError(t, err)
			receipts = append(receipts, r)
		}
		pass(2 * time.Minute)
		require.True(t, fate(0, receipts[0]).Ended())
		require.True(t, fate(2, receipts[2]).Ended())
		require.False(t, fate(1, receipts[1]).Ended())
		_, err = set(0, 5, "6137")
		require.NoError(t, err, "free where its lock has let go of it")
		_, err = set(1, 5, "6137")
		require.ErrorIs(t, err, credentials.ErrCodeTaken, "it still opens that door")

		pass(time.Minute)
		asked.forget()
		_, err = set(0, 99, "7283")
		require.ErrorIs(t, err, panel.ErrSlotOutOfRange)
		_, err = set(0, 6, "12345678901")
		require.ErrorIs(t, err, panel.ErrCodeLength)
		synctest.Wait()
		require.Empty(t, asked.sofar(), "what a lock cannot hold is refused before anything is sent")

		locks["1"].Fault(paneltest.Fault{Do: paneltest.Back})
		pass(30 * time.Minute)
		require.True(t, fate(1, receipts[1]).Ended())
		_, err = set(1, 5, "6137")
		require.NoError(t, err)
		pass(time.Minute)
		cancel()
		running.Wait()
	})
}
