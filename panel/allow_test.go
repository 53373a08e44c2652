package panel_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
)

// ordinary is a panel with every usual ability, and no locks, tags or keypads.
func ordinary() panel.Model {
	all := panel.FieldCode | panel.FieldLabel | panel.FieldRole | panel.FieldPartitions
	roles, _ := panel.RolesOf(panel.DSC)
	return panel.Model{
		Kind: panel.DSC, Name: "ordinary", Create: all, Change: all, Read: all, Sight: panel.Presence,
		Slots: panel.Slots{First: 1, Last: 15}, MasterSlot: 1, Reserved: []int{9}, Roles: roles, RoleFromPanel: true, Partitions: 8,
		Code:  panel.CodeRule{Lens: []int{4, 6}, Unique: true, Never: []string{"0000"}},
		Label: panel.LabelRule{Max: 14, Default: "User %d"},
	}
}

// Rules: R8, R29, R30, R31, R32, R33, R34
func TestRolesOfEachKind(t *testing.T) {
	for kind, want := range map[panel.Kind]string{
		panel.DSC:      `["Master","Supervisor","User","One-time User","Duress"]`,
		panel.NeoR:     `["Master","Supervisor","User","One-time User","Duress"]`,
		panel.Qolsys:   `["Master","DwellerMaster","User","Guest","Installer","Duress","Dealer"]`,
		panel.DualPath: `["Master"]`,
		panel.Visonic:  `["Master","User"]`,
		panel.Access:   `null`,
	} {
		roles, usual := panel.RolesOf(kind)
		have, err := json.Marshal(roles)
		require.NoError(t, err)
		require.Equal(t, want, string(have), kind)
		if kind == panel.DualPath {
			require.Equal(t, panel.Master, usual)
		} else {
			require.Empty(t, usual, "%s: no default is documented, so none is invented", kind)
		}
	}
}

// Rules: R35, R36, R37
func TestRolesThatThePanelLacksAreRefusedWithThoseItHas(t *testing.T) {
	m := ordinary()
	m.Roles = []panel.Role{panel.Master, panel.User}
	for _, r := range []panel.Role{panel.Supervisor, panel.DwellerMaster} {
		err := m.CheckRole(panel.Place{Slot: 4}, r)
		require.ErrorIs(t, err, panel.ErrRoleUnsupported)
		var e *panel.RoleError
		require.ErrorAs(t, err, &e)
		require.Equal(t, m.Roles, e.Allowed)
	}
	require.NoError(t, m.CheckRole(panel.Place{Slot: 4}, panel.User))
	require.ErrorIs(t, m.CheckRole(panel.Place{Slot: 4}, panel.Master), panel.ErrRoleUnsupported, "the Master has its own slot")
	require.NoError(t, m.CheckRole(panel.Place{Slot: 1}, panel.Master))
}

// Rules: R25, R27
func TestPlacesArePanelsOwn(t *testing.T) {
	m := ordinary()
	for _, n := range []int{-1, 0, 16, 1000} {
		err := m.CheckPlace(panel.Place{Slot: n})
		require.ErrorIs(t, err, panel.ErrSlotOutOfRange)
		var e *panel.SlotError
		require.ErrorAs(t, err, &e)
		require.Equal(t, m.Slots, e.Slots)
		require.ErrorContains(t, err, "1 to 15")
	}
	require.ErrorIs(t, m.CheckPlace(panel.Place{Slot: 9}), panel.ErrSlotReserved)
	require.ErrorIs(t, m.CheckPlace(panel.Place{ID: "x"}), panel.ErrSlotOutOfRange)
	m.Slots = panel.Slots{}
	require.NoError(t, m.CheckPlace(panel.Place{ID: "x"}))
	require.ErrorIs(t, m.CheckPlace(panel.Place{Slot: 4}), panel.ErrUserNotFound)
}

// Rules: R47, D2
func TestWhatCodesAPanelTakesIsItsData(t *testing.T) {
	m := ordinary()
	code := func(s string) panel.Code {
		c, err := panel.ParseCode(s)
		require.NoError(t, err)
		return c
	}
	require.NoError(t, m.CheckCode(code("0137"), 0))
	require.NoError(t, m.CheckCode(code("013777"), 0))
	var e *panel.LengthError
	require.ErrorAs(t, m.CheckCode(code("01377"), 0), &e)
	require.Equal(t, []int{4, 6}, e.Want)
	require.ErrorAs(t, m.CheckCode(code("0137"), 6), &e)
	require.Equal(t, []int{6}, e.Want, "a panel uses one length at a time")
	require.ErrorIs(t, m.CheckCode(code("0000"), 4), panel.ErrCodeReserved)
	require.ErrorIs(t, m.CheckCode(panel.Code{}, 4), panel.ErrCodeLength)
	_, err := panel.ParseCode("01a7")
	require.ErrorIs(t, err, panel.ErrCodeDigits)
}

// Rules: R54
func TestLabelsFitThePanel(t *testing.T) {
	m := ordinary()
	for _, ok := range []string{"User 4", "Åsa", "Näh-Café", "12345678901234"} {
		require.NoError(t, m.CheckLabel(ok), ok)
	}
	for _, no := range []string{"", " padded", "123456789012345", "tab\tbed", "nul\x00", "\xff\xfe", "rocket\U0001f680"} {
		var e *panel.LabelError
		require.ErrorAs(t, m.CheckLabel(no), &e, "%q", no)
		require.Equal(t, 14, e.Rule.Max)
	}
	m.Label.Charset = "ascii"
	require.ErrorIs(t, m.CheckLabel("Åsa"), panel.ErrLabel)
	m.Label.Max = 0
	require.ErrorIs(t, m.CheckLabel("x"), panel.ErrLabelUnsupported)
}

// Rules: R9, R61, R62, R63, R207, R208
func TestPartitionsOfThePanelOnly(t *testing.T) {
	m := ordinary()
	require.NoError(t, m.CheckPartitions(panel.PartitionsOf(1, 8)))
	var e *panel.PartitionError
	require.ErrorAs(t, m.CheckPartitions(panel.PartitionsOf(1, 9)), &e)
	require.Equal(t, 9, e.Partition)
	require.ErrorIs(t, m.CheckPartitions(0), panel.ErrNoPartition)

	user := panel.Standing{Place: panel.Place{Slot: 4}, Role: panel.User, Exists: true}
	boss := panel.Standing{Place: panel.Place{Slot: 1}, Role: panel.Master, Exists: true}
	require.NoError(t, m.Allow(user, panel.EditPartitions))
	require.ErrorIs(t, m.Allow(boss, panel.EditPartitions), panel.ErrMasterPartitions)
	require.NoError(t, m.Allow(boss, panel.EditLabel), "a Master's label can be changed")
	m.Partitions = 0
	require.ErrorIs(t, m.CheckPartitions(1), panel.ErrPartitionsUnsupported)
	require.ErrorIs(t, m.Allow(user, panel.EditPartitions), panel.ErrPartitionsUnsupported)
	m.Create &^= panel.FieldPartitions | panel.FieldLabel
	m.Change &^= panel.FieldPartitions | panel.FieldLabel
	require.ErrorIs(t, m.Allow(user, panel.EditPartitions), panel.ErrPartitionsUnsupported)
	require.ErrorIs(t, m.Allow(user, panel.EditLabel), panel.ErrLabelUnsupported)
}

// Rules: R64
func TestPartitionsReadAsNumbers(t *testing.T) {
	require.Equal(t, "1, 4, 6", panel.PartitionsOf(6, 1, 4, 4).String())
	require.Equal(t, "-", panel.Partitions(0).String())
	rapid.Check(t, func(t *rapid.T) {
		p := panel.Partitions(rapid.Uint64().Draw(t, "set"))
		if p == 0 {
			return
		}
		q, err := panel.ParsePartitions(p.String())
		if err != nil || q != p {
			t.Fatalf("%v read as %v: %v", p, q, err)
		}
	})
	_, err := panel.ParsePartitions("1, 65")
	require.ErrorIs(t, err, panel.ErrUnknownPartition)
}

// Rules: R10, R11, R81, R82, R83, R84, R86
func TestWhatThePanelHasNotIsAbsent(t *testing.T) {
	m := ordinary()
	user := panel.Standing{Place: panel.Place{Slot: 4}, Role: panel.User, Exists: true}
	for action, want := range map[panel.Action]error{
		panel.EditLocks: panel.ErrLocksUnsupported, panel.EditLegacyTags: panel.ErrTagsUnsupported, panel.EditLockTags: panel.ErrTagsUnsupported,
		panel.EditKeypads: panel.ErrKeypadsUnsupported, panel.EditWindow: panel.ErrWindowUnsupported,
	} {
		require.ErrorIs(t, m.Allow(user, action), want, action)
		m := m
		m.Change |= action.Field()
		require.NoError(t, m.Allow(user, action), action)
		user := user
		user.Exists = false
		require.ErrorIs(t, m.Allow(user, action), panel.ErrCodeNotSet, action)
	}
}

// Rules: R37, R50, R72, R73, R74, R206, R210, R211, S19
func TestWhatMayBeDoneFollowsFromCodeAndRole(t *testing.T) {
	m := ordinary()
	type want map[panel.Action]error
	for name, c := range map[string]struct {
		user panel.Standing
		want want
	}{
		"no code": {panel.Standing{Place: panel.Place{Slot: 4}}, want{
			panel.EditCode: nil, panel.EditLabel: panel.ErrCodeNotSet, panel.EditPartitions: panel.ErrCodeNotSet, panel.EditRole: panel.ErrCodeNotSet, panel.Disable: panel.ErrCodeNotSet}},
		"a user": {panel.Standing{Place: panel.Place{Slot: 4}, Role: panel.User, Exists: true}, want{
			panel.EditCode: nil, panel.EditLabel: nil, panel.EditPartitions: nil, panel.EditRole: nil, panel.Disable: nil}},
		"the Master": {panel.Standing{Place: panel.Place{Slot: 1}, Role: panel.Master, Exists: true}, want{
			panel.EditCode: nil, panel.EditLabel: nil, panel.EditPartitions: panel.ErrMasterPartitions, panel.EditRole: panel.ErrUserProtected, panel.Disable: panel.ErrMasterDisable}},
		"set at the panel": {panel.Standing{Place: panel.Place{Slot: 4}, Role: panel.User, Exists: true, Unknown: true}, want{
			panel.EditCode: panel.ErrUnmanaged, panel.EditLabel: panel.ErrUnmanaged, panel.Disable: nil}},
		"a rank set at the panel": {panel.Standing{Place: panel.Place{Slot: 4}, Role: panel.Supervisor, Exists: true, Unknown: true}, want{
			panel.Disable: panel.ErrUserProtected}},
		"a user with rights of its own": {panel.Standing{Place: panel.Place{Slot: 4}, Role: panel.User, Exists: true, Editable: panel.FieldLabel}, want{
			panel.EditLabel: nil, panel.EditPartitions: panel.ErrUserProtected}},
	} {
		for action, why := range c.want {
			err := m.Allow(c.user, action)
			if why == nil {
				require.NoError(t, err, "%s: %s", name, action)
			} else {
				require.ErrorIs(t, err, why, "%s: %s", name, action)
			}
		}
	}
	require.NotEmpty(t, fault.Hint(panel.ErrMasterDisable), "it says what to do instead")
}

// Rules: R28, R55, R66, R69
func TestARemovedUserTakesEverythingWithIt(t *testing.T) {
	s := must(t)(settled(t, "1357").Wish(panel.Wish{Remove: true, At: noon}))
	work, _ := s.Compose()
	require.Equal(t, panel.Remove, work.Do)
	s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: panel.FieldCode, Report: &panel.Report{}}, panel.Model{Sight: panel.Presence})
	s, found := s.Observe(absent(), 0)
	require.Zero(t, found)
	require.False(t, s.Exists())
	require.Empty(t, s.Agreed.Label, "the label goes back to the panel")
	require.Zero(t, s.Agreed.Partitions)
	require.Equal(t, panel.Disabled, s.Gone)

	// What the panel gives a new user is taken as it is.
	s = must(t)(s.Wish(codeWish("2468")))
	work, _ = s.Compose()
	s = s.Dispatch(work, noon).Settle(panel.Outcome{Done: panel.FieldCode}, panel.Model{Sight: panel.Presence})
	s, found = s.Observe(present("2468", panel.FirstPartitions(8)), 0)
	require.Zero(t, found)
	require.Equal(t, panel.FirstPartitions(8), s.Agreed.Partitions)
	require.True(t, s.Exists())
}

// Rules: R60
func TestAMasterHasAllPartitions(t *testing.T) {
	m := ordinary()
	s := panel.Slot{Place: panel.Place{Slot: 1}}
	st := s.Standing(m)
	require.Equal(t, panel.Master, st.Role, "its slot makes the Master, whatever is reported")
	require.ErrorIs(t, m.Allow(panel.Standing{Place: st.Place, Role: st.Role, Exists: true}, panel.EditPartitions), panel.ErrMasterPartitions)
	require.Equal(t, "1, 2, 3, 4, 5, 6, 7, 8", m.AllPartitions().String())
}

// Rules: D2
func TestAModelIsPlainData(t *testing.T) {
	m := ordinary()
	b, err := json.Marshal(m)
	require.NoError(t, err)
	var n panel.Model
	require.NoError(t, json.Unmarshal(b, &n))
	require.True(t, reflect.DeepEqual(m, n))
}

// Rules: D3
func TestLineErrorsSayWhetherToTryAgain(t *testing.T) {
	for err, again := range map[error]bool{
		panel.ErrAbsent: true, panel.ErrUnreachable: true, panel.ErrTimeout: true, panel.ErrBusy: true, panel.ErrArmed: true, panel.ErrBlocked: true,
		panel.ErrSecret: false, panel.ErrRefused: false, panel.ErrOccupied: false, panel.ErrUnsupported: false, panel.ErrIdentity: false,
	} {
		require.Equal(t, again, fault.Temporary(errors.Join(err)), err)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := panel.SecretOf("60718293")
	b, err := json.Marshal(map[string]any{"s": s})
	require.NoError(t, err)
	require.NotContains(t, string(b), "60718293")
	require.Equal(t, "60718293", s.Reveal())
}

// Rules: R246
func TestWhatHandsGiveOnlyOnceStays(t *testing.T) {
	m := ordinary()
	m.Create, m.Change, m.Hands, m.HandsOnce = 0, 0, panel.FieldCode|panel.FieldRole|panel.FieldPartitions, panel.FieldRole
	user := panel.Standing{Place: panel.Place{Slot: 4}, Role: panel.User, Exists: true}
	err := m.Allow(user, panel.EditRole)
	require.ErrorIs(t, err, panel.ErrFixed)
	require.NotEmpty(t, fault.Hint(err))
	require.NoError(t, m.Allow(user, panel.EditPartitions))
	require.NoError(t, m.Allow(panel.Standing{Place: user.Place}, panel.EditCode), "a new user gets its role with its code")
}
