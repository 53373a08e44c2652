package rec

import (
	"strings"
	"sync"
	"time"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// RotationID is the id of the one record of its kind: the rotation of the store's keys,
// the last one when none goes on.
const RotationID = "rotation"

// Writer is what a node says of its keyring. It is quiet; a node counts until Until.
type Writer struct {
	Epoch uint64    `json:"epoch"`
	Keys  []string  `json:"keys"`
	Node  string    `json:"node"`
	Until time.Time `json:"until"`
}

// ByWriter lists the nodes that write.
const ByWriter = "writer"

// The kinds of records about the rotation of keys.
var (
	Rotations = Kind[credentials.Rotation]{known: sync.OnceValue(fields[credentials.Rotation]), Name: "rotation", Schema: 1, Secure: true}
	Writers   = Kind[Writer]{known: sync.OnceValue(fields[Writer]), Name: store.Touch, Schema: 1, Terms: func(_ string, w *Writer) []store.Term {
		return []store.Term{{Name: ByWriter, Value: cut(w.Node)}}
	}}
)

// KeyedKinds lists the kinds whose records may carry names or sealed values: all that an
// old key has to be looked for in. A new kind belongs here unless it carries neither.
func KeyedKinds() []store.Kind {
	return []store.Kind{Accounts.Name, Addresses.Name, Alarms.Name, Approvals.Name, AttributeLists.Name, Credentials.Name, Erasures.Name, Logins.Name, OneTimes.Name,
		Panels.Name, Points.Name, Projections.Name, Readers.Name, Salts.Name, Users.Name,
		store.Attempt, store.Cursor, store.Sent, store.Session, store.Touch, store.Watermark}
}

// UserBinding is what a code or a tag of a panel user is bound to.
func UserBinding(user, kind string, generation uint64) credentials.Binding {
	return credentials.Binding{Owner: "user/" + user, Kind: kind, Generation: generation}
}

// The kinds of [UserBinding].
const (
	CodeSealed = "code"
	TagSealed  = "tag"
)

// SecretBinding binds a panel's secret to where it may be sent.
func SecretBinding(panelID string, generation uint64, route, key, addr, ident string) credentials.Binding {
	return credentials.Binding{Owner: strings.Join([]string{"panel", panelID, route, key, addr, ident}, "\x00"), Kind: "secret", Generation: generation}
}

// JournalBinding is what the key of a reader's journal is bound to.
func JournalBinding(reader string) credentials.Binding {
	return credentials.Binding{Owner: "reader/" + reader, Kind: "journal", Generation: 1}
}

// FaceAttribute is the secret attribute in which the embedding of a face is kept.
const FaceAttribute = "facial_recognition_embedding"

// AttributeBinding is what a secret attribute of an account is bound to. The embedding of
// a face, which only its own operation reads, is bound in another way.
func AttributeBinding(account, name string) credentials.Binding {
	b := credentials.Binding{Owner: "account/" + account, Kind: "attribute/" + name}
	if name == FaceAttribute {
		b.Kind = "face"
	}
	return b
}

// AppBinding is what the secret of an owner's authenticator is bound to.
func AppBinding(account string, generation uint64) credentials.Binding {
	return credentials.Binding{Owner: "login/" + account, Kind: "authenticator", Generation: generation}
}
