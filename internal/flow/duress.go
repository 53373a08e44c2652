package flow

import (
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// SealDuress is the field in which the entry of every decision about a typed code says
// whether it was a duress code: one size, whatever it says, under a key that no reader of
// the log has.
func (c *Core) SealDuress(decision string, duress bool) (Field, error) {
	plain := []byte{0}
	if duress {
		plain[0] = 1
	}
	sealed, err := c.Keys.Seal(duressBinding(decision), plain)
	return Field{Name: audit.FieldDuress, Of: duressOf + sealed.KeyID, Sealed: sealed.Bytes}, err
}

// OpenDuress reads what SealDuress wrote. It is false for an entry of another kind.
func (c *Core) OpenDuress(e audit.Entry) (duress, found bool, err error) {
	f, found := e.Field(audit.FieldDuress)
	if !found || !strings.HasPrefix(f.KeyID, duressOf) {
		return false, false, nil
	}
	if c.Opener == nil {
		return false, true, ErrNoOpener
	}
	sealed := credentials.Sealed{KeyID: f.KeyID[len(duressOf):], Bytes: f.Sealed}
	plain, err := c.Opener.Open(duressBinding(e.Value(audit.FieldDecision)), sealed)
	return err == nil && plain[0] == 1, true, err
}

const duressOf = "duress/"

func duressBinding(decision string) credentials.Binding {
	return credentials.Binding{Owner: signalIDs + decision, Kind: "duress", Generation: 1}
}

// Signal is what every decision about a typed code leaves for whoever carries alarms into
// the restricted log: package door does.
type Signal struct {
	Decision string // its id
	At       time.Time
	Site     string
	Point    string // "" for a sign-in
	Reader   string // or the device on which somebody signs in
	// Alarm, Account and Action are sealed, and the sealed value has one size.
	Alarm   bool
	Account string
	Action  string
}

// DuressBlind is the action of a signal about a device that nobody listens to any more.
const DuressBlind = string(audit.DuressBlind)

// signalIDs is what the ids of signals begin with.
const signalIDs = "door/"

// signalText is how much of an account's id and of an action is kept.
const signalText = 128

// Signal puts a signal into the decision, alarm or not.
func (u *Unit) Signal(s Signal) error {
	plain := make([]byte, 1+2*(1+signalText))
	if s.Alarm {
		plain[0] = 1
	}
	for i, text := range []string{s.Account, s.Action} {
		at := 1 + i*(1+signalText)
		plain[at] = byte(copy(plain[at+1:at+1+signalText], text))
	}
	sealed, err := u.core.Keys.Seal(signalBinding(s.Decision), plain)
	if err != nil {
		return err
	}
	return Put(u, rec.Signals, signalIDs+s.Decision, &rec.Signal{At: s.At, Point: s.Point, Reader: s.Reader, Site: s.Site, Sealed: sealed})
}

// OpenSignal reads a stored signal.
func (c *Core) OpenSignal(r store.Record) (Signal, error) {
	v, _, err := rec.Signals.Decode(r)
	if err != nil {
		return Signal{}, err
	}
	s := Signal{Decision: strings.TrimPrefix(r.Key.ID, signalIDs), At: v.At, Site: v.Site, Point: v.Point, Reader: v.Reader}
	b, err := c.Opener.Open(signalBinding(s.Decision), v.Sealed)
	if err != nil {
		return s, err
	}
	if len(b) != 1+2*(1+signalText) || b[1] > signalText || b[1+1+signalText] > signalText {
		return s, credentials.ErrDecrypt
	}
	second := b[1+1+signalText:]
	s.Alarm = b[0] == 1
	s.Account = string(b[2 : 2+b[1]])
	s.Action = strings.ToValidUTF8(string(second[1:1+second[0]]), "")
	return s, nil
}

func signalBinding(decision string) credentials.Binding {
	return credentials.Binding{Owner: signalIDs + decision, Kind: "signal", Generation: 1}
}
