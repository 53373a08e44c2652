package export_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/examples/export"
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/people"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
	"github.com/seed-a2d3eaca/keyholder/store/storetest"
)

// emails are of people; a spreadsheet would take one for a formula and cut another.
var emails = []string{"+49.0@example.com", "0042@example.com", "cleaner@example.com"}

// office has some people; full is whether its log takes no entry any more.
func office(t testing.TB, full *bool) (*journal.Reader, store.Store) {
	t.Helper()
	st := storetest.Faulty(memstore.Open(), func(c storetest.Call) storetest.Fault {
		if *full && len(c.Change.Entries) > 0 {
			return storetest.Fail
		}
		return storetest.Pass
	})
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	signer, err := audit.GenerateKey("example.com/export")
	require.NoError(t, err)
	rights := accounts.StaticAuthority{"auditor": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	auditor := accounts.HostActor("auditor", "", "cli").Vouched(time.Now())
	service, err := people.New(people.Options{Store: st, Keys: keys, Authority: rights})
	require.NoError(t, err)
	for _, e := range emails {
		email, err := accounts.ParseEmail(e)
		require.NoError(t, err)
		_, err = service.As(auditor).CreateConfirmed(t.Context(), people.NewAccount{Email: email, Sites: accounts.TheseSites("house")})
		require.NoError(t, err)
	}
	log, err := journal.New(journal.Options{Store: st, Keys: keys, Authority: rights, Signer: signer})
	require.NoError(t, err)
	return log.As(auditor), st
}

// once is a writer that asks something before it takes the first byte.
type once struct {
	bytes.Buffer
	ask func()
}

func (o *once) Write(b []byte) (int, error) {
	if o.Len() == 0 {
		o.ask()
	}
	return o.Buffer.Write(b)
}

func exported(t testing.TB, st store.Store) int {
	t.Helper()
	es, err := st.Entries(t.Context(), store.EntryQuery{Actions: []string{string(audit.LogExported)}})
	require.NoError(t, err)
	return len(es)
}

// A review leaves as a file that only its recipient reads, after the log has said so;
// zeros and formulas in it come back as they were.
//
// Rules: R259
func TestAnExportIsForItsRecipientAlone(t *testing.T) {
	var full bool
	reader, st := office(t, &full)
	own, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	for n, format := range []journal.Format{journal.CSV, journal.JSON} {
		var file once
		file.ask = func() { require.Equal(t, n+1, exported(t, st), "the entry comes first") }
		require.NoError(t, export.Review(t.Context(), &file, reader, own.Recipient().String(), journal.ReviewQuery{}, journal.ReportOptions{Format: format, Personal: true}))
		require.Contains(t, file.String(), "age-encryption.org/v1")
		require.NotContains(t, file.String(), "example.com")

		stranger, err := age.GenerateX25519Identity()
		require.NoError(t, err)
		_, err = age.Decrypt(bytes.NewReader(file.Bytes()), stranger)
		require.Error(t, err)
		plain, err := age.Decrypt(bytes.NewReader(file.Bytes()), own)
		require.NoError(t, err)
		text, err := io.ReadAll(plain)
		require.NoError(t, err)
		require.ElementsMatch(t, emails, persons(t, format, text))

		cut, err := age.Decrypt(bytes.NewReader(file.Bytes()[:file.Len()-1]), own)
		if err == nil {
			_, err = io.ReadAll(cut)
		}
		require.Error(t, err, "a file that ends early says so")
	}
}

// persons are those whom a review names.
func persons(t testing.TB, format journal.Format, text []byte) (out []string) {
	t.Helper()
	if format == journal.CSV {
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		require.NoError(t, err)
		require.Contains(t, string(text), "'+49.0@example.com", "guarded against spreadsheets")
		for _, row := range rows[1:] {
			out = append(out, journal.FromCell(row[2]))
		}
		return out
	}
	for in := json.NewDecoder(bytes.NewReader(text)); ; {
		var row journal.Reviewed
		if err := in.Decode(&row); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			require.NoError(t, err)
		}
		if row.Person != "" {
			out = append(out, row.Person)
		}
	}
}

// What the log cannot say does not happen: not a byte is written.
//
// Rules: R259
func TestNothingLeavesWithoutAnEntry(t *testing.T) {
	var full bool
	reader, _ := office(t, &full)
	own, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	full = true
	var file bytes.Buffer
	require.Error(t, export.Review(t.Context(), &file, reader, own.Recipient().String(), journal.ReviewQuery{}, journal.ReportOptions{Format: journal.CSV}))
	require.Zero(t, file.Len())
	require.Error(t, export.Review(t.Context(), &file, reader, "age1nobody", journal.ReviewQuery{}, journal.ReportOptions{Format: journal.CSV}))
}

// must ends an example that cannot go on.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A review is sent to an auditor, who gave the recipient's key and has the other half.
func ExampleReview() {
	ctx := context.Background()
	st := memstore.Open()
	keys := must(credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{}))
	log := must(journal.New(journal.Options{Store: st, Keys: keys, Signer: must(audit.GenerateKey("example.com/export")), Authority: accounts.StaticAuthority{
		"auditor": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()},
	}}))
	identity := must(age.GenerateX25519Identity())

	var file bytes.Buffer
	reader := log.As(accounts.HostActor("auditor", "", "cli").Vouched(time.Now()))
	if err := export.Review(ctx, &file, reader, identity.Recipient().String(), journal.ReviewQuery{}, journal.ReportOptions{Format: journal.CSV}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", must(io.ReadAll(must(age.Decrypt(&file, identity)))))
	// Output: look,account,person,roles,since,sites,status,signed in,panel,place,label
}
