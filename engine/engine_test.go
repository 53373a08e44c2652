package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/engine"
)

func TestRunPassesAtOnceEveryTimeAndOnHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		hints := make(chan struct{}, 1)
		var passes atomic.Int32
		done := make(chan struct{})
		go func() {
			engine.Run(ctx, nil, engine.Loop{
				Name: "x", Every: time.Minute,
				Wake: func(context.Context) <-chan struct{} { return hints },
				Pass: func(context.Context) error { passes.Add(1); return nil },
			})
			close(done)
		}()
		synctest.Wait()
		require.EqualValues(t, 1, passes.Load())
		hints <- struct{}{}
		synctest.Wait()
		require.EqualValues(t, 2, passes.Load())
		time.Sleep(3*time.Minute + time.Second)
		synctest.Wait()
		require.EqualValues(t, 5, passes.Load())
		cancel()
		<-done
	})
}

func TestAFailingPassIsLoggedAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var log bytes.Buffer
		n := 0
		engine.Run(ctx, slog.New(slog.NewTextHandler(&log, nil)), engine.Loop{Name: "x", Every: time.Second, Pass: func(context.Context) error {
			if n++; n == 3 {
				cancel()
			}
			return errors.New("no luck")
		}})
		require.Equal(t, 3, n)
		require.Equal(t, 2, bytes.Count(log.Bytes(), []byte("no luck")), "the last one failed because it was told to end")
	})
}

func ExampleRun() {
	ctx, cancel := context.WithCancel(context.Background())
	engine.Run(ctx, nil, engine.Loop{Name: "hello", Every: time.Hour, Pass: func(context.Context) error {
		fmt.Println("hello")
		cancel()
		return nil
	}})
	// Output: hello
}
