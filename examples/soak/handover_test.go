package soak

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/roster"
	"github.com/seed-a2d3eaca/keyholder/store"
)

// The copy of a code that waited for its holder, and the word by which it was collected, are
// in no byte of the files and of a fresh backup once it was collected, or came to nothing:
// not even sealed.
//
// Rules: G192, G213
func TestACodeThatWasHandedOverIsForgotten(t *testing.T) {
	w := begin(t, false)
	w.start()
	defer w.finish()
	require.True(t, w.settled())
	mail := &notifytest.Capture{}
	svc, err := people.New(people.Options{Store: w.store, Keys: w.keys, Mailer: mail, FirstTry: -1, Now: w.now,
		Authority: accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}})
	require.NoError(t, err)
	e, err := accounts.ParseEmail("owner@example.com")
	require.NoError(t, err)
	a, err := svc.As(accounts.HostActor("operator", "The operator", "test").Vouched(w.now())).CreateConfirmed(t.Context(),
		people.NewAccount{Email: e, Sites: accounts.TheseSites("house")})
	require.NoError(t, err)
	_, err = w.tab().SetCode(t.Context(), slot(4), roster.CodeWish{Code: w.code("6137")})
	require.NoError(t, err)
	require.True(t, w.settled())
	who, err := w.operator().Choose(t.Context(), a.ID)
	require.NoError(t, err)
	_, err = w.tab().Assign(t.Context(), slot(4), who)
	require.NoError(t, err)

	hand := func() (copied []byte, word panel.Secret) {
		_, _, err := w.tab().HandOver(t.Context(), slot(4), roster.CodeWish{}, roster.HandOver{Mail: true})
		require.NoError(t, err)
		require.NoError(t, svc.Work(t.Context()))
		sent := mail.Sent()
		for text := range strings.FieldsSeq(sent[len(sent)-1].Text) {
			if strings.HasPrefix(text, w.users[4]+".") {
				word = panel.SecretOf(text)
			}
		}
		require.True(t, w.settled())
		rs, err := w.store.Load(t.Context(), store.Key{Kind: "user", ID: w.users[4]})
		require.NoError(t, err)
		var user struct {
			Offer struct {
				Code struct{ Sealed credentials.Sealed }
			}
		}
		require.NoError(t, json.Unmarshal(rs[0].Body, &user))
		copied = user.Offer.Code.Sealed.Bytes
		require.Equal(t, 2, found(t, w.db, w.path, copied), "it is in the file and in the backup: this can tell")
		return copied, word
	}
	token := func(word panel.Secret) []byte { return []byte(word.Reveal()[len(w.users[4])+1:]) }
	copied, word := hand()
	code, err := svc.Collect(t.Context(), word)
	require.NoError(t, err)
	require.True(t, w.sim.Accepts(code.Reveal()))
	require.Zero(t, found(t, w.db, w.path, copied, token(word)), "it was collected")

	copied, word = hand()
	_, err = w.tab().Disable(t.Context(), slot(4))
	require.NoError(t, err)
	require.Zero(t, found(t, w.db, w.path, copied, token(word)), "it came to nothing")
}
