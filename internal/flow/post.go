package flow

import (
	"encoding/json"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// The lanes are what the names of messages' lines begin with: each service sends its own.
const (
	PeopleLane = "post/"
	SignInLane = "signinpost/"
	NoticeLane = "noticepost/"
)

// Channel is how a message goes.
type Channel string

// The channels.
const (
	Mail Channel = "mail"
	SMS  Channel = "sms"
	Push Channel = "push"
)

// Letter is a message before it is put into words.
type Letter struct {
	Purpose Purpose
	Channel Channel
	Name    string // of the person
	Secret  OneTime
	Expires time.Time
	Title   string // of a notice, with its Text
	Text    string
}

// Posting is a message that goes with a decision.
type Posting struct {
	Account string
	To      accounts.Email
	Phone   string // instead of To: by text message
	Lane    string // "": PeopleLane
	Name    string
	Secret  Issued
	PIN     uint64 // generation of the account's PIN that it is about: it does not go without it; 0: none
	Budget  string // a counter that gets its one back if the message never leaves; "" for none
}

// parts are what is sealed of a message.
type parts struct {
	To    string `json:"to"`
	Name  string `json:"name,omitempty"`
	Code  string `json:"code,omitempty"`  // or token
	Title string `json:"title,omitempty"` // of a notice
	Text  string `json:"text,omitempty"`
}

// Post puts a message into the decision: it is there if the commit is, and due at once.
// What varies in it is sealed until it is settled. It returns the message's id.
func (u *Unit) Post(p Posting) (string, error) {
	id := NewID()
	channel, to, lane := Mail, p.To.String(), PeopleLane
	if p.Phone != "" {
		channel, to = SMS, p.Phone
	}
	if p.Lane != "" {
		lane = p.Lane
	}
	plain, err := json.Marshal(parts{To: to, Name: p.Name, Code: p.Secret.Secret.Reveal()})
	if err != nil {
		return "", err
	}
	sealed, err := u.core.Keys.Seal(letterBinding(id), plain)
	if err != nil {
		return "", err
	}
	u.Do(store.Mark{Line: lane + id})
	return id, Put(u, rec.Posts, id, &rec.Post{Account: p.Account, Budget: p.Budget, Channel: string(channel), Expires: p.Secret.Expires, Parts: sealed,
		PIN: p.PIN, Posted: u.now, Purpose: string(p.Secret.Purpose), Secret: onceID(p.Secret.Purpose, p.Secret.Owner), Serial: p.Secret.Serial, State: rec.PostQueued})
}

// news is how long an owner is told of a change.
const news = 72 * time.Hour

// Tell puts into the decision a message that an account was changed. It carries no code and
// asks no profile. It returns the message's id.
func (u *Unit) Tell(what Purpose, lane string, a accounts.Account) (string, error) {
	return u.Post(Posting{Account: string(a.ID), To: a.Email, Lane: lane, Name: a.Name(), Secret: Issued{Purpose: what, Expires: u.now.Add(news)}})
}

func letterBinding(id string) credentials.Binding {
	return credentials.Binding{Owner: "post/" + id, Kind: "letter"}
}

// openLetter returns what is sealed of a message.
func openLetter(o credentials.Opener, id string, sealed credentials.Sealed) (parts, error) {
	var p parts
	plain, err := o.Open(letterBinding(id), sealed)
	if err != nil {
		return p, err
	}
	if json.Unmarshal(plain, &p) != nil || p.To == "" {
		return p, credentials.ErrDecrypt
	}
	return p, nil
}
