package audit

// Names of fields. A name has one class wherever it is used; "x.before" is what x was
// before the entry, "x" is what it is from then on.
const (
	FieldActorKind = "actor.kind" // public
	FieldActorID   = "actor.id"   // public
	FieldActorName = "actor.name" // personal
	FieldApprover  = "approver"   // public: id of the second person, where one is needed
	FieldReason    = "reason"     // public: words of an error or of a person, never a secret
	FieldRequest   = "request"    // public: the host's id of the request
	FieldSite      = "site"       // public: id
	FieldSource    = "source"     // personal: network address
	FieldVia       = "via"        // public

	FieldAttempts         = "attempts"          // public: tries on the wire
	FieldCode             = "code"              // secret
	FieldDeadline         = "deadline"          // public: RFC 3339
	FieldFields           = "fields"            // public: names of what changed, is wished or differs
	FieldFieldsRefused    = "fields.refused"    // public
	FieldFieldsUnsure     = "fields.unsure"     // public
	FieldFrom             = "from"              // public: RFC 3339
	FieldFromBefore       = "from.before"       // public
	FieldKeypads          = "keypads"           // public: ids
	FieldKeypadsBefore    = "keypads.before"    // public
	FieldLabel            = "label"             // personal
	FieldLabelBefore      = "label.before"      // personal
	FieldLocks            = "locks"             // public: ids
	FieldLocksBefore      = "locks.before"      // public
	FieldPartitions       = "partitions"        // public: numbers
	FieldPartitionsBefore = "partitions.before" // public
	FieldPlace            = "place"             // public: id on panels without slots
	FieldRevision         = "revision"          // public: the wish
	FieldRevoked          = "revoked"           // public
	FieldRevokedBefore    = "revoked.before"    // public
	FieldRole             = "role"              // public
	FieldRoleBefore       = "role.before"       // public
	FieldRoute            = "route"             // public
	FieldSight            = "sight"             // public: how much of the code the panel shows
	FieldSlot             = "slot"              // public
	FieldTags             = "tags"              // secret
	FieldTagsCount        = "tags.count"        // public
	FieldTagsCountBefore  = "tags.count.before" // public
	FieldTenancy          = "tenancy"           // public
	FieldUntil            = "until"             // public: RFC 3339
	FieldUntilBefore      = "until.before"      // public
	FieldUser             = "user"              // public: id of the panel user

	FieldAccount       = "account"        // public: id
	FieldEmail         = "email"          // personal
	FieldEmailBefore   = "email.before"   // personal
	FieldExpires       = "expires"        // public: RFC 3339
	FieldMessage       = "message"        // public: id of a posted message
	FieldName          = "name"           // personal
	FieldNameBefore    = "name.before"    // personal
	FieldOneTimeSecret = "onetime"        // secret
	FieldPassword      = "password"       // secret
	FieldPhone         = "phone"          // personal
	FieldSites         = "sites"          // public: ids
	FieldSitesBefore   = "sites.before"   // public
	FieldStatus        = "status"         // public
	FieldStatusBefore  = "status.before"  // public
	FieldUsername      = "username"       // personal
	FieldUnlinkedUsers = "unlinked.users" // public: how many panel users lost their account

	FieldAct           = "act"            // public: what is to be approved, word for word
	FieldAttribute     = "attribute"      // public: its name
	FieldProfile       = "profile"        // public: id of a notification profile
	FieldProfileBefore = "profile.before" // public

	FieldFirmware    = "firmware"     // public
	FieldIdent       = "ident"        // public: IMEI or integration id; equipment, not a person
	FieldIdentBefore = "ident.before" // public
	FieldMaker       = "maker"        // public
	FieldModel       = "model"        // public
	FieldPanel       = "panel"        // public: id
	FieldPanelBefore = "panel.before" // public: id
	FieldPanelSecret = "panel.secret" // secret: what opens the panel
	FieldPrint       = "print"        // public: SHA-256 of a certificate
	FieldSiteBefore  = "site.before"  // public: id
	FieldState       = "state"        // public
	FieldStateBefore = "state.before" // public
	FieldUsers       = "users"        // public: number of panel users

	FieldAccounts  = "accounts"  // public: number of distinct accounts
	FieldCount     = "count"     // public: how many were taken together
	FieldFirst     = "first"     // public: RFC 3339, first of them
	FieldLast      = "last"      // public: RFC 3339, last of them
	FieldOperation = "operation" // public: the operation that was asked for
	FieldRight     = "right"     // public: the right that was asked for

	FieldDevice  = "device"  // public: id of a remembered or an enrolled device
	FieldIssuer  = "issuer"  // public: of an identity provider
	FieldMethod  = "method"  // public: by which the owner was proven, or a code was sent
	FieldNetwork = "network" // public: of strangers, too wide to name anybody: IPv4 /24, IPv6 /56
	FieldSession = "session" // public: id of a sign-in
	FieldToken   = "token"   // public: id of an API token

	FieldAnchor       = "anchor"        // public
	FieldAnchoredSize = "anchored.size" // public
	FieldFilter       = "filter"        // public: what was asked for, ids only
	FieldOrigin       = "origin"        // public
	FieldRoot         = "root"          // public
	FieldSize         = "size"          // public

	FieldDecided  = "decided"  // public: RFC 3339, when a decision was made that is entered late
	FieldDecision = "decision" // public: id of a decision about a code that was typed
	FieldDuress   = "duress"   // personal: one size, whatever it says
	FieldLate     = "late"     // public: "true": it was decided during an outage
	FieldMedium   = "medium"   // public: how a credential was presented
	FieldPoint    = "point"    // public: id
	FieldReader   = "reader"   // public: id
	FieldRule     = "rule"     // public: id of the rule that let somebody in

	FieldAccepted = "accepted"  // public: rows
	FieldFileHash = "file.hash" // public: SHA-256
	FieldImport   = "import"    // public: id
	FieldRefused  = "refused"   // public: rows
	FieldRow      = "row"       // public: number of a row in a file, or key of a row in a store
	FieldRows     = "rows"      // public: number

	FieldEpoch        = "epoch"         // public
	FieldGeneration   = "generation"    // public
	FieldKey          = "key"           // public: id
	FieldKeyBefore    = "key.before"    // public
	FieldKeyKind      = "key.kind"      // public: "fingerprint", "seal", "log"
	FieldLines        = "lines"         // public: number, or names
	FieldRights       = "rights"        // public
	FieldRightsBefore = "rights.before" // public
	FieldSiteName     = "site.name"     // public
)

// classOf returns the class of a field by its name.
func classOf(name string) Class {
	switch name {
	case FieldCode, FieldTags, FieldOneTimeSecret, FieldPassword, FieldPanelSecret:
		return ClassSecret
	case FieldActorName, FieldSource, FieldLabel, FieldLabelBefore, FieldEmail, FieldEmailBefore,
		FieldName, FieldNameBefore, FieldPhone, FieldUsername, FieldDuress:
		return ClassPersonal
	}
	return ClassPublic
}
