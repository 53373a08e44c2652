package door_test

import (
	"context"
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
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// exampleDoor is a service with one reader at the point "front" of the site "north".
func exampleDoor(ctx context.Context) (*door.Service, *door.Operator, door.ReaderKey) {
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
		return flow.Put(u, rec.Points, "front", &rec.Point{Point: credentials.Point{ID: "front", Site: "north"}})
	}); err != nil {
		log.Fatal(err)
	}
	op := s.As(accounts.HostActor("operator", "The operator", "example").Vouched(time.Now()))
	key, err := op.AddReader(ctx, door.NewReader{Site: "north", Name: "front door", Points: map[string]door.Outage{"front": door.OutageCached}})
	if err != nil {
		log.Fatal(err)
	}
	return s, op, key
}

func ExampleNew() {
	ctx := context.Background()
	s, _, key := exampleDoor(ctx)
	code, _ := credentials.ParseCode("2580")
	a, err := s.Decide(ctx, door.ByKey(key), door.Entry{Point: "front", Shown: door.Shown{Medium: credentials.Keypad, Code: code}})
	fmt.Println(a.Granted, a.Reason, err)
	fmt.Println(key)
	// Output:
	// false unknown <nil>
	// [redacted]
}

func ExampleOpenEdge() {
	ctx := context.Background()
	s, op, key := exampleDoor(ctx)
	dir, err := os.MkdirTemp("", "edge")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	site, err := op.SiteKey(ctx, "north")
	if err != nil {
		log.Print(err)
		return
	}
	e, err := door.OpenEdge(s, door.EdgeOptions{Key: key, Site: site, Journal: filepath.Join(dir, "journal")})
	if err != nil {
		log.Print(err)
		return
	}
	defer func() { _ = e.Close() }()
	fmt.Println(e.Refresh(ctx)) // engine.Run does it, over e.Loops()
	code, _ := credentials.ParseCode("2580")
	a, err := e.Decide(ctx, door.Entry{Point: "front", Shown: door.Shown{Medium: credentials.Keypad, Code: code}})
	fmt.Println(a.Granted, a.Reason, err)
	// Output:
	// <nil>
	// false unknown <nil>
}
