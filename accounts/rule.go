package accounts

import (
	"fmt"
	"slices"
	"strings"
)

// Effect is what a rule does.
type Effect string

// The effects.
const (
	Allow Effect = "allow"
	Deny  Effect = "deny"
)

// Surface is a part of a host's program over which a role can decide.
type Surface string

// The surfaces.
const (
	UI    Surface = "ui"    // a page or a part of one
	Route Surface = "route" // a path: "/panels/1"
	API   Surface = "api"   // a function by its name
)

// Rule allows or denies targets of the host's own surfaces. What keyholder does itself
// is decided by rights, never by rules.
type Rule struct {
	Effect  Effect  `json:"effect"`
	Surface Surface `json:"surface"`
	Target  string  `json:"target"` // an asterisk stands for any text: "/admin*"
}

// String reads "deny route /admin*".
func (r Rule) String() string { return fmt.Sprintf("%s %s %s", r.Effect, r.Surface, r.Target) }

func (r Rule) check() error {
	known := (r.Effect == Allow || r.Effect == Deny) && (r.Surface == UI || r.Surface == Route || r.Surface == API)
	if !known || r.Target == "" || len(r.Target) > 256 {
		return fmt.Errorf("%w: the rule %q", ErrRoleForm, r)
	}
	return nil
}

// matches reports whether the rule is about a target.
func (r Rule) matches(s Surface, target string) bool {
	if r.Surface != s {
		return false
	}
	first, rest, star := strings.Cut(r.Target, "*")
	if !star {
		return target == r.Target
	}
	if !strings.HasPrefix(target, first) {
		return false
	}
	target = target[len(first):]
	for {
		part, next, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(target, part)
		}
		i := strings.Index(target, part)
		if i < 0 {
			return false
		}
		target, rest = target[i+len(part):], next
	}
}

// Ruling is what one role says about a target.
type Ruling struct {
	Role    string // the role of the account, or the parent that decided
	Allowed bool
	Rule    Rule  // that decided; zero: no rule of the role is about the target
	Cause   error // why the role has no say: [ErrRoleNotFound], [ErrNetworkBlocked] or a [*RoleDisabledError]
}

// Allows reports whether the named roles allow a target of a host's surface: one of them
// allows it and does not deny it, and neither do its parents. Under globalDeny a denial
// by any role decides.
func (rs Roles) Allows(globalDeny, local bool, s Surface, target string, names ...string) bool {
	allowed := false
	for _, name := range names {
		switch r := rs.ruling(name, local, s, target); {
		case r.Allowed:
			allowed = true
		case globalDeny && r.Rule.Effect == Deny:
			return false
		}
	}
	return allowed
}

// Rulings says what each of the named roles says about a target, and by which rule. It
// is for operators who look for a cause.
func (rs Roles) Rulings(local bool, s Surface, target string, names ...string) []Ruling {
	out := make([]Ruling, len(names))
	for i, name := range names {
		out[i] = rs.ruling(name, local, s, target)
	}
	return out
}

// ruling asks a role and its parents; the first that does not allow decides.
func (rs Roles) ruling(name string, local bool, s Surface, target string) Ruling {
	var said Ruling
	for range len(rs) + 1 {
		r, ok := rs[name]
		switch {
		case !ok:
			return Ruling{Role: name, Cause: ErrRoleNotFound}
		case r.Disabled:
			return Ruling{Role: name, Cause: &RoleDisabledError{Role: name}}
		case r.LocalOnly && !local:
			return Ruling{Role: name, Cause: ErrNetworkBlocked}
		}
		own := Ruling{Role: name}
		for _, rule := range r.Rules {
			if rule.matches(s, target) && (own.Rule == (Rule{}) || rule.Effect == Deny) {
				own.Rule, own.Allowed = rule, rule.Effect == Allow
			}
		}
		if !own.Allowed {
			return own
		}
		if said.Role == "" {
			said = own
		}
		if r.Parent == "" {
			return said
		}
		name = r.Parent
	}
	return Ruling{Role: name, Cause: ErrRoleForm}
}

// Shape reports whether somebody with the named roles may make r: whatever surface r
// opens, their own roles open all of it and deny nothing of it, or r descends from one of
// their roles and so has nothing that this one lacks.
func (rs Roles) Shape(r Role, own ...string) bool {
	for parent, left := r.Parent, len(rs); parent != "" && left > 0; parent, left = rs[parent].Parent, left-1 {
		if slices.Contains(own, parent) {
			return true
		}
	}
	for _, rule := range r.Rules {
		if rule.Effect == Allow && !slices.ContainsFunc(own, func(name string) bool { return rs.opens(name, rule.Surface) }) {
			return false
		}
	}
	return true
}

// opens reports whether a role opens all of a surface.
func (rs Roles) opens(name string, s Surface) bool {
	r := rs[name]
	all := slices.Contains(r.Rules, Rule{Allow, s, "*"})
	denies := slices.ContainsFunc(r.Rules, func(rule Rule) bool { return rule.Surface == s && rule.Effect == Deny })
	return all && !denies && !r.Disabled && r.Parent == ""
}
