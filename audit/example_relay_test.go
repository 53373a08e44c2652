package audit_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/seed-a2d3eaca/keyholder/audit"
)

// A host mails checkpoints to its customers: each of them is a small witness.
func ExampleNewRelay() {
	anchor := audit.NewRelay("mail to owners", nil, func(_ context.Context, checkpoint []byte, _ time.Time) error {
		size, err := audit.CheckpointSize(checkpoint)
		fmt.Println("mailed", size)
		return err
	})
	key, err := audit.GenerateKey("example.com/log")
	if err != nil {
		fmt.Println(err)
		return
	}
	checkpoint, err := audit.SignCheckpoint("example.com/log", 7, [32]byte{}, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(anchor.Put(context.Background(), checkpoint, time.Now()))
	// Output:
	// mailed 7
	// <nil>
}

// The line goes to wherever the program's logs are collected.
func ExampleNewLogAnchor() {
	anchor := audit.NewLogAnchor(slog.New(slog.NewJSONHandler(os.Stderr, nil)), nil)
	fmt.Println(anchor.Name())
	// Output: log
}
