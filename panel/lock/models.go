package lock

import "github.com/seed-a2d3eaca/keyholder/panel"

func model(name string, slots panel.Slots, lens []int, evidence string) panel.Model {
	return panel.Model{
		Kind: panel.Access, Vendor: "Z-Wave, ZigBee", Name: name,
		Create: panel.FieldCode, Change: panel.FieldCode, Experimental: panel.FieldCode,
		Sight: panel.Presence, Slots: slots,
		Roles: []panel.Role{panel.User}, DefaultRole: panel.User,
		Code: panel.CodeRule{Lens: lens, Unique: true}, Lag: lag, Evidence: evidence,
	}
}

// ZWave is a lock with the Z-Wave User Code command class (0x63): user ids from 1, 4 to 10
// ASCII digits. How many ids there are the lock says; id 251 and those behind it are a
// master's and special on Yale locks and are not used here.
func ZWave() panel.Model {
	return model("Z-Wave lock", panel.Slots{First: 1, Last: 250}, []int{4, 5, 6, 7, 8, 9, 10},
		"the command class as a public implementation writes it; not run on hardware")
}

// ZigBee is a lock with the ZigBee Door Lock cluster (0x0101). Slots are the cluster's user
// ids. Id 0 is a master's on some locks and is never used, so a lock with n users has the
// slots 1 to n-1. Lengths are the lock's (attributes 0x0017 and 0x0018); where it does not
// say, 4 to 8.
func ZigBee() panel.Model {
	return model("ZigBee lock", panel.Slots{First: 1, Last: 249}, []int{4, 5, 6, 7, 8},
		"the cluster as a public implementation writes it; not run on hardware")
}

// YaleDoorman is a Yale Doorman L2 or L3 behind a gateway: slots 0 to 9 hold PINs, of which
// 0 cannot be used here, 10 to 19 tags, 20 a code for a day. It never shows a code. Where
// its parameter 19 lets tags alone open, codes are kept and do not open.
func YaleDoorman() panel.Model {
	m := model("Yale Doorman L2/L3", panel.Slots{First: 1, Last: 9}, []int{4, 5, 6, 7, 8},
		"a gateway maker's public document, field names unverified; lengths are those of other Yale locks; not run on hardware")
	m.Vendor = "Yale"
	return m
}

// YaleV2N is a Yale Doorman V2N: ten PIN slots, of which 0 to 2 belong to the maker's own
// application.
func YaleV2N() panel.Model {
	m := model("Yale Doorman V2N", panel.Slots{First: 3, Last: 9}, []int{4, 5, 6, 7, 8},
		"public integrations, lengths are those of other Yale locks; not run on hardware")
	m.Vendor = "Yale"
	return m
}

// Models lists the locks that are known.
func Models() []panel.Model { return []panel.Model{ZWave(), ZigBee(), YaleDoorman(), YaleV2N()} }

// narrow cuts a model down to what a lock says it can hold.
func narrow(m panel.Model, c Capacity) panel.Model {
	if c.Slots > 0 {
		last := c.Slots
		if m.Name == ZigBee().Name {
			last-- // user ids begin at 0
		}
		m.Slots.Last = min(m.Slots.Last, last)
	}
	var lens []int
	for _, n := range m.Code.Lens {
		if n >= c.MinLen && (c.MaxLen == 0 || n <= c.MaxLen) {
			lens = append(lens, n)
		}
	}
	m.Code.Lens = lens
	return m
}
