package door_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/door"
	"github.com/seed-a2d3eaca/keyholder/internal/flow"
	"github.com/seed-a2d3eaca/keyholder/internal/rec"
	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// exampleDoor is a service over a store, with one reader at the point "front" of the site
// "north" and somebody who enters there with 2580.
func exampleDoor(ctx context.Context) (*door.Service, store.Store, *door.Operator, door.ReaderKey) {
	fleet := memstore.New()
	main, _ := fleet.Tenant("main")
	restricted, _ := fleet.Tenant("restricted")
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	if err != nil {
		log.Fatal(err)
	}
	staff := accounts.StaticAuthority{"operator": {Enabled: true, Rights: accounts.AllRights(), Sites: accounts.AllSites()}}
	s, err := door.New(door.Options{Store: main, Restricted: restricted, Keys: keys, Authority: staff})
	if err != nil {
		log.Fatal(err)
	}
	core := flow.Core{Store: main, Keys: keys}
	if _, err := core.Act(ctx, accounts.SystemActor("example"), func(u *flow.Unit) error {
		if _, err := u.Say(audit.SiteChanged, audit.Success, []string{"front"}); err != nil {
			return err
		}
		rule := rec.Rule{ID: "staff", Site: "north", Points: []string{"front"}, Who: []credentials.Subject{{Kind: "role", ID: "staff"}}}
		return errors.Join(flow.Put(u, rec.Points, "front", &rec.Point{Point: credentials.Point{ID: "front", Site: "north"}}),
			flow.Put(u, rec.Rules, rule.ID, &rule), examplePerson(u, keys))
	}); err != nil {
		log.Fatal(err)
	}
	op := s.As(accounts.HostActor("operator", "The operator", "example").Vouched(time.Now()))
	key, err := op.AddReader(ctx, door.NewReader{Site: "north", Name: "front door", Points: map[string]door.Outage{"front": door.OutageCached}})
	if err != nil {
		log.Fatal(err)
	}
	return s, main, op, key
}

// examplePerson is somebody of the staff who has had a PIN for a day.
func examplePerson(u *flow.Unit, keys credentials.Keyring) error {
	code, _ := credentials.ParseCode("2580")
	id, yesterday := rec.CredentialID("cleaner", rec.PIN, 0), u.Now().Add(-24*time.Hour)
	names, err := credentials.Names(keys, credentials.Scope{Kind: credentials.TenantScope}, credentials.CodeMaterial(code))
	if err != nil {
		return err
	}
	sealed, err := credentials.SealCode(keys, rec.CredentialBinding("cleaner", rec.PIN, 1), code)
	for _, name := range names {
		u.Do(store.Claim{Name: store.Name(name), Holder: "cleaner", Use: id})
	}
	return errors.Join(err, flow.Put(u, rec.Accounts, "cleaner", &accounts.Account{ID: "cleaner", Roles: []string{"staff"}, Sites: accounts.AllSites(), Created: yesterday, Confirmed: yesterday}),
		flow.Put(u, rec.Credentials, id, &rec.Credential{Account: "cleaner", Kind: rec.PIN, Names: names, Generation: 1, Len: 4, Sealed: sealed, Created: yesterday, Changed: yesterday}))
}

func ExampleNew() {
	ctx := context.Background()
	s, _, _, key := exampleDoor(ctx)
	code, _ := credentials.ParseCode("7391")
	a, err := s.Decide(ctx, door.ByKey(key), door.Entry{Point: "front", Shown: door.Shown{Medium: credentials.Keypad, Code: code}})
	fmt.Println(a.Granted, a.Reason, err)
	fmt.Println(key)
	// Output:
	// false unknown <nil>
	// [redacted]
}

// line is the host's client of the server.
type line struct {
	door.Center
	cut bool
}

func (l *line) Decide(ctx context.Context, p door.Proof, e door.Entry) (door.Answer, error) {
	if l.cut {
		return door.Answer{}, errors.New("the line is cut")
	}
	return l.Center.Decide(ctx, p, e)
}

// An edge is provisioned with its reader's key and its site's, told who may enter, decides
// during an outage, and hands over what it decided.
func ExampleOpenEdge() {
	ctx := context.Background()
	s, main, op, key := exampleDoor(ctx)
	site, err := op.SiteKey(ctx, "north")
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "edge")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	l := &line{Center: s}
	e, err := door.OpenEdge(l, door.EdgeOptions{Key: key, SiteKeys: []credentials.SiteKey{site}, Journal: filepath.Join(dir, "journal")})
	if err != nil {
		log.Print(err)
		return
	}
	defer func() { _ = e.Close() }()
	fmt.Println("told:", e.Refresh(ctx)) // engine.Run does it, over e.Loops()

	code, _ := credentials.ParseCode("2580")
	entry := door.Entry{Point: "front", Shown: door.Shown{Medium: credentials.Keypad, Code: code}}
	for _, l.cut = range []bool{false, true} {
		a, err := e.Decide(ctx, entry)
		fmt.Println("cut:", l.cut, "granted:", a.Granted, err)
	}
	l.cut = false
	fmt.Println("handed over:", e.Refresh(ctx), e.Health().Problems)
	all, err := main.Entries(ctx, store.EntryQuery{})
	if err != nil {
		log.Print(err)
		return
	}
	for _, one := range all {
		if entry, err := audit.Decode(one.Body); err == nil && entry.Action == audit.DoorDecided {
			fmt.Println(entry.Action, entry.Value(audit.FieldReason), "late:", entry.Value(audit.FieldLate) == "true")
		}
	}
	// Output:
	// told: <nil>
	// cut: false granted: true <nil>
	// cut: true granted: true <nil>
	// handed over: <nil> []
	// door.decided granted late: false
	// door.decided granted late: true
}
