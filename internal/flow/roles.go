package flow

import (
	"slices"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// RoleUse is the use under which accounts reserve the names of their roles: accounts that
// have a role and roles that descend from it reserve it, and removing it takes it, which no
// reservation allows.
const RoleUse = "role"

// RoleName is what is reserved of a role.
func RoleName(name string) store.Name { return store.Name("role|" + name) }

// ReserveRoles moves the reservations of roles from those that a holder had to those that
// it gets. Built-in roles cannot be removed and need none.
func ReserveRoles(u *Unit, holder, use string, had, gets []string) {
	for _, name := range had {
		if _, builtin := accounts.BuiltinRole(name); !builtin && !slices.Contains(gets, name) {
			u.Do(store.Release{Name: RoleName(name), Holder: holder, Use: use, Reserve: true})
		}
	}
	for _, name := range gets {
		if _, builtin := accounts.BuiltinRole(name); !builtin && !slices.Contains(had, name) {
			u.Do(store.Claim{Name: RoleName(name), Holder: holder, Use: use, Reserve: true})
		}
	}
}
