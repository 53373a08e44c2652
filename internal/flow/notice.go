package flow

import (
	"encoding/json"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// lookAgain is how often a notice that its profile holds back is looked at: a change of the
// profile acts on it that soon.
const lookAgain = 15 * time.Minute

// Notice is a message about what happened. It carries no secret, and it goes by the
// notification profile of whom it is for: when it is sent, not when it is posted, so that a
// change of the profile acts on what waits.
type Notice struct {
	Account string
	Channel Channel
	To      string // the address, number or registration
	Title   string
	Text    string
	Until   time.Time // then it is old news
}

// PostNotice puts a notice into the decision. It returns the message's id.
func (u *Unit) PostNotice(n Notice) (string, error) {
	id := NewID()
	plain, err := json.Marshal(parts{To: n.To, Title: n.Title, Text: n.Text})
	if err != nil {
		return "", err
	}
	sealed, err := u.core.Keys.Seal(letterBinding(id), plain)
	if err != nil {
		return "", err
	}
	u.Do(store.Mark{Line: NoticeLane + id})
	return id, Put(u, rec.Posts, id, &rec.Post{Account: n.Account, Channel: string(n.Channel), Expires: n.Until, Notice: true, Parts: sealed,
		Posted: u.now, State: rec.PostQueued})
}

// channels are the channels as a profile names them.
var channels = map[Channel]accounts.Channel{Mail: accounts.EmailChannel, SMS: accounts.SMSChannel, Push: accounts.PushChannel}

// Reach decides whether an account may be notified by a channel now. It reads the account
// and its profile, and the commit rests on both.
func (u *Unit) Reach(account string, c Channel) (accounts.Account, accounts.Notify, error) {
	a, found, err := Load(u, rec.Accounts, account)
	if err != nil || !found {
		return a, accounts.Notify{Cause: accounts.ErrAccountNotFound}, err
	}
	var profile *accounts.Profile
	if a.Profile != "" {
		p, found, err := Load(u, rec.Profiles, a.Profile)
		if err != nil {
			return a, accounts.Notify{}, err
		}
		if found {
			profile = &p
		}
	}
	n, err := a.Notify(profile, channels[c], u.now)
	return a, n, err
}

// held says of a notice until when its profile holds it back, and why it is not to be sent
// any more; neither if it goes now.
func (d *delivery) held(u *Unit, post rec.Post) (until time.Time, why string, err error) {
	a, n, err := u.Reach(post.Account, Channel(post.Channel))
	switch {
	case err != nil || n.Now:
		if err == nil && d.to != "" && moved(a, Channel(post.Channel), d.to) {
			why = "the address was changed"
		}
		return time.Time{}, why, err
	case n.Next.IsZero() || !n.Next.Before(post.Expires):
		return time.Time{}, Reason(n.Cause), nil
	}
	return earlier(n.Next, u.now.Add(lookAgain)), "", nil
}

// moved reports whether an account has another address by now.
func moved(a accounts.Account, c Channel, to string) bool {
	return c == Mail && a.Email.String() != to || c == SMS && a.Phone != to
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
