package accounts

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// AdminRole is the built-in role of those who may do everything everywhere: of the
// accounts that have it at all sites, the last one that can sign in is protected.
const AdminRole = "admin"

// Role is a named set of rights, with rules for a host's own pages, routes and functions.
// Inside a role denying wins; several roles add up.
type Role struct {
	Allow     Rights `json:"allow"`
	Deny      Rights `json:"deny,omitzero"`      // taken out of Allow
	Disabled  bool   `json:"disabled,omitzero"`  // grants nothing
	Label     string `json:"label,omitempty"`    // how people call it
	LocalOnly bool   `json:"localOnly,omitzero"` // grants nothing to who comes from another network
	Name      string `json:"name"`               // like a username; it never changes
	Parent    string `json:"parent,omitempty"`   // a role never has what its parent lacks
	Rules     []Rule `json:"rules,omitempty"`
}

// Loses reports whether next in the place of r takes something from those who have
// it. Rules that differ do: which targets a host has is not known here.
func (r Role) Loses(next Role) bool {
	had, has := r.Allow.Without(r.Deny), next.Allow.Without(next.Deny)
	narrower := next.Disabled && !r.Disabled || next.LocalOnly && !r.LocalOnly
	// Under a global denial what it and its parents deny counts for other roles too, while it
	// is on.
	on := r.Disabled != next.Disabled || r.LocalOnly != next.LocalOnly
	denies := !next.Deny.Without(r.Deny).IsZero() || next.Parent != "" && (next.Parent != r.Parent || on)
	return !had.Without(has).IsZero() || narrower || denies || !slices.Equal(r.Rules, next.Rules)
}

// Roles are the roles that there are, by name.
type Roles map[string]Role

// Rights is what the named roles add up to, for somebody on the local network. Under
// globalDeny a right that one of them, or a parent, denies is gone whatever the others
// allow. A name that is not there is [ErrRoleNotFound], a chain of parents that comes
// back to itself [ErrRoleForm]. It allocates nothing when it succeeds.
func (rs Roles) Rights(globalDeny bool, names ...string) (Rights, error) {
	return rs.rights(globalDeny, true, names)
}

func (rs Roles) rights(globalDeny, local bool, names []string) (Rights, error) {
	var allowed, denied Rights
	for _, name := range names {
		allow, deny, err := rs.effective(name, local)
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
func (rs Roles) effective(name string, local bool) (allow, deny Rights, err error) {
	allow = AllRights()
	for range len(rs) + 1 {
		r, ok := rs[name]
		if !ok {
			return Rights{}, Rights{}, fmt.Errorf("%w: %q", ErrRoleNotFound, name)
		}
		deny = deny.With(r.Deny)
		allow = allow.Within(r.Allow).Without(r.Deny)
		if r.Disabled || r.LocalOnly && !local {
			return Rights{}, deny, nil
		}
		if r.Parent == "" {
			return allow, deny, nil
		}
		name = r.Parent
	}
	return Rights{}, Rights{}, fmt.Errorf("%w: %q is its own parent", ErrRoleForm, name)
}

// Check reports why r cannot be added to or put into rs: its name or a rule
// ([ErrRoleForm]), its parent ([ErrRoleNotFound]), or a chain of parents that leads back to it ([ErrRoleForm]).
func (rs Roles) Check(r Role) error {
	if !usernameForm.MatchString(r.Name) {
		return fmt.Errorf("%w: the name", ErrRoleForm)
	}
	for _, rule := range r.Rules {
		if err := rule.check(); err != nil {
			return err
		}
	}
	with := make(Roles, len(rs)+1)
	maps.Copy(with, rs)
	r.Disabled = false // a disabled role would end the walk along its parents
	with[r.Name] = r
	_, _, err := with.effective(r.Name, true)
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
		{"Account details", RightsOf(AccountsChange, AccountsContact, AccountsErase, AttributesReveal, VisitorsManage, ProfilesManage, InstallersApprove)},
		{"Sign-in", RightsOf(SignIn)},
		{"Credentials", RightsOf(CollisionsView, CapacityView)},
		{"Action Log", RightsOf(AuditView, AuditVerify, AuditExport)},
		{"Administration", RightsOf(RolesManage, SitesManage, ImportRun, MailCheck, ApprovalsGive)},
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

// builtin are the roles that come with keyholder; nothing changes them.
var builtin = sync.OnceValue(func() Roles {
	return Roles{
		AdminRole: {Name: AdminRole, Allow: AllRights(), Deny: RightsOf(PanelUsersDisclose, DuressView, AttributesReveal),
			Rules: []Rule{{Allow, UI, "*"}, {Allow, Route, "*"}, {Allow, API, "*"}}},
		"user": {Name: "user", Allow: RightsOf(SignIn, EquipmentView, PanelUsersView),
			Rules: []Rule{{Allow, UI, "*"}, {Allow, Route, "*"}, {Deny, Route, "/admin*"}}},
		"installer": {Name: "installer", Allow: RightsOf(SignIn, EquipmentView, PanelUsersView, PanelUsersManage, PanelsManage, PanelsSecrets, PanelsResume),
			Rules: []Rule{{Allow, UI, "*"}, {Allow, Route, "*"}, {Deny, Route, "/admin*"}}},
		"viewer": {Name: "viewer", Allow: RightsOf(SignIn, EquipmentView, PanelUsersView, AccountsView, AuditView),
			Rules: []Rule{{Allow, UI, "*"}, {Allow, Route, "*"}, {Deny, Route, "/admin*"}}},
		"api_only": {Name: "api_only", Allow: RightsOf(SignIn, EquipmentView, PanelUsersView, PanelUsersManage),
			Rules: []Rule{{Allow, API, "*"}}},
	}
})

// DefaultRoles are the five common roles. They are built in: every store has them, and
// they cannot be changed or removed. An admin may do everything but see the digits of
// codes, secret attributes and duress alarms, which a host adds by a role of its own
// where somebody answers for it.
func DefaultRoles() Roles { return maps.Clone(builtin()) }

// BuiltinRole returns one of [DefaultRoles].
func BuiltinRole(name string) (Role, bool) {
	r, ok := builtin()[name]
	return r, ok
}
