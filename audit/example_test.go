package audit_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// tree is a log's tree in memory, as a store keeps it.
type tree struct{ nodes [][32]byte }

func (t *tree) hashes(positions []int64) ([][32]byte, error) {
	out := make([][32]byte, len(positions))
	for i, p := range positions {
		out[i] = t.nodes[p]
	}
	return out, nil
}

func (t *tree) add(index int64, hash [32]byte) error {
	made, err := tlog.StoredHashesForRecordHash(index, hash, audit.Hashes(t.hashes))
	for _, h := range made {
		t.nodes = append(t.nodes, h)
	}
	return err
}

// An operator changes a code; the installer gets a proof that shows who did it and
// withholds the rest, and checks it without any connection.
func Example() {
	operator := audit.Actor{Kind: audit.AccountActor, ID: "account-12", Via: "http"}
	entry := audit.Entry{
		Version: audit.Version,
		ID:      "entry-1",
		At:      time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
		Action:  audit.UserCodeChanged,
		Outcome: audit.Success,
		Targets: [][]byte{[]byte("user-7")},
		Fields: append(operator.Fields(audit.NewSalt),
			audit.Public(audit.FieldPanel, "panel-3", audit.NewSalt()),
			audit.Public(audit.FieldSlot, "7", audit.NewSalt()),
			audit.Secret(audit.FieldCode),
		),
	}
	if err := audit.Check(entry); err != nil {
		log.Fatal(err)
	}

	// The store adds the entry to its tree, and the log signs a checkpoint.
	hash, err := entry.Hash()
	if err != nil {
		log.Fatal(err)
	}
	var t tree
	if err := t.add(0, hash); err != nil {
		log.Fatal(err)
	}
	key, err := audit.GenerateKey("example.com/log")
	if err != nil {
		log.Fatal(err)
	}
	root, err := audit.Root(1, t.hashes)
	if err != nil {
		log.Fatal(err)
	}
	text, err := audit.SignCheckpoint("example.com/log", 1, root, key)
	if err != nil {
		log.Fatal(err)
	}

	// The proof is a text file.
	checkpoint, err := audit.OpenCheckpoint(text, "example.com/log", key.Public())
	if err != nil {
		log.Fatal(err)
	}
	proof, err := audit.Prove(entry.Disclose(audit.FieldActorKind, audit.FieldActorID), 0, checkpoint, t.hashes)
	if err != nil {
		log.Fatal(err)
	}
	file, err := proof.MarshalText()
	if err != nil {
		log.Fatal(err)
	}

	// Whoever has the file and the log's public key can check it.
	received, err := audit.ParseProof(file)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := audit.CheckProof(received, "example.com/log", key.Public()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(received.Entry)
	// Output:
	// 2026-11-21T10:00:00Z user.code.changed success "entry-1" actor.kind="account" actor.id="account-12" via=[withheld] panel=[withheld] slot=[withheld] code=[secret]
}

func ExampleOpenFileAnchor() {
	dir, err := os.MkdirTemp("", "anchor")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	anchor, err := audit.OpenFileAnchor(ctx, filepath.Join(dir, "anchor"))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = anchor.Close() }()

	key, err := audit.GenerateKey("example.com/log")
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for _, size := range []int64{10, 20, 15} {
		text, err := audit.SignCheckpoint("example.com/log", size, [32]byte{byte(size)}, key)
		if err != nil {
			log.Fatal(err)
		}
		if err := anchor.Put(ctx, text, now); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// audit: the checkpoint contradicts the anchor: 15 entries after 20
}

func ExampleVerify() {
	key, err := audit.GenerateKey("example.com/log")
	if err != nil {
		log.Fatal(err)
	}
	empty, err := audit.Root(0, nil)
	if err != nil {
		log.Fatal(err)
	}
	text, err := audit.SignCheckpoint("example.com/log", 0, empty, key)
	if err != nil {
		log.Fatal(err)
	}
	source := &memLog{checkpoints: [][]byte{text}} // a store, seen as an audit.Source
	report, err := audit.Verify(context.Background(), source, audit.VerifyOptions{
		Origin: "example.com/log",
		Keys:   []note.Verifier{key.Public()},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(report)
	// Output:
	// entries       0, 0 waiting for the tree
	// signed        up to 0
	// anchored      unanchored: self-signed only, a rewrite with the log's own key cannot be detected
	// integrity     ok
	// completeness  ok
	// state         ok
}

func ExampleParseSigningKey() {
	key, err := audit.GenerateKey("example.com/log")
	if err != nil {
		log.Fatal(err)
	}
	kept := key.Reveal() // goes where secrets are kept
	again, err := audit.ParseSigningKey(kept)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again, again.Public().String() == key.Public().String())
	// Output:
	// [redacted] true
}
