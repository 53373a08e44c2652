package iqremote

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// User is a row of the user table.
type User struct {
	ID   int    // the panel's number of the user, from 1
	Name string // first and last name
	Type string // Master, User, Guest, Installer or Dealer, as the panel writes it
	// Mark is equal while the cipher text of the code is; nil: there is no code. It is a
	// digest, so that the cipher text goes nowhere.
	Mark []byte
	// Known are the fields of panel.FieldPartitions, FieldFrom and FieldUntil that could
	// be read; the others mean nothing.
	Known      panel.Field
	Partitions panel.Partitions
	Window     panel.Window
}

// row is the part of a user's columns that is read.
type row struct {
	ID         text `json:"userid"`
	Name       text `json:"username"`
	LastName   text `json:"lastname"`
	Type       text `json:"usertype"`
	Cipher     text `json:"userPin"`
	Partitions text `json:"partition_id"`
	Start      text `json:"start_date"`
	Expiry     text `json:"expirydate"`
}

// maxID bounds user numbers: the largest panel has 1000 users.
const maxID = 9999

func (r row) user() (User, error) {
	id, err := strconv.Atoi(string(r.ID))
	if err != nil || id < 1 || id > maxID {
		return User{}, ErrForm
	}
	u := User{ID: id, Name: strings.Join(strings.Fields(string(r.Name+" "+r.LastName)), " "), Type: string(r.Type)}
	if cipher := strings.ToUpper(string(r.Cipher)); cipher != "" {
		sum := sha256.Sum256([]byte(cipher))
		u.Mark = sum[:16]
	}
	note := func(f panel.Field, ok bool) {
		if ok {
			u.Known |= f
		}
	}
	var ok bool
	u.Partitions, ok = partitions(string(r.Partitions))
	note(panel.FieldPartitions, ok)
	u.Window.From, ok = instant(string(r.Start))
	note(panel.FieldFrom, ok)
	u.Window.Until, ok = instant(string(r.Expiry))
	note(panel.FieldUntil, ok)
	return u, nil
}

// partitions reads digits 0 to 3 without anything between, in any order.
func partitions(s string) (panel.Partitions, bool) {
	var p panel.Partitions
	for _, c := range s {
		if c < '0' || c > '3' {
			return 0, false
		}
		p |= panel.PartitionsOf(int(c-'0') + 1)
	}
	return p, p != 0
}

// farFuture is when "for ever" begins: a panel writes an instant of the year 2100 for it.
const farFuture = 4_102_444_800_000

// instant reads milliseconds since 1970; "unlimited", nothing and the year 2100 are the
// zero time.
func instant(s string) (time.Time, bool) {
	if s == "" || s == "unlimited" {
		return time.Time{}, true
	}
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms <= 0 {
		return time.Time{}, false
	}
	if ms >= farFuture {
		return time.Time{}, true
	}
	return time.UnixMilli(ms).UTC().Truncate(time.Second), true
}
