package accounts

import (
	"fmt"
	"maps"
	"slices"
)

// Role is a named set of rights. Inside a role denying wins; several roles add up.
type Role struct {
	Allow    Rights `json:"allow"`
	Deny     Rights `json:"deny,omitzero"`     // taken out of Allow
	Disabled bool   `json:"disabled,omitzero"` // grants nothing
	Name     string `json:"name"`              // like a username; it never changes
	Parent   string `json:"parent,omitempty"`  // a role never has what its parent lacks
}

// Roles are the roles that there are, by name.
type Roles map[string]Role

// Rights is what the named roles add up to. Under globalDeny a right that one of them,
// or a parent, denies is gone whatever the others allow. A name that is not there is
// [ErrRoleNotFound], a chain of parents that comes back to itself [ErrRoleForm].
func (rs Roles) Rights(globalDeny bool, names ...string) (Rights, error) {
	var allowed, denied Rights
	for _, name := range names {
		allow, deny, err := rs.effective(name)
		if err != nil {
			return Rights{}, err
		}
		allowed, denied = allowed.With(allow), denied.With(deny)
	}
	if globalDeny {
		return allowed.Without(denied), nil
	}
	return allowed, nil
}

// effective is what a role has within its parents, and all that they and it deny.
func (rs Roles) effective(name string) (allow, deny Rights, err error) {
	allow = AllRights()
	for range len(rs) + 1 {
		r, ok := rs[name]
		if !ok {
			return Rights{}, Rights{}, fmt.Errorf("%w: %q", ErrRoleNotFound, name)
		}
		deny = deny.With(r.Deny)
		allow = allow.Within(r.Allow).Without(r.Deny)
		if r.Disabled {
			return Rights{}, deny, nil
		}
		if r.Parent == "" {
			return allow, deny, nil
		}
		name = r.Parent
	}
	return Rights{}, Rights{}, fmt.Errorf("%w: %q is its own parent", ErrRoleForm, name)
}

// Check reports why r cannot be added to or put into rs: its name ([ErrRoleForm]), its
// parent ([ErrRoleNotFound]), or a chain of parents that leads back to it ([ErrRoleForm]).
func (rs Roles) Check(r Role) error {
	if !usernameForm.MatchString(r.Name) {
		return fmt.Errorf("%w: the name", ErrRoleForm)
	}
	with := make(Roles, len(rs)+1)
	maps.Copy(with, rs)
	r.Disabled = false // a disabled role would end the walk along its parents
	with[r.Name] = r
	_, _, err := with.effective(r.Name)
	return err
}

// Group is a named part of the rights, as role pages show them.
type Group struct {
	Name   string
	Rights Rights
}

// Groups lists the groups; every right is in exactly one. Equipment opens the Users tab
// and its charts and nothing more.
func Groups() []Group {
	return []Group{
		{"Equipment", RightsOf(EquipmentView, PanelUsersView, PanelUsersManage, PanelUsersEnd)},
		{"Protected users", RightsOf(PanelUsersManageProtected, PanelUsersAdopt, PanelUsersDisclose)},
		{"Panels", RightsOf(PanelsManage, PanelsSecrets, PanelsResume, PanelsRelease)},
		{"Accounts", RightsOf(AccountsView, AccountsAdd, AccountsAssign, AccountsUnassign, AccountsSuspend, AccountsEnable, AccountsReset, AccountsRemove)},
		{"Credentials", RightsOf(CollisionsView, CapacityView)},
		{"Action Log", RightsOf(AuditView, AuditVerify, AuditExport)},
		{"Administration", RightsOf(RolesManage, SitesManage, ImportRun, MailCheck)},
		{"Duress", RightsOf(DuressView)},
	}
}

// GroupRights is the union of the groups with these names; a name that is not there is
// [ErrUnknownRight].
func GroupRights(names ...string) (Rights, error) {
	groups := Groups()
	var s Rights
	for _, name := range names {
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Name == name })
		if i < 0 {
			return Rights{}, fmt.Errorf("%w: group %q", ErrUnknownRight, name)
		}
		s = s.With(groups[i].Rights)
	}
	return s, nil
}

// DefaultRoles are the five common roles of a fresh installation. An admin may do
// everything but see the digits of codes and duress alarms, which a host adds where
// somebody answers for it.
func DefaultRoles() Roles {
	list := []Role{
		{Name: "admin", Allow: AllRights(), Deny: RightsOf(PanelUsersDisclose, DuressView)},
		{Name: "user", Allow: RightsOf(EquipmentView, PanelUsersView)},
		{Name: "installer", Allow: RightsOf(EquipmentView, PanelUsersView, PanelUsersManage, PanelsManage, PanelsSecrets, PanelsResume)},
		{Name: "viewer", Allow: RightsOf(EquipmentView, PanelUsersView, AccountsView, AuditView)},
		{Name: "api_only", Allow: RightsOf(EquipmentView, PanelUsersView, PanelUsersManage)},
	}
	roles := make(Roles, len(list))
	for _, r := range list {
		roles[r.Name] = r
	}
	return roles
}
