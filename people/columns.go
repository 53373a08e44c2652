package people

// Column is a column of the list of accounts.
type Column string

// The columns.
const (
	ColumnID       Column = "ID"
	ColumnUsername Column = "Username"
	ColumnEmail    Column = "Email"
	ColumnSMS      Column = "SMS" // the phone number
	ColumnRoles    Column = "Roles"
	ColumnEnabled  Column = "Enabled"
)

// Columns are the columns of the list of accounts, in their order.
func Columns() []Column {
	return []Column{ColumnID, ColumnUsername, ColumnEmail, ColumnSMS, ColumnRoles, ColumnEnabled}
}

// Cells is what stands under [Columns] in the row of an account. It is personal.
func (a Account) Cells() []string {
	enabled := "no"
	if a.Suspended.At.IsZero() {
		enabled = "yes"
	}
	return []string{string(a.ID), a.Username, a.Email.String(), a.Phone, a.RolesText(), enabled}
}

// ListAction is something that the list of accounts offers.
type ListAction string

// What the list offers. Nothing is removed from the list: who leaves is disabled or
// revoked by editing the account, or removed there with a confirmation.
const (
	ListAdd    ListAction = "Add"    // [Operator.Create]
	ListEdit   ListAction = "Edit"   // [Operator.Account], and the acts on one
	ListReload ListAction = "Reload" // [Operator.Accounts]: nothing of a list is kept
)

// ListActions are what the list of accounts offers, in order.
func ListActions() []ListAction { return []ListAction{ListAdd, ListEdit, ListReload} }
