package paneltest_test

import (
	"testing"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// shape is a kind of panel that the toy driver can be.
type shape struct {
	model               panel.Model
	callsIn, deaf, jobs bool
	immune              []paneltest.FaultKind
}

const common = panel.FieldCode | panel.FieldLabel | panel.FieldRole | panel.FieldPartitions

func base() panel.Model {
	return panel.Model{
		Kind: "toy", Vendor: "Toy", Name: "Toy 100", Evidence: "A toy.",
		Create: common, Change: common, Read: common,
		Sight: panel.Marked, Slots: panel.Slots{First: 1, Last: 100}, MasterSlot: 1, Reserved: []int{7},
		Roles: []panel.Role{panel.Master, panel.User, panel.Guest}, DefaultRole: panel.User, Partitions: 8,
		Code:  panel.CodeRule{Lens: []int{4, 6}, Unique: true, Never: []string{"0000"}, Defaults: []string{"1234"}},
		Label: panel.LabelRule{Max: 14, Default: "User %d"},
	}
}

func shapes() map[string]shape {
	with := func(change func(*panel.Model)) panel.Model { m := base(); change(&m); return m }
	return map[string]shape{
		"dials out to slots":      {model: base(), deaf: true},
		"takes edits while armed": {model: base(), deaf: true, immune: []paneltest.FaultKind{paneltest.Armed}},
		"calls in and is heard": {callsIn: true, model: with(func(m *panel.Model) {
			m.Hold = 2 * time.Second
			m.Sight = panel.Presence
			m.Hands, m.Read = panel.FieldLegacyTags, m.Read|panel.FieldLegacyTags
		})},
		"polled jobs":         {jobs: true, deaf: true, model: with(func(m *panel.Model) { m.Create |= panel.FieldLockTags; m.Read |= panel.FieldLockTags })},
		"read and watch only": {model: with(func(m *panel.Model) { m.Hands, m.Create, m.Change = common, 0, 0 })},
		"directory of ids": {model: with(func(m *panel.Model) {
			more := panel.FieldFrom | panel.FieldUntil | panel.FieldKeypads | panel.FieldLocks
			m.Create, m.Change, m.Read = m.Create|more, m.Change|more, m.Read|more
			m.Slots, m.MasterSlot, m.Reserved = panel.Slots{}, 0, nil
			m.Sight, m.Code.Unique = panel.Value, false
			m.Label.Default, m.Partitions = "", 0
			m.Create, m.Change, m.Read = m.Create&^panel.FieldPartitions, m.Change&^panel.FieldPartitions, m.Read&^panel.FieldPartitions
		})},
		"blind":         {deaf: true, model: with(func(m *panel.Model) { m.Sight, m.Read = panel.Acked, 0 })},
		"labels only":   {deaf: true, model: with(func(m *panel.Model) { m.Create, m.Change = 0, panel.FieldLabel })},
		"role at birth": {deaf: true, model: with(func(m *panel.Model) { m.Change, m.DefaultRole = m.Change&^panel.FieldRole, "" })},
	}
}

func (s shape) bench() paneltest.Bench {
	network := &paneltest.Network{}
	return paneltest.Bench{
		Driver:  &toy{model: s.model, network: network, route: "toy", callsIn: s.callsIn, deaf: s.deaf},
		Sim:     newToyPanel(s, network),
		Network: network,
		Keypads: []string{"hall", "garage"}, Locks: []string{"front door"},
		Target: panel.Target{Panel: "p", Ident: toyIdent, Routes: map[string]panel.Route{
			"toy": {Addr: toyAddr, Secrets: map[string]panel.Secret{"key": panel.SecretOf(toyKey)}},
		}},
		Immune:   s.immune,
		Messages: 8,
	}
}

// Rules: D1, D2, D4, R27, R28, R40, R43, R48, R50, R61, R69, R70, R72, R78
func TestRunPassesDriversThatAreRight(t *testing.T) {
	for name, s := range shapes() {
		t.Run(name, func(t *testing.T) {
			paneltest.Run(t, func(*testing.T) paneltest.Bench { return s.bench() })
		})
	}
}

// A combination is a driver like any other: here codes, roles and partitions go over one
// route and labels over another, which the panel cannot tell apart.
func TestRunPassesACombination(t *testing.T) {
	wire, cloud := base(), base()
	wire.Create, wire.Change, wire.Read = common&^panel.FieldLabel, common&^panel.FieldLabel, common&^panel.FieldLabel
	wire.Label = panel.LabelRule{}
	cloud.Create, cloud.Change = 0, panel.FieldLabel|panel.FieldRole
	cloud.Sight = panel.Presence
	paneltest.Run(t, func(*testing.T) paneltest.Bench {
		b := shape{model: base()}.bench()
		key := b.Target.Routes["toy"]
		b.Target.Routes = map[string]panel.Route{"wire": key, "cloud": key}
		b.Driver = panel.Combine(
			panel.Part{Route: "wire", Driver: &toy{model: wire, network: b.Network, route: "wire"}},
			panel.Part{Route: "cloud", Driver: &toy{model: cloud, network: b.Network, route: "cloud"}},
		)
		return b
	})
}
