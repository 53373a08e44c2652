package accounts

import (
	"slices"
	"strings"
)

// Permission says what an operation asks of its caller.
type Permission struct {
	Op     string // "roster.SetCode": package and method
	Right  Right  // the one right that it needs
	StepUp bool   // it needs a factor that was proven just now
	Takes  bool   // it only takes access away
}

// permissions is the one table of operations, in the order of their names. Changing a
// user with a protected role needs PanelUsersManageProtected and a fresh factor beside
// what stands here, because it depends on the user and not on the operation.
var permissions = []Permission{
	{Op: "door.Acknowledge", Right: DuressView},
	{Op: "door.AddReader", Right: PanelsManage, StepUp: true},
	{Op: "door.Alarms", Right: DuressView},
	{Op: "door.Duress", Right: DuressView},
	{Op: "door.EndReader", Right: PanelsManage},
	{Op: "door.Readers", Right: EquipmentView},
	{Op: "door.SiteKey", Right: PanelsSecrets, StepUp: true},
	{Op: "door.Unlock", Right: PanelsResume},

	{Op: "journal.Export", Right: AuditExport},
	{Op: "journal.Follow", Right: AuditView},
	{Op: "journal.Prove", Right: AuditVerify},
	{Op: "journal.Query", Right: AuditView},
	{Op: "journal.SignOff", Right: AuditVerify, StepUp: true},
	{Op: "journal.Verify", Right: AuditVerify},

	{Op: "people.Accept", Right: AccountsAdd},
	{Op: "people.Account", Right: AccountsView},
	{Op: "people.Accounts", Right: AccountsView},
	{Op: "people.AddRole", Right: RolesManage, StepUp: true},
	{Op: "people.Approvals", Right: ApprovalsGive},
	{Op: "people.Approve", Right: ApprovalsGive, StepUp: true},
	{Op: "people.Attributes", Right: AccountsView},
	{Op: "people.Badge", Right: VisitorsManage},
	{Op: "people.CancelErasure", Right: AccountsErase},
	{Op: "people.ChangeRole", Right: RolesManage, StepUp: true},
	{Op: "people.CheckMailer", Right: MailCheck},
	{Op: "people.Confirm", Right: AccountsAdd},
	{Op: "people.Create", Right: AccountsAdd},
	{Op: "people.CreateConfirmed", Right: ImportRun, StepUp: true},
	{Op: "people.Delivery", Right: AccountsView},
	{Op: "people.Enable", Right: AccountsEnable},
	{Op: "people.EnableMany", Right: AccountsEnable},
	{Op: "people.Erase", Right: AccountsErase, StepUp: true},
	{Op: "people.Exists", Right: AccountsView},
	{Op: "people.Explain", Right: AccountsView},
	{Op: "people.Hold", Right: AccountsErase},
	{Op: "people.IssueVisitor", Right: VisitorsManage},
	{Op: "people.Lend", Right: RolesManage, StepUp: true},
	{Op: "people.Object", Right: AccountsSuspend, Takes: true},
	{Op: "people.Photo", Right: AccountsView},
	{Op: "people.Profiles", Right: ProfilesManage},
	{Op: "people.Registrations", Right: AccountsAdd},
	{Op: "people.Reject", Right: AccountsAdd},
	{Op: "people.Remove", Right: AccountsRemove, StepUp: true, Takes: true},
	{Op: "people.RemoveAttribute", Right: AccountsChange},
	{Op: "people.RemoveMany", Right: AccountsRemove, StepUp: true, Takes: true},
	{Op: "people.RemovePhoto", Right: AccountsChange},
	{Op: "people.RemoveRole", Right: RolesManage, StepUp: true},
	{Op: "people.ResetPassword", Right: AccountsReset, StepUp: true},
	{Op: "people.ResetPasswords", Right: AccountsReset, StepUp: true},
	{Op: "people.Reveal", Right: AttributesReveal, StepUp: true},
	{Op: "people.Revoke", Right: AccountsSuspend, Takes: true},
	{Op: "people.RoleChoices", Right: AccountsView},
	{Op: "people.Roles", Right: AccountsView},
	{Op: "people.SetAttribute", Right: AccountsChange},
	{Op: "people.SetContact", Right: AccountsContact, StepUp: true},
	{Op: "people.SetDetails", Right: AccountsChange},
	{Op: "people.SetPhoto", Right: AccountsChange},
	{Op: "people.SetProfile", Right: ProfilesManage},
	{Op: "people.SetRoles", Right: RolesManage, StepUp: true},
	{Op: "people.SetSecret", Right: AccountsChange},
	{Op: "people.SetSite", Right: SitesManage, StepUp: true},
	{Op: "people.SetSites", Right: SitesManage, StepUp: true},
	{Op: "people.SetWindow", Right: AccountsEnable},
	{Op: "people.SharedEmails", Right: AccountsView},
	{Op: "people.Sites", Right: AccountsView},
	{Op: "people.Status", Right: AccountsView},
	{Op: "people.Suspend", Right: AccountsSuspend, Takes: true},
	{Op: "people.SuspendMany", Right: AccountsSuspend, Takes: true},
	{Op: "people.Unhold", Right: AccountsErase, StepUp: true},
	{Op: "people.Unlend", Right: RolesManage, Takes: true},
	{Op: "people.Unlock", Right: AccountsEnable},
	{Op: "people.Unrevoke", Right: AccountsEnable},
	{Op: "people.Visitors", Right: VisitorsManage},

	{Op: "roster.Add", Right: PanelUsersManage},
	{Op: "roster.AddTag", Right: PanelUsersManage},
	{Op: "roster.Adopt", Right: PanelUsersAdopt, StepUp: true},
	{Op: "roster.Assign", Right: AccountsAssign},
	{Op: "roster.AssignableUsers", Right: AccountsAssign},
	{Op: "roster.Cancel", Right: PanelUsersManage},
	{Op: "roster.Change", Right: PanelsManage},
	{Op: "roster.Choose", Right: AccountsAssign},
	{Op: "roster.Collisions", Right: CollisionsView},
	{Op: "roster.Confirm", Right: PanelUsersManage},
	{Op: "roster.Count", Right: PanelUsersView},
	{Op: "roster.Details", Right: PanelUsersView},
	{Op: "roster.Disable", Right: PanelUsersEnd, Takes: true},
	{Op: "roster.Drift", Right: PanelUsersView},
	{Op: "roster.GenerateCode", Right: PanelUsersManage},
	{Op: "roster.Import", Right: ImportRun, StepUp: true},
	{Op: "roster.Info", Right: EquipmentView},
	{Op: "roster.Move", Right: PanelsManage, StepUp: true},
	{Op: "roster.OutOfService", Right: PanelsManage},
	{Op: "roster.Outstanding", Right: PanelUsersView},
	{Op: "roster.Panels", Right: EquipmentView},
	{Op: "roster.Person.AddTag", Right: PanelUsersManage},
	{Op: "roster.Person.Devices", Right: PanelUsersView},
	{Op: "roster.Person.End", Right: PanelUsersEnd, Takes: true},
	{Op: "roster.Person.GeneratePIN", Right: PanelUsersManage},
	{Op: "roster.Person.Holds", Right: PanelUsersView},
	{Op: "roster.Person.Lift", Right: PanelUsersManage, StepUp: true},
	{Op: "roster.Person.Live", Right: PanelUsersView},
	{Op: "roster.Person.RemovePIN", Right: PanelUsersEnd, Takes: true},
	{Op: "roster.Person.RemoveTag", Right: PanelUsersEnd, Takes: true},
	{Op: "roster.Person.SetDuressPIN", Right: PanelUsersManage, StepUp: true},
	{Op: "roster.Person.SetPIN", Right: PanelUsersManage},
	{Op: "roster.Person.SetTagState", Right: PanelUsersEnd, Takes: true},
	{Op: "roster.Person.SetWindow", Right: PanelUsersManage},
	{Op: "roster.Processes", Right: PanelUsersView},
	{Op: "roster.Protected", Right: PanelUsersManageProtected, StepUp: true},
	{Op: "roster.Quarantine", Right: PanelsRelease, Takes: true},
	{Op: "roster.Receipt", Right: PanelUsersView},
	{Op: "roster.Register", Right: PanelsManage, StepUp: true},
	{Op: "roster.Release", Right: PanelsRelease, StepUp: true},
	{Op: "roster.RemoveGroup", Right: PanelUsersManage, StepUp: true},
	{Op: "roster.RemovePoint", Right: PanelsManage, StepUp: true},
	{Op: "roster.RemoveRule", Right: PanelUsersEnd, Takes: true},
	{Op: "roster.RemoveTag", Right: PanelUsersManage},
	{Op: "roster.Replace", Right: PanelsManage, StepUp: true},
	{Op: "roster.Restore", Right: PanelUsersManage},
	{Op: "roster.Resume", Right: PanelsResume, StepUp: true},
	{Op: "roster.Retire", Right: PanelsManage, StepUp: true},
	{Op: "roster.Retry", Right: PanelUsersManage},
	{Op: "roster.Search", Right: PanelUsersView},
	{Op: "roster.SetCode", Right: PanelUsersManage},
	{Op: "roster.SetGroup", Right: PanelUsersManage, StepUp: true},
	{Op: "roster.SetKeypads", Right: PanelUsersManage},
	{Op: "roster.SetLabel", Right: PanelUsersManage},
	{Op: "roster.SetLocks", Right: PanelUsersManage},
	{Op: "roster.SetPartitions", Right: PanelUsersManage},
	{Op: "roster.SetPoint", Right: PanelsManage, StepUp: true},
	{Op: "roster.SetRole", Right: PanelUsersManage},
	{Op: "roster.SetRule", Right: PanelUsersManage, StepUp: true},
	{Op: "roster.SetSecret", Right: PanelsSecrets, StepUp: true},
	{Op: "roster.SetWindow", Right: PanelUsersManage},
	{Op: "roster.Sightings", Right: CollisionsView},
	{Op: "roster.Suggest", Right: AccountsAssign},
	{Op: "roster.Test", Right: PanelsManage},
	{Op: "roster.Unassign", Right: AccountsUnassign},
	{Op: "roster.Unmanaged", Right: PanelUsersView},
	{Op: "roster.Users", Right: PanelUsersView},

	{Op: "signin.EndSessions", Right: AccountsSuspend, Takes: true},
	{Op: "signin.EndToken", Right: AccountsSuspend, Takes: true},
	{Op: "signin.Factors", Right: AccountsView},
	{Op: "signin.IssueToken", Right: AccountsContact, StepUp: true},
	{Op: "signin.RequireFactor", Right: AccountsReset, StepUp: true},
	{Op: "signin.ResetFactors", Right: AccountsReset, StepUp: true},
	{Op: "signin.RotateToken", Right: AccountsContact, StepUp: true},
	{Op: "signin.Sessions", Right: AccountsView},
	{Op: "signin.SetPassword", Right: AccountsReset, StepUp: true},
	{Op: "signin.Tokens", Right: AccountsView},
}

// Permissions lists what every operation asks, in the order of their names.
func Permissions() []Permission { return slices.Clone(permissions) }

// PermissionFor returns what op asks. An operation that is not in the table asks for a
// right that nobody has.
func PermissionFor(op string) Permission {
	i, found := slices.BinarySearchFunc(permissions, op, func(p Permission, op string) int { return strings.Compare(p.Op, op) })
	if !found {
		return Permission{Op: op}
	}
	return permissions[i]
}
