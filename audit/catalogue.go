package audit

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity is how much an entry matters, with the numbers of OCSF's severity_id.
type Severity uint8

// The severities.
const (
	Informational Severity = 1
	Low           Severity = 2
	Medium        Severity = 3
	High          Severity = 4
)

// String returns the severity in lower case.
func (s Severity) String() string {
	switch s {
	case Informational:
		return "informational"
	case Low:
		return "low"
	case Medium:
		return "medium"
	case High:
		return "high"
	}
	return "unknown"
}

// FieldSpec is a field that an action may have.
type FieldSpec struct {
	Name  string
	Class Class
}

// Spec is an action's row in the catalogue.
type Spec struct {
	Action   Action
	Text     string // one sentence in plain words
	Severity Severity
	// OCSFClass and OCSFActivity are class_uid and activity_id of the Open Cybersecurity
	// Schema Framework, 1.x.
	OCSFClass, OCSFActivity int
	// Fields that an entry may have, by name. None is demanded.
	Fields []FieldSpec
}

// OCSFType returns OCSF's type_uid.
func (s Spec) OCSFType() int { return 100*s.OCSFClass + s.OCSFActivity }

// Classes and activities of OCSF that the catalogue uses.
const (
	finding        = 2004 // Detection Finding
	accountChange  = 3001
	entity         = 3004 // Entity Management
	userAccess     = 3005
	authentication = 3002
	api            = 6003 // API Activity

	findingCreate = 1
	findingUpdate = 2

	accountCreate         = 1
	accountEnable         = 2
	accountPasswordChange = 3
	accountPasswordReset  = 4
	accountDisable        = 5
	accountDelete         = 6
	accountFactorEnable   = 10
	accountFactorDisable  = 11

	logon  = 1
	logoff = 2

	entityCreate = 1
	entityRead   = 2
	entityUpdate = 3
	entityDelete = 4

	accessAssign     = 1
	accessRevoke     = 2
	accessAssignRole = 3

	apiUpdate = 3
	other     = 99
)

// row is a Spec before its family's fields are spelled out.
type row struct {
	action          Action
	text            string
	severity        Severity
	class, activity int
	fields          []string
}

// rows is the catalogue, sorted by action. A code is never renamed and never reused.
var rows = [...]row{
	{AccessDenied, "Something was refused for lack of a right.", Medium, api, other, refusalFields},
	{AccessGroupChanged, "An access group was created, changed or removed.", Medium, userAccess, other, projectFields},
	{AccessPointChanged, "An access point was created, changed or removed.", Medium, entity, entityUpdate, projectFields},
	{AccessRuleChanged, "An access rule was created, changed or removed.", Medium, userAccess, other, projectFields},
	{AccountAssigned, "An account was assigned to a panel user.", Low, userAccess, accessAssign, linkFields},
	{AccountAttributeChanged, "An attribute of an account was changed.", Low, accountChange, other, detailFields},
	{AccountAttributeRead, "A secret attribute of an account was read.", Medium, accountChange, other, detailFields},
	{AccountChanged, "The details of an account were changed.", Informational, accountChange, other, detailFields},
	{AccountConfirmed, "A person confirmed an account.", Informational, accountChange, accountEnable, accountFields},
	{AccountConsentGiven, "Others may set the codes of an account's owner for a time.", Medium, userAccess, other, detailFields},
	{AccountConsentWithdrawn, "A consent to set codes was withdrawn.", Medium, userAccess, other, detailFields},
	{AccountContactChanged, "The address or phone number of an account was changed.", Medium, accountChange, other, detailFields},
	{AccountCreated, "An account was created.", Low, accountChange, accountCreate, accountFields},
	{DeviceEnded, "A device on which a PIN signs in was taken off.", Medium, accountChange, accountFactorDisable, signInFields},
	{DeviceEnrolled, "A device was enrolled on which a PIN signs in.", Medium, accountChange, accountFactorEnable, signInFields},
	{DeviceForgotten, "A remembered device was forgotten.", Informational, accountChange, other, signInFields},
	{AccountEnabled, "An account was enabled.", Low, accountChange, accountEnable, accountFields},
	{AccountEndLifted, "A person may be on devices again.", Medium, userAccess, accessAssign, projectFields},
	{AccountEnded, "A person was ended on every device.", Medium, userAccess, accessRevoke, projectFields},
	{AccountErased, "What is personal about an account was erased.", High, accountChange, accountDelete, detailFields},
	{AccountErasureAsked, "The erasure of an account was asked for.", High, accountChange, other, detailFields},
	{AccountErasureCancelled, "The erasure of an account was cancelled.", Medium, accountChange, other, detailFields},
	{FactorAdded, "A second factor was added to an account.", Medium, accountChange, accountFactorEnable, signInFields},
	{FactorRemoved, "A second factor was taken off an account.", Medium, accountChange, accountFactorDisable, signInFields},
	{FactorRequired, "It was changed whether an account needs a second factor.", Medium, accountChange, other, signInFields},
	{AccountHeld, "What is known about an account may not be erased.", Medium, accountChange, other, detailFields},
	{AccountInstallerDecided, "An installer was accepted or rejected at a site.", Medium, userAccess, other, accountFields},
	{AccountPasswordResetSent, "A message to set a new password was sent.", Low, accountChange, accountPasswordReset, accountFields},
	{PasswordSet, "A password was set.", Medium, accountChange, accountPasswordChange, signInFields},
	{AccountPhotoChanged, "The photo of an account was changed.", Informational, accountChange, other, detailFields},
	{ProviderBound, "An account was bound to who a provider says its owner is.", Medium, accountChange, accountFactorEnable, signInFields},
	{ProviderUnbound, "An account was freed from its provider.", Medium, accountChange, accountFactorDisable, signInFields},
	{AccountRegistrationRejected, "A request for an account was rejected.", Low, accountChange, other, detailFields},
	{AccountRemoved, "An account was removed.", Medium, accountChange, accountDelete, accountFields},
	{AccountRevoked, "An account was revoked.", Medium, accountChange, accountDisable, detailFields},
	{AccountRightsLent, "An account was given rights for a time.", Medium, userAccess, accessAssignRole, detailFields},
	{AccountRightsTakenBack, "Rights for a time were taken back early.", Low, userAccess, accessRevoke, detailFields},
	{AccountRoleChanged, "The roles or sites of an account were changed.", Medium, userAccess, accessAssignRole, accountFields},
	{AccountSuspended, "An account was suspended.", Medium, accountChange, accountDisable, accountFields},
	{TokenEnded, "An API token was ended.", Medium, userAccess, accessRevoke, signInFields},
	{TokenIssued, "An API token was issued.", Medium, userAccess, accessAssign, signInFields},
	{AccountUnassigned, "An account was unassigned from a panel user.", Low, userAccess, accessRevoke, linkFields},
	{AccountUnheld, "What is known about an account may be erased again.", Medium, accountChange, other, detailFields},
	{AccountUnlocked, "An account was unlocked.", Low, accountChange, accountEnable, detailFields},
	{AccountUnrevoked, "The revocation of an account was taken back.", Medium, accountChange, accountEnable, detailFields},
	{AccountValidityChanged, "The validity of an account was changed.", Low, accountChange, other, detailFields},
	{ApprovalAsked, "An act waits for another person's approval.", Low, userAccess, other, detailFields},
	{ApprovalGiven, "An act of another person was approved.", Medium, userAccess, other, detailFields},
	{CodeRefused, "Codes were refused.", Medium, finding, findingCreate, refusalFields},
	{CredentialChanged, "The credentials of a person were changed.", Medium, userAccess, other, projectFields},
	{CredentialHandedOver, "A code that was drawn was shown to its holder.", Medium, userAccess, other, handedFields},
	{DoorDecided, "Somebody presented a credential at a door.", Informational, authentication, other, doorFields},
	{DoorGuessing, "So many wrong codes were presented at a site that somebody may be guessing.", High, finding, findingCreate, doorFields},
	{DoorJournalRefused, "What a reader decided during an outage was not taken over.", High, finding, findingCreate, doorFields},
	{DoorLocked, "A reader takes nothing on a medium for a while after wrong codes.", Medium, finding, findingCreate, doorFields},
	{DoorReaderChanged, "A reader was added, given other points, told to wait for a tag, unlocked or ended.", Medium, entity, entityUpdate, doorFields},
	{DoorSiteKeyShown, "The key of a site's edges was shown to an operator.", Medium, userAccess, other, doorFields},
	{DuressAcknowledged, "A duress alarm was acknowledged.", High, finding, findingUpdate, doorFields},
	{DuressBlind, "Nobody hears any more who opens a device on which duress codes are.", High, finding, findingCreate, doorFields},
	{DuressDelivered, "A duress alarm was handed to those who help.", High, finding, findingUpdate, doorFields},
	{DuressFailed, "A duress alarm could not be handed to those who help.", High, finding, findingUpdate, doorFields},
	{DuressRaised, "A duress alarm was raised.", High, finding, findingCreate, doorFields},
	{ImportDone, "An import ended.", Low, entity, entityUpdate, importFields},
	{ImportRowRefused, "A row of an import was refused.", Low, entity, entityUpdate, importFields},
	{ImportStarted, "An import was started.", Low, entity, entityUpdate, importFields},
	{KeysRotated, "Keys were rotated.", High, entity, entityUpdate, systemFields},
	{LogCheckpoint, "A checkpoint of the log was signed.", Informational, entity, entityCreate, logFields},
	{LogExported, "Something was exported from the action log.", Low, entity, entityRead, logFields},
	{LogRead, "The action log was read.", Informational, entity, entityRead, logFields},
	{OperationRefused, "An operation was refused.", Low, api, other, refusalFields},
	{PanelBaseline, "The users of a panel were read for the first time.", Informational, entity, entityRead, panelFields},
	{PanelChanged, "The settings of a panel were changed.", Low, entity, entityUpdate, panelFields},
	{PanelMoved, "A panel was moved to another site.", Medium, entity, entityUpdate, panelFields},
	{PanelOutOfService, "A panel was taken out of service.", Medium, entity, entityUpdate, panelFields},
	{PanelPaired, "A person confirmed a panel that let us in, and its key was stored.", Medium, entity, entityUpdate, pairFields},
	{PanelPairingBegun, "A panel may let us in for a short while.", Medium, entity, other, pairFields},
	{PanelPairingEnded, "A pairing ended without a panel.", Medium, entity, other, pairFields},
	{PanelPairingShown, "A panel that let us in was shown to a person.", Medium, entity, other, pairFields},
	{PanelParked, "Changes to a panel wait for a person.", Medium, finding, findingCreate, panelFields},
	{PanelRegistered, "A panel was registered.", Low, entity, entityCreate, panelFields},
	{PanelReplaced, "A panel was replaced by another one.", Medium, entity, entityUpdate, panelFields},
	{PanelResumed, "Changes to a panel were resumed.", Low, entity, entityUpdate, panelFields},
	{PanelRetired, "A panel was retired.", Medium, entity, entityDelete, panelFields},
	{PanelSecretChanged, "The code or key that opens a panel was changed.", Medium, entity, entityUpdate, panelFields},
	{PanelTested, "The connection to a panel was tested.", Informational, entity, entityRead, panelFields},
	{ProfileChanged, "A notification profile was created or changed.", Low, entity, entityUpdate, systemFields},
	{RepairDone, "Stored data was repaired by hand.", High, entity, entityUpdate, systemFields},
	{ReviewSigned, "A review of who may do what was signed off.", Low, entity, entityRead, logFields},
	{RoleChanged, "A role was created, changed or removed.", Medium, entity, entityUpdate, systemFields},
	{SignInChallenge, "Somebody gave the right password and was asked for a second factor.", Informational, authentication, other, signInFields},
	{SignInDone, "Somebody signed in.", Informational, authentication, logon, signInFields},
	{SessionEnded, "A sign-in was ended.", Informational, authentication, logoff, signInFields},
	{SignInRefused, "A sign-in was refused.", Medium, authentication, logon, signInFields},
	{SignInStepUp, "Somebody who is signed in proved a factor again.", Informational, authentication, other, signInFields},
	{SiteChanged, "A site was created, changed or removed.", Low, entity, entityUpdate, systemFields},
	{StoreQuarantined, "The store was found behind its anchor and put in quarantine.", High, finding, findingCreate, systemFields},
	{StoreReleased, "The store, or a line of it, was released from quarantine.", High, finding, findingUpdate, systemFields},
	{SweepFound, "Devices of a person were found behind and told again.", High, finding, findingCreate, projectFields},
	{UserAdopted, "A user that was found on a panel was taken over.", Medium, entity, entityUpdate, userFields},
	{UserCleared, "A user was removed from the panel.", Low, entity, entityDelete, userFields},
	{UserCodeChanged, "The code of a panel user was changed.", Low, entity, entityUpdate, userFields},
	{UserCodeOffered, "A code that was drawn for a panel user waits for its holder.", Low, userAccess, other, userFields},
	{UserCodeSet, "A code was set for a panel user.", Low, entity, entityCreate, userFields},
	{UserDisabled, "A panel user was disabled.", Low, entity, entityDelete, userFields},
	{UserDriftAdopted, "A change that was made at the panel was adopted.", Medium, finding, findingUpdate, userFields},
	{UserDriftFound, "A panel user differs from what was agreed.", Medium, finding, findingCreate, userFields},
	{UserKeypadsChanged, "The keypads of a panel user were changed.", Low, entity, entityUpdate, userFields},
	{UserLabelChanged, "The label of a panel user was changed.", Informational, entity, entityUpdate, userFields},
	{UserLocksChanged, "The door locks of a panel user were changed.", Low, entity, entityUpdate, userFields},
	{UserOfferEnded, "A code that was drawn waits for its holder no more.", Low, userAccess, other, userFields},
	{UserOverprovisioned, "A panel user has more access at the panel than was agreed.", High, finding, findingCreate, userFields},
	{UserPartitionsChanged, "The partitions of a panel user were changed.", Low, entity, entityUpdate, userFields},
	{UserRefused, "The panel refused a change.", Medium, api, apiUpdate, userFields},
	{UserRemovalBlocked, "Access that was taken away is still on the panel.", High, finding, findingCreate, userFields},
	{UserReported, "What a panel says about a user was taken in.", Informational, entity, entityRead, userFields},
	{UserRoleChanged, "The role of a panel user was changed.", Medium, entity, entityUpdate, userFields},
	{UserSent, "A change was handed to the panel.", Informational, api, apiUpdate, userFields},
	{UserSettled, "The panel confirmed a change.", Informational, api, apiUpdate, userFields},
	{UserTagsChanged, "The tags of a panel user were changed.", Low, entity, entityUpdate, userFields},
	{UserUnmanagedFound, "A user that nobody here set was found on a panel.", Medium, finding, findingCreate, userFields},
	{UserUnsure, "It is not known whether the panel took a change.", Medium, api, apiUpdate, userFields},
	{UserWindowChanged, "The validity of a panel user was changed.", Low, entity, entityUpdate, userFields},
	{UserWishCancelled, "A change that was not sent yet was cancelled.", Low, entity, entityUpdate, userFields},
	{UserWishConfirmed, "A change that was held back was confirmed by another person.", Low, entity, entityUpdate, userFields},
	{UserWishExpired, "A change was not sent in time and expired.", Medium, entity, entityUpdate, userFields},
	{UserWishHeld, "A change is held back until something else has happened.", Low, entity, entityUpdate, userFields},
}

// The fields of each family of actions. Every action also has commonFields.
var (
	commonFields = []string{FieldActorKind, FieldActorID, FieldActorName, FieldApprover, FieldReason, FieldRequest,
		FieldSite, FieldSource, FieldVia}

	userFields = []string{FieldPanel, FieldIdent, FieldUser, FieldSlot, FieldPlace, FieldTenancy, FieldRevision, FieldRoute,
		FieldLabel, FieldLabelBefore, FieldRole, FieldRoleBefore, FieldPartitions, FieldPartitionsBefore,
		FieldCode, FieldTags, FieldTagsCount, FieldTagsCountBefore, FieldLocks, FieldLocksBefore, FieldKeypads, FieldKeypadsBefore,
		FieldFrom, FieldFromBefore, FieldUntil, FieldUntilBefore, FieldRevoked, FieldRevokedBefore,
		FieldFields, FieldFieldsRefused, FieldFieldsUnsure, FieldSight, FieldDeadline, FieldAttempts, FieldAccount, FieldEmail}

	accountFields = []string{FieldAccount, FieldUsername, FieldEmail, FieldEmailBefore, FieldName, FieldNameBefore, FieldPhone,
		FieldRole, FieldRoleBefore, FieldSites, FieldSitesBefore, FieldStatus, FieldStatusBefore, FieldFields,
		FieldPassword, FieldOneTimeSecret, FieldExpires, FieldMessage, FieldUnlinkedUsers}

	detailFields = []string{FieldAccount, FieldUsername, FieldEmail, FieldEmailBefore, FieldName, FieldNameBefore, FieldPhone, FieldStatus,
		FieldStatusBefore, FieldFields, FieldRights, FieldFrom, FieldFromBefore, FieldUntil, FieldUntilBefore, FieldDeadline, FieldOperation,
		FieldAct, FieldAttribute, FieldProfile, FieldProfileBefore}

	signInFields = []string{FieldAccount, FieldUsername, FieldEmail, FieldMethod, FieldSession, FieldDevice, FieldToken, FieldName, FieldStatus, FieldStatusBefore,
		FieldRights, FieldSites, FieldExpires, FieldMessage, FieldCount, FieldFields, FieldOperation, FieldDecision, FieldDuress, FieldIssuer,
		FieldRow, FieldNetwork, FieldAccounts, FieldFirst, FieldLast}

	projectFields = []string{FieldAccount, FieldEmail, FieldPanel, FieldRow, FieldState, FieldSites, FieldFields, FieldCount}

	handedFields = []string{FieldAccount, FieldFields, FieldIdent, FieldPanel, FieldPlace, FieldSlot, FieldTenancy, FieldUser}

	linkFields = []string{FieldAccount, FieldUsername, FieldEmail, FieldName, FieldPanel, FieldIdent, FieldUser, FieldSlot,
		FieldPlace, FieldTenancy, FieldRevision, FieldLabel, FieldRole, FieldPartitions}

	panelFields = []string{FieldPanel, FieldPanelBefore, FieldIdent, FieldIdentBefore, FieldMaker, FieldModel, FieldFirmware,
		FieldRoute, FieldSiteBefore, FieldState, FieldStateBefore, FieldUsers, FieldFields, FieldAttempts, FieldPanelSecret}

	pairFields = []string{FieldPanel, FieldIdent, FieldPrint, FieldRoute}

	refusalFields = []string{FieldOperation, FieldRight, FieldCount, FieldFirst, FieldLast, FieldAccounts, FieldPanel, FieldIdent, FieldUser,
		FieldSlot, FieldPlace, FieldAccount, FieldEmail, FieldUsername, FieldCode}

	doorFields = []string{FieldAccount, FieldAct, FieldAttempts, FieldCount, FieldDecided, FieldDecision, FieldDuress, FieldFields, FieldLate,
		FieldMedium, FieldPoint, FieldReader, FieldRule, FieldState, FieldUntil}

	logFields = []string{FieldFilter, FieldCount, FieldFirst, FieldLast, FieldAccount, FieldPanel, FieldOrigin, FieldSize,
		FieldRoot, FieldAnchor, FieldFileHash}

	importFields = []string{FieldImport, FieldFileHash, FieldRows, FieldRow, FieldAccepted, FieldRefused, FieldPanel, FieldIdent,
		FieldUser, FieldSlot, FieldPlace, FieldAccount, FieldEpoch, FieldFields}

	systemFields = []string{FieldProfile, FieldKey, FieldKeyBefore, FieldKeyKind, FieldEpoch, FieldGeneration, FieldLines, FieldSize,
		FieldAnchoredSize, FieldAnchor, FieldRole, FieldRights, FieldRightsBefore, FieldSites, FieldSitesBefore, FieldSiteName,
		FieldPanel, FieldIdent, FieldRow, FieldFields, FieldState, FieldStateBefore}
)

// Catalogue returns every action there is, sorted by its code.
func Catalogue() []Spec {
	specs := make([]Spec, len(rows))
	for i, r := range rows {
		specs[i] = r.spec()
	}
	return specs
}

// Lookup returns the catalogue row of an action.
func Lookup(a Action) (Spec, bool) {
	r, ok := find(a)
	if !ok {
		return Spec{}, false
	}
	return r.spec(), true
}

func find(a Action) (row, bool) {
	i, ok := slices.BinarySearchFunc(rows[:], a, func(r row, a Action) int { return cmp.Compare(r.action, a) })
	if !ok {
		return row{}, false
	}
	return rows[i], true
}

func (r row) spec() Spec {
	s := Spec{Action: r.action, Text: r.text, Severity: r.severity, OCSFClass: r.class, OCSFActivity: r.activity}
	for _, name := range slices.Concat(commonFields, r.fields) {
		s.Fields = append(s.Fields, FieldSpec{Name: name, Class: classOf(name)})
	}
	slices.SortFunc(s.Fields, func(a, b FieldSpec) int { return cmp.Compare(a.Name, b.Name) })
	return s
}

// Check reports whether an entry fits its row of the catalogue: the action exists
// ([ErrAction]) and every field is one of its fields, in the right class ([ErrField]).
// Writers call it before [Encode]; readers do not, because a log outlives catalogues.
func Check(e Entry) error {
	r, ok := find(e.Action)
	if !ok {
		return fmt.Errorf("%w: %.64q", ErrAction, string(e.Action))
	}
	for _, f := range e.Fields {
		if !slices.Contains(commonFields, f.Name) && !slices.Contains(r.fields, f.Name) {
			return fmt.Errorf("%w: %s has no %.64q", ErrField, r.action, f.Name)
		}
		if want := classOf(f.Name); f.Class != want {
			return fmt.Errorf("%w: %q of %s is %s, not %s", ErrField, f.Name, r.action, want, f.Class)
		}
	}
	return nil
}
