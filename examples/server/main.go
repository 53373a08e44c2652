// Command server is the Users tab of a simulated DSC panel in a browser, with a JSON API
// beside it, on one SQLite file.
//
// It is for people who look at keyholder for the first time, and a pattern for hosts with
// a web front: a demo. It listens on this machine alone, because nobody has to sign in.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"

	"github.com/seed-a2d3eaca/keyholder/fault"
)

func main() {
	o := options{Out: os.Stdout}
	flag.StringVar(&o.Addr, "addr", "", "`address` to listen on, of this machine; by default "+usualAddr+", or any free port if that is taken")
	flag.StringVar(&o.Dir, "dir", "", "`folder` of the database and its keys; by default a new temporary one. The simulated panel forgets its users when the server ends.")
	flag.BoolVar(&o.Demo, "demo", true, "serve a simulated panel; a database that was once a demo's stays one")
	flag.Parse()

	logger := zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.Lock(os.Stderr), zap.WarnLevel))
	o.Log = slog.New(zapslog.NewHandler(logger.Core()))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		if hint := fault.Hint(err); hint != "" {
			fmt.Fprintln(os.Stderr, hint)
		}
		os.Exit(1)
	}
}
