package qolsyssim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	userURI    = "content://com.qolsys.qolsysprovider.UserContentProvider/user"
	settingURI = "content://com.qolsys.qolsysprovider.QolsysSettingsProvider/qolsyssettings"
	partURI    = "content://com.qolsys.qolsysprovider.PartitionContentProvider/partition"
)

type object = map[string]any

// android writes JSON as the panel does: slashes are escaped.
func android(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return bytes.ReplaceAll(b, []byte("/"), []byte(`\/`))
}

// userRow is a user as a row of text. The caller holds p.mu.
func (p *Panel) userRow(id int, u *user) object {
	var parts strings.Builder
	for _, n := range slices.Backward(u.parts.Numbers()) {
		parts.WriteString(strconv.Itoa(n - 1))
	}
	first, last := u.label, ""
	if p.quirks[LastNames] {
		first, last, _ = strings.Cut(u.label, " ")
	}
	expiry := "unlimited"
	if p.quirks[YearForEver] {
		expiry = "4102513314000"
	}
	if !u.window.Until.IsZero() {
		expiry = strconv.FormatInt(u.window.Until.UnixMilli(), 10)
	}
	r := object{
		"_id": strconv.Itoa(u.row), "version": "0", "opr": "0", "partition_id": parts.String(),
		"username": first, "lastname": last, "userPin": cipher(u.code), "expirydate": expiry, "usertype": string(u.role),
		"userid": strconv.Itoa(id), "check_in": "N", "hash_user": "0", "updated_date": "", "updated_by": "1",
		"created_date": "", "created_by": "1", "user_permissions": "All", "door_locks": "[]",
		"active_duration_type": "Permanent", "active": "true", "start_date": "unlimited", "tag_flag": "",
		"check_in_time": "", "user_feature1": "", "user_feature2": "",
	}
	if p.quirks[PlainValues] {
		r["userid"], r["active"], r["_id"], r["lastname"] = id, true, u.row, any(last)
		r["new_column"], r["newer_column"] = object{"a": []int{1, 2}}, nil
	}
	return r
}

// tables is every table. The caller holds p.mu.
func (p *Panel) tables() []object {
	users := []object{}
	for _, id := range p.memory.ids() {
		users = append(users, p.userRow(id, p.memory.users[id]))
	}
	if p.quirks[EmptyRows] {
		for id, u := range p.memory.left {
			r := p.userRow(id, u)
			r["userPin"], r["username"], r["active"] = "", "", "false"
			users = append(users, r)
		}
	}
	var parts []object
	for n := range partitions {
		parts = append(parts, object{"_id": strconv.Itoa(n + 1), "partition_id": strconv.Itoa(n), "name": fmt.Sprintf("partition%d", n+1)})
	}
	settings := []object{
		{"_id": "1", "name": "DEALER_CODE", "value": p.memory.users[242].code, "partition_id": "0"},
		{"_id": "2", "name": "PARTITIONS", "value": "true", "partition_id": "0"},
		{"_id": "3", "name": "SECURE_ARMING", "value": "false", "partition_id": "0"},
	}
	if !p.quirks[NoCodeLength] {
		settings = append(settings, object{"_id": "4", "name": "SIX_DIGIT_USER_CODE", "value": p.sixDigits(), "partition_id": "0"})
	}
	return []object{
		{"uri": partURI, "resultSet": parts},
		{"uri": settingURI, "resultSet": settings},
		{"uri": userURI, "resultSet": users},
		{"uri": "content://com.qolsys.qolsysprovider.HistoryContentProvider/history", "resultSet": []object{{"_id": "1", "userid": "2"}}},
	}
}

// sixDigits is the setting's value. The caller holds p.mu.
func (p *Panel) sixDigits() string {
	six := p.memory.digits == 6
	if p.quirks[NumbersForWords] {
		return map[bool]string{true: "1", false: "0"}[six]
	}
	return strconv.FormatBool(six)
}

// change is a notice in the dialect of this panel. The caller holds p.mu.
func (p *Panel) change(operation, uri, selection string, arguments []string, values object) []byte {
	p.count++
	var args any = "[" + strings.Join(arguments, ", ") + "]"
	if p.quirks[Arrays] {
		args = arguments
	}
	inner := object{
		"eventName": "dbChanged", "dbOperation": operation, "uri": uri, "tcc": p.count,
		"selection": selection, "selectionArgs": args, "contentValues": values,
	}
	if p.quirks[Arrays] {
		inner["uuid"] = fmt.Sprintf("%08x", p.count)
	}
	return android(object{
		"eventName": "dbChanged", "dbOperation": operation, "uri": uri,
		"changedUri": uri + "/" + operation + "/:" + string(android(inner)),
		"selection":  selection, "selectionArgs": args, "contentValues": values,
	})
}

// tell publishes that a user was added, changed or removed. The caller holds p.mu.
func (p *Panel) tell(operation string, id int) {
	if operation == "update" && p.quirks[DeleteInsert] {
		p.tell("delete", id)
		p.tell("insert", id)
		return
	}
	values := object{}
	if u := p.memory.users[id]; u != nil {
		values = p.userRow(id, u)
	}
	selection, args := "userid=?", []string{strconv.Itoa(id)}
	switch {
	case operation == "insert":
		selection, args = "", []string{}
	case p.quirks[RowIDs]:
		selection, args = "_id=?", []string{"7"}
	}
	if p.quirks[RowIDs] {
		delete(values, "userid")
	}
	if p.quirks[Mismatch] {
		args = append(args, "2", "3")
	}
	b := p.change(operation, userURI, selection, args, values)
	if p.quirks[TruncatedFeed] {
		b = b[:len(b)/2]
	}
	p.publish("iq2meid", b)
}

// tellSetting publishes the code length. The caller holds p.mu.
func (p *Panel) tellSetting(digits int) {
	p.memory.digits = digits
	p.publish("iq2meid", p.change("update", settingURI, "name=? AND partition_id=?", []string{"SIX_DIGIT_USER_CODE", "0"},
		object{"value": p.sixDigits()}))
}
