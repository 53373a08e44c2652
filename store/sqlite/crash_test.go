package sqlite_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/store"
	"github.com/seed-a2d3eaca/keyholder/store/sqlite"
)

// The tests here run this test binary again as another process; these name its part
// and its file.
const (
	partEnv = "KEYHOLDER_TEST_PART"
	fileEnv = "KEYHOLDER_TEST_FILE"
)

// child starts a part of this binary on a file.
func child(t *testing.T, part, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestChild$")
	cmd.Env = append(os.Environ(), partEnv+"="+part, fileEnv+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// TestChild is what the other process does; in a normal run it does nothing.
func TestChild(t *testing.T) {
	switch os.Getenv(partEnv) {
	case "write":
		writeUntilKilled(t, os.Getenv(fileEnv))
	case "increment":
		increment(t, os.Getenv(fileEnv), "child")
	}
}

// writeUntilKilled commits one change after another and says the number of each that
// was acknowledged.
func writeUntilKilled(t *testing.T, path string) {
	db := openAt(t, path, sqlite.Options{})
	s := db.Main()
	r, err := s.Load(t.Context(), store.Key{Kind: "user", ID: "left"})
	require.NoError(t, err)
	for n := r[0].Version; ; n++ {
		_, err := s.Commit(t.Context(), nth(n+1))
		require.NoError(t, err)
		fmt.Println(n + 1)
	}
}

// nth is the change with a number, which comes after the one before: a bit of everything
// that a change can do.
func nth(n uint64) store.Change {
	text := fmt.Append(nil, n)
	return store.Change{
		ID:      fmt.Sprint("change", n),
		Entries: []store.Leaf{leaf(fmt.Sprint("leaf", n))},
		Ops: []store.Op{
			store.Put{Record: store.Record{Key: store.Key{Kind: "user", ID: "left"}, Body: text}, If: n - 1},
			store.Put{Record: store.Record{Key: store.Key{Kind: "user", ID: "right"}, Body: text}, If: n - 1},
			store.Put{Record: store.Record{Key: store.Key{Kind: "panel", ID: fmt.Sprint(n)}, Body: make([]byte, 5000), Terms: []store.Term{{Name: "n", Value: text}}}},
			store.Claim{Name: store.Name(text), Holder: "h", Use: "u"},
			store.Count{Counter: "c", By: 1, Max: 1 << 40},
			store.Mark{Line: "panel/1"},
		},
	}
}

// A process that is killed in the middle of writing loses nothing that it acknowledged
// and leaves nothing half done. (What a disk has when the power goes is [TestPowerIsLost].)
func TestKilledWriterLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keyholder.db")
	acknowledged := uint64(0)
	for range 5 {
		cmd := child(t, "write", path)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		stop, begun := rand.IntN(25), 0
		for ; lines.Scan(); begun++ {
			acknowledged, err = strconv.ParseUint(lines.Text(), 10, 64)
			require.NoError(t, err, lines.Text())
			if begun == stop {
				time.AfterFunc(rand.N(3*time.Millisecond), func() { _ = cmd.Process.Kill() }) // somewhere in a later commit
			}
		}
		exit, ok := errors.AsType[*exec.ExitError](cmd.Wait())
		require.True(t, ok, "the writer ended by itself")
		require.Equal(t, "signal: killed", exit.Error())
		require.Greater(t, begun, stop)
		inspect(t, path, acknowledged)
	}
}

// inspect finds every acknowledged change whole, and at most one more.
func inspect(t *testing.T, path string, acknowledged uint64) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var verdict string
	require.NoError(t, db.SQL().QueryRow("PRAGMA integrity_check").Scan(&verdict))
	require.Equal(t, "ok", verdict)

	s := db.Main()
	r, err := s.Load(t.Context(), store.Key{Kind: "user", ID: "left"}, store.Key{Kind: "user", ID: "right"})
	require.NoError(t, err)
	n := r[0].Version
	require.GreaterOrEqual(t, n, acknowledged)
	require.LessOrEqual(t, n, acknowledged+1)
	require.Equal(t, fmt.Sprint(n), string(r[0].Body))
	require.Equal(t, n, r[1].Version)
	require.Equal(t, string(r[0].Body), string(r[1].Body))

	for _, q := range []store.Query{{Kind: "panel"}, {Kind: "panel", Term: "n"}} {
		panels, err := s.Tally(t.Context(), q)
		require.NoError(t, err)
		require.EqualValues(t, n, panels)
	}
	counters, err := s.Counters(t.Context(), "c")
	require.NoError(t, err)
	require.EqualValues(t, n, counters[0])
	lines, err := s.Lines(t.Context(), "", "", 0)
	require.NoError(t, err)
	require.Equal(t, n, lines[0].Gen)
	size, _, err := s.Tree(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, n, size)
	held, err := s.Holders(t.Context(), store.Name(fmt.Sprint(n)), store.Name(fmt.Sprint(n+1)))
	require.NoError(t, err)
	require.Equal(t, "h", held[0].Holder)
	require.Empty(t, held[1].Holder)
	last, err := s.Entries(t.Context(), store.EntryQuery{ID: fmt.Sprint("leaf", n), Target: []byte("target")})
	require.NoError(t, err)
	require.Len(t, last, 1)
	require.EqualValues(t, n-1, last[0].Index)
}

// increment adds one to a record fifty times, as often as it takes.
func increment(t *testing.T, path, who string) {
	db := openAt(t, path, sqlite.Options{})
	s := db.Main()
	for done, try := 0, 0; done < 50; try++ {
		r, err := s.Load(t.Context(), store.Key{Kind: "user", ID: "sum"})
		require.NoError(t, err)
		_, err = s.Commit(t.Context(), put(fmt.Sprint(who, try), "sum", r[0].Version, fmt.Sprint(r[0].Version+1)))
		if errors.Is(err, store.ErrStale) {
			continue
		}
		require.NoError(t, err)
		done++
	}
}

// Rules: G57
func TestTwoProcessesLoseNoUpdate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keyholder.db")
	db := openAt(t, path, sqlite.Options{})
	cmd := child(t, "increment", path)
	require.NoError(t, cmd.Start())
	increment(t, path, "parent")
	require.NoError(t, cmd.Wait())
	require.Equal(t, "100", body(t, db.Main(), "sum"))
	size, _, err := db.Main().Tree(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 100, size)
}
