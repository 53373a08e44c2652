package roster_test

import (
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/engine"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// mute is a panel whose users can be read and not written: it shows a mark of each code,
// never the digits. It has every section that a panel can have.
type mute struct {
	panel.Dials
	mu    sync.Mutex
	users map[int]panel.Report
	twice bool // it reports a slot twice
	wrote int
}

func (m *mute) Model() panel.Model {
	return panel.Model{
		Kind: panel.Qolsys, Name: "mute", Change: panel.FieldLocks, Hands: panel.FieldCode | panel.FieldLabel | panel.FieldRole | panel.FieldPartitions,
		Read:  panel.FieldCode | panel.FieldLabel | panel.FieldRole | panel.FieldPartitions | panel.FieldLocks | panel.FieldLegacyTags | panel.FieldLockTags | panel.FieldKeypads,
		Sight: panel.Marked, Slots: panel.Slots{First: 1, Last: 1000}, MasterSlot: 1, Roles: []panel.Role{panel.Master, panel.User}, DefaultRole: panel.User,
		Partitions: 4, Code: panel.CodeRule{Lens: []int{4}}, Label: panel.LabelRule{Max: 20, Default: "User %d"},
		Guides:   []panel.Guide{{Set: panel.FieldCode, Language: "en", Steps: []string{"Open Settings, then Users.", "Choose the user and enter a new code."}, Evidence: "Invented for this test."}},
		Evidence: "Invented for this test.",
	}
}

func (m *mute) Open(context.Context, panel.Target) (panel.Session, error) {
	return &muteSession{m: m}, nil
}

// sent is how many edits were sent to it.
func (m *mute) sent() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wrote
}

// wall is what somebody does at the panel.
func (m *mute) wall(slot int, mark string, r panel.Report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if mark == "" {
		delete(m.users, slot)
		return
	}
	r.Place, r.Exists, r.Sight, r.Mark, r.Known = panel.Place{Slot: slot}, true, panel.Marked, []byte(mark), m.Model().Read
	m.users[slot] = r
}

type muteSession struct {
	panel.NoWatch
	m *mute
}

func (s *muteSession) Model() panel.Model { return s.m.Model() }
func (s *muteSession) Close() error       { return nil }

func (s *muteSession) Apply(_ context.Context, edits []panel.Edit) iter.Seq2[panel.Outcome, error] {
	return func(yield func(panel.Outcome, error) bool) {
		s.m.mu.Lock()
		s.m.wrote += len(edits)
		s.m.mu.Unlock()
		for _, e := range edits {
			if !yield(panel.Outcome{Place: e.Place, Done: e.Set}, nil) {
				return
			}
		}
	}
}

func (s *muteSession) Read(_ context.Context, q panel.Query) iter.Seq2[panel.Event, error] {
	return func(yield func(panel.Event, error) bool) {
		s.m.mu.Lock()
		var out []panel.Report
		for n, u := range s.m.users {
			if q.All || slices.Contains(q.Places, panel.Place{Slot: n}) {
				out = append(out, u)
			}
		}
		if s.m.twice && len(out) > 0 {
			out = append(out, out[0])
		}
		s.m.mu.Unlock()
		for _, r := range out {
			if !yield(panel.Event{User: &r}, nil) {
				return
			}
		}
	}
}

func withMute(t *testing.T, test func(t *testing.T, tab *roster.Tab, m *mute, read func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m := &mute{users: map[int]panel.Report{}}
		m.wall(1, "factory", panel.Report{Values: panel.Values{Role: panel.Master, Partitions: panel.PartitionsOf(1), Locks: []string{"Front", "Back"}}, Tags: 1})
		desk, err := roster.New(roster.Options{PollEvery: 5 * time.Second,
			Store: memstore.Open(), Keys: ring(t), ReadEvery: time.Minute, Drivers: map[string]panel.Driver{"mute": m}, Directory: &people{},
			Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}},
		})
		require.NoError(t, err)
		var running sync.WaitGroup
		running.Go(func() { engine.Run(ctx, nil, desk.Loops()...) })
		op := desk.As(accounts.HostActor("operator", "", "").Vouched(time.Now()))
		p, err := op.Register(ctx, roster.Registration{Site: site, Driver: "mute", Ident: "m"})
		require.NoError(t, err)
		read := func() { time.Sleep(90 * time.Second) }
		read()
		test(t, op.Panel(p.ID), m, read)
		cancel()
		running.Wait()
	})
}

// Rules: R246
func TestCodesThatOnlyHandsCanSet(t *testing.T) {
	t.Parallel()
	withMute(t, func(t *testing.T, tab *roster.Tab, m *mute, read func()) {
		ctx := t.Context()
		fate := func(r roster.Receipt) roster.Fate {
			p, err := tab.Receipt(ctx, r)
			require.NoError(t, err)
			return p.Fate
		}
		_, err := tab.SetCode(ctx, slot(4), roster.CodeWish{Code: digits(t, "6137")})
		require.ErrorIs(t, err, roster.ErrByHand, "keyholder chooses and shows none")
		_, err = tab.SetCode(ctx, slot(1), roster.CodeWish{})
		require.Error(t, err, "never for a protected user")

		rec, err := tab.SetCode(ctx, slot(4), roster.CodeWish{})
		require.NoError(t, err)
		read()
		require.Equal(t, roster.Pending, fate(rec))
		d, err := tab.Details(ctx, slot(4))
		require.NoError(t, err)
		require.Len(t, d.Guides, 1)
		m.wall(4, "chosen", panel.Report{})
		read()
		require.Equal(t, roster.Unverified, fate(rec), "set, digits not verified")

		// Another code for the same user: only a change settles it.
		rec, err = tab.SetCode(ctx, slot(4), roster.CodeWish{})
		require.NoError(t, err)
		read()
		require.Equal(t, roster.Pending, fate(rec))
		m.wall(4, "another", panel.Report{})
		read()
		require.Equal(t, roster.Unverified, fate(rec))

		// Giving ends after a day; taking stands until the panel shows it.
		rec, err = tab.SetCode(ctx, slot(5), roster.CodeWish{})
		require.NoError(t, err)
		time.Sleep(25 * time.Hour)
		require.Equal(t, roster.Expired, fate(rec))
		rec, err = tab.Disable(ctx, slot(4))
		require.NoError(t, err)
		time.Sleep(72 * time.Hour)
		require.Equal(t, roster.Pending, fate(rec))
		m.wall(4, "", panel.Report{})
		read()
		require.Equal(t, roster.Settled, fate(rec))
		require.Zero(t, m.sent(), "nothing was ever sent")
	})
}

// What is asked for beside the code is checked as everywhere, and settles by the panel's own
// report; what the person at the keypad did otherwise is not shown as done.
//
// Rules: R36, R246
func TestWhatGoesWithACodeByHand(t *testing.T) {
	t.Parallel()
	withMute(t, func(t *testing.T, tab *roster.Tab, m *mute, read func()) {
		ctx := t.Context()
		refused := func(w roster.CodeWish) error {
			_, err := tab.SetCode(ctx, slot(4), w)
			return err
		}
		var label *panel.LabelError
		var partition *panel.PartitionError
		require.ErrorIs(t, refused(roster.CodeWish{Role: panel.Guest}), panel.ErrRoleUnsupported)
		require.ErrorIs(t, refused(roster.CodeWish{Role: panel.Master}), panel.ErrUserProtected)
		require.ErrorAs(t, refused(roster.CodeWish{Label: "longer than any keypad shows"}), &label)
		require.ErrorAs(t, refused(roster.CodeWish{Partitions: panel.PartitionsOf(7)}), &partition)

		asked := func(n int, shown string) roster.Fate {
			rec, err := tab.SetCode(ctx, slot(n), roster.CodeWish{Role: panel.User, Label: "Kitchen", Partitions: panel.PartitionsOf(1, 2)})
			require.NoError(t, err)
			d, err := tab.Details(ctx, slot(n))
			require.NoError(t, err)
			require.Equal(t, "Kitchen", d.Field(panel.FieldLabel).Wanted, "whoever goes to the keypad is told")
			require.Equal(t, "1, 2", d.Field(panel.FieldPartitions).Wanted)
			m.wall(n, "chosen", panel.Report{Values: panel.Values{Role: panel.User, Label: shown, Partitions: panel.PartitionsOf(1, 2)}})
			read()
			p, err := tab.Receipt(ctx, rec)
			require.NoError(t, err)
			return p.Fate
		}
		require.Equal(t, roster.Unverified, asked(4, "Kitchen"))
		require.Equal(t, roster.Pending, asked(5, "Hall"), "another label")
		require.Zero(t, m.sent())
	})
}

// Rules: R79, R80, R82, R85, R87, R168, R177, R178, R234
func TestSectionsThatOnlySomePanelsHave(t *testing.T) {
	withMute(t, func(t *testing.T, tab *roster.Tab, m *mute, read func()) {
		ctx := t.Context()
		m.wall(4, "x", panel.Report{})
		read()
		_, err := tab.Adopt(ctx, slot(4), "moved in with the house")
		require.NoError(t, err)
		sections := func(n int) map[string]roster.Section {
			d, err := tab.Details(ctx, slot(n))
			require.NoError(t, err)
			out := map[string]roster.Section{}
			for _, s := range d.Sections {
				out[s.Name] = s
			}
			return out
		}
		boss := sections(1)
		require.Equal(t, "2 door locks", boss[roster.DoorLocks].Text)
		require.Equal(t, []string{"Front", "Back"}, boss[roster.DoorLocks].Items)
		require.Contains(t, boss, roster.LegacyTags)
		require.Contains(t, boss, roster.DoorlockTags)
		require.Contains(t, boss, roster.KeypadsAssigned)
		require.Equal(t, "No door locks", sections(4)[roster.DoorLocks].Text)
		_, err = tab.SetLocks(ctx, slot(4), []string{"Front"})
		require.NoError(t, err)
		_, err = tab.SetKeypads(ctx, slot(4), []string{"Hall"})
		require.ErrorIs(t, err, panel.ErrKeypadsUnsupported)
		read()
		require.Equal(t, 1, m.sent())
	})
	inBubble(t, func(r *rig) {
		for _, s := range r.details(4).Sections {
			require.NotEqual(t, roster.DoorLocks, s.Name, "absent, not empty")
			require.NotEqual(t, roster.KeypadsAssigned, s.Name)
		}
	})
}

// Rules: R60
func TestAMasterWithFewerPartitionsIsDrift(t *testing.T) {
	withMute(t, func(t *testing.T, tab *roster.Tab, _ *mute, _ func()) {
		d, err := tab.Details(t.Context(), slot(1))
		require.NoError(t, err)
		require.Equal(t, "1, 2, 3, 4", d.PartitionsText())
		require.Equal(t, roster.FieldDrifted, d.Field(panel.FieldPartitions).State)
	})
}

// Rules: R26
func TestADriverThatReportsASlotTwiceIsStopped(t *testing.T) {
	withMute(t, func(t *testing.T, tab *roster.Tab, m *mute, read func()) {
		m.mu.Lock()
		m.twice = true
		m.mu.Unlock()
		time.Sleep(time.Hour)
		info, err := tab.Info(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, info.Line.Parked, "its line waits for a person")
		require.Contains(t, info.Line.Words, panel.ErrDriver.Error())
	})
}

// Rules: R7, R187
func TestAThousandUsersPage(t *testing.T) {
	withMute(t, func(t *testing.T, tab *roster.Tab, _ *mute, _ func()) {
		seen := map[int]bool{}
		for n := 1; ; n++ {
			page, err := tab.Users(t.Context(), n, 200)
			require.NoError(t, err)
			for _, row := range page.Rows {
				require.False(t, seen[row.Place.Slot])
				seen[row.Place.Slot] = true
			}
			if !page.HasNext() {
				require.Equal(t, "801-1000 of 1000", page.Range())
				break
			}
		}
		require.Len(t, seen, 1000)
		n, err := tab.Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1000, n)
	})
}
