package journal_test

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
	"github.com/seed-a2d3eaca/keyholder/journal"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// An auditor reads the log, an owner gets a proof, and the log is verified against an
// anchor on another disk.
func ExampleNew() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "anchor")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	anchor, err := audit.OpenFileAnchor(ctx, filepath.Join(dir, "checkpoints"))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = anchor.Close() }()
	signer, err := audit.GenerateKey("example.com/log") // kept where secrets are kept
	if err != nil {
		log.Fatal(err)
	}
	keys, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey()}, credentials.KeyringOptions{})
	if err != nil {
		log.Fatal(err)
	}

	auditor := accounts.HostActor("auditor", "The auditor", "http")
	j, err := journal.New(journal.Options{
		Store:   memstore.Open(), // the store of the other services
		Keys:    keys,
		Signer:  signer,
		Anchors: []audit.Anchor{anchor},
		Authority: accounts.StaticAuthority{auditor.ID(): {
			Enabled: true,
			Rights:  accounts.RightsOf(accounts.AuditView, accounts.AuditVerify),
			Sites:   accounts.AllSites(),
		}},
		Now: func() time.Time { return time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		log.Fatal(err)
	}
	// engine.Run(ctx, logger, j.Loops()...) signs and anchors from time to time.

	page, err := j.As(auditor).Query(ctx, journal.Query{Filter: journal.Filter{Actions: []audit.Action{audit.LogRead}}})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range page.Entries {
		fmt.Println(e.Time.Format(time.DateTime), e.Who, e.Outcome, e.Description)
	}

	proof, err := j.As(auditor).Prove(ctx, page.Entries[0].ID, audit.FieldActorID)
	if err != nil {
		log.Fatal(err)
	}
	received, err := audit.ParseProof(proof)
	if err != nil {
		log.Fatal(err)
	}
	checkpoint, err := audit.CheckProof(received, "example.com/log", signer.Public())
	fmt.Println(received.Entry.Value(audit.FieldActorID), checkpoint.Size, err)

	if _, err := j.Checkpoint(ctx); err != nil {
		log.Fatal(err)
	}
	report, err := j.As(auditor).Verify(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.OK(), report.Entries, report.AnchoredSize)
	// Output:
	// 2026-11-21 10:00:00 The auditor success The action log was read: via "http", filter "action log.read", count "1".
	// auditor 2 <nil>
	// true 2 2
}
