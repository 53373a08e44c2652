package audit

// Panel users.
const (
	UserCodeSet           Action = "user.code.set"
	UserCodeChanged       Action = "user.code.changed"
	UserLabelChanged      Action = "user.label.changed"
	UserPartitionsChanged Action = "user.partitions.changed"
	UserRoleChanged       Action = "user.role.changed"
	UserTagsChanged       Action = "user.tags.changed"
	UserLocksChanged      Action = "user.locks.changed"
	UserKeypadsChanged    Action = "user.keypads.changed"
	UserWindowChanged     Action = "user.window.changed"
	UserDisabled          Action = "user.disabled"
	UserWishCancelled     Action = "user.wish.cancelled"
	UserWishExpired       Action = "user.wish.expired"
	UserWishHeld          Action = "user.wish.held"
	UserSent              Action = "user.sent"
	UserReported          Action = "user.reported"
	UserWishConfirmed     Action = "user.wish.confirmed"
	UserSettled           Action = "user.settled"
	UserRefused           Action = "user.refused"
	UserUnsure            Action = "user.unsure"
	UserDriftFound        Action = "user.drift.found"
	UserDriftAdopted      Action = "user.drift.adopted"
	UserUnmanagedFound    Action = "user.unmanaged.found"
	UserAdopted           Action = "user.adopted"
	UserCleared           Action = "user.cleared"
	UserRemovalBlocked    Action = "user.removal.blocked"
	UserOverprovisioned   Action = "user.overprovisioned"
	UserCodeOffered       Action = "user.code.offered" // to its holder, who has not seen it
	UserOfferEnded        Action = "user.offer.ended"  // and nobody can see it any more
)

// Accounts and their links to panel users.
const (
	AccountAssigned          Action = "account.assigned"
	AccountUnassigned        Action = "account.unassigned"
	AccountCreated           Action = "account.created"
	AccountConfirmed         Action = "account.confirmed"
	AccountSuspended         Action = "account.suspended"
	AccountEnabled           Action = "account.enabled"
	AccountRemoved           Action = "account.removed"
	AccountPasswordResetSent Action = "account.password.reset.sent"
	AccountRoleChanged       Action = "account.role.changed"

	AccountChanged          Action = "account.changed"
	AccountContactChanged   Action = "account.contact.changed"
	AccountRevoked          Action = "account.revoked"
	AccountUnrevoked        Action = "account.unrevoked"
	AccountUnlocked         Action = "account.unlocked"
	AccountValidityChanged  Action = "account.validity.changed"
	AccountRightsLent       Action = "account.rights.lent"
	AccountRightsTakenBack  Action = "account.rights.taken.back"
	AccountPhotoChanged     Action = "account.photo.changed"
	AccountAttributeChanged Action = "account.attribute.changed"
	AccountAttributeRead    Action = "account.attribute.read"
	AccountErasureAsked     Action = "account.erasure.asked"
	AccountErasureCancelled Action = "account.erasure.cancelled"
	AccountErased           Action = "account.erased"
	AccountHeld             Action = "account.held"
	AccountUnheld           Action = "account.unheld"
	ApprovalAsked           Action = "approval.asked"
	ApprovalGiven           Action = "approval.given"
	// AccountConsentGiven: others may set an owner's codes for a time.
	AccountConsentGiven     Action = "account.consent.given"
	AccountConsentWithdrawn Action = "account.consent.withdrawn"
	// AccountInstallerDecided: an installer was accepted or rejected at a site.
	AccountInstallerDecided     Action = "account.installer.decided"
	AccountRegistrationRejected Action = "account.registration.rejected"
	ProfileChanged              Action = "profile.changed"
)

// Panels.
const (
	PanelRegistered    Action = "panel.registered"
	PanelTested        Action = "panel.tested"
	PanelChanged       Action = "panel.changed"
	PanelMoved         Action = "panel.moved"
	PanelReplaced      Action = "panel.replaced"
	PanelOutOfService  Action = "panel.outofservice"
	PanelRetired       Action = "panel.retired"
	PanelParked        Action = "panel.parked"
	PanelResumed       Action = "panel.resumed"
	PanelBaseline      Action = "panel.baseline"
	PanelSecretChanged Action = "panel.secret.changed"
	PanelPairingBegun  Action = "panel.pairing.begun"
	PanelPairingShown  Action = "panel.pairing.shown"
	PanelPairingEnded  Action = "panel.pairing.ended"
	PanelPaired        Action = "panel.paired"
)

// Refusals, the log itself, imports, and the system.
const (
	CodeRefused      Action = "code.refused"
	AccessDenied     Action = "access.denied"
	OperationRefused Action = "operation.refused"
	LogRead          Action = "log.read"
	LogExported      Action = "log.exported"
	LogCheckpoint    Action = "log.checkpoint"
	ImportStarted    Action = "import.started"
	ImportDone       Action = "import.done"
	ImportRowRefused Action = "import.row.refused"
	StoreQuarantined Action = "store.quarantined"
	StoreReleased    Action = "store.released"
	KeysRotated      Action = "keys.rotated"
	RoleChanged      Action = "role.changed"
	SiteChanged      Action = "site.changed"
	RepairDone       Action = "repair"
	ReviewSigned     Action = "review.signed"
)

// Signing in.
const (
	SignInDone      Action = "signin.done"
	SignInChallenge Action = "signin.challenge"
	SignInRefused   Action = "signin.refused"
	SignInStepUp    Action = "signin.stepup"
	SessionEnded    Action = "signin.ended"
	PasswordSet     Action = "account.password.set"
	FactorAdded     Action = "account.factor.added"
	FactorRemoved   Action = "account.factor.removed"
	FactorRequired  Action = "account.factor.required"
	DeviceForgotten Action = "account.device.forgotten"
	DeviceEnrolled  Action = "account.device.enrolled"
	ProviderBound   Action = "account.provider.bound"
	ProviderUnbound Action = "account.provider.unbound"
	DeviceEnded     Action = "account.device.ended"
	TokenIssued     Action = "account.token.issued"
	TokenEnded      Action = "account.token.ended"
)

// Doors. What concerns duress is in the restricted log alone.
const (
	DoorDecided        Action = "door.decided"
	DoorGuessing       Action = "door.guessing"
	DoorJournalRefused Action = "door.journal.refused"
	DoorLocked         Action = "door.locked"
	DoorReaderChanged  Action = "door.reader.changed"
	// DoorSiteKeyShown: an operator was shown the key under which a site's edges know codes.
	DoorSiteKeyShown   Action = "door.site.key.shown"
	DuressAcknowledged Action = "duress.acknowledged"
	DuressBlind        Action = "duress.blind"
	DuressDelivered    Action = "duress.delivered"
	DuressFailed       Action = "duress.failed"
	DuressRaised       Action = "duress.raised"
)

// Credentials of persons, and where they let in.
const (
	AccessGroupChanged Action = "access.group.changed"
	AccessPointChanged Action = "access.point.changed"
	AccessRuleChanged  Action = "access.rule.changed"
	AccountEnded       Action = "account.ended"
	AccountEndLifted   Action = "account.end.lifted"
	CredentialChanged  Action = "credential.changed" //nolint:gosec // the code of an action
	// CredentialHandedOver: its holder has seen a code that was drawn.
	CredentialHandedOver Action = "credential.handed.over" //nolint:gosec // the code of an action
	SweepFound           Action = "sweep.found"
)
