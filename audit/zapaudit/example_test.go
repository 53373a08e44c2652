package zapaudit_test

import (
	"context"
	"log"
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/seed-a2d3eaca/keyholder/audit"
	"github.com/seed-a2d3eaca/keyholder/audit/zapaudit"
)

func ExampleNew() {
	config := zapcore.EncoderConfig{MessageKey: "msg", LevelKey: "level", EncodeLevel: zapcore.LowercaseLevelEncoder}
	logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(config), zapcore.AddSync(os.Stdout), zap.InfoLevel))
	recorder := zapaudit.New(logger, zapaudit.Options{})

	entry := audit.Entry{
		Version: audit.Version,
		ID:      "entry-1",
		At:      time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
		Action:  audit.UserLabelChanged,
		Outcome: audit.Success,
		Fields: []audit.Field{
			audit.Public(audit.FieldActorID, "account-12", audit.NewSalt()),
			audit.Personal(audit.FieldLabel, []byte("sealed elsewhere"), "person-7", audit.NewSalt()),
		},
	}
	if err := recorder.Record(context.Background(), []audit.Recorded{{Index: 0, Entry: entry}}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {"level":"info","msg":"The label of a panel user was changed.","index":0,"id":"entry-1","outcome":"success","ocsf.type":300403,"severity":"informational","action":"user.label.changed","targets":[],"fields":{"actor.id":"account-12","label":"person:person-7"}}
}
