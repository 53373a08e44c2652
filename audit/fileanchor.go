package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// FileAnchor keeps checkpoints in a file that only grows: one line of JSON for each,
// chained by hashes. Put the file on another machine or under another owner than the
// database.
//
// It notices that the file was replaced, cut or edited while it is open, and that
// anything but its end was changed while it was not. That only its end was cut while
// nobody had it open cannot be seen in the file itself; the log is then anchored up to
// fewer entries. One process has the file open at a time. It is safe for concurrent use.
type FileAnchor struct {
	path string

	mu   sync.Mutex
	file *os.File
	end  anchorEnd
}

// anchorEnd is what is known about the end of the file.
type anchorEnd struct {
	size  int64    // bytes in the file
	torn  bool     // it ends within a line: a write was cut off
	last  Anchored // Text is nil if there is none
	line  []byte   // the line that holds last
	begin int64    // where that line begins
}

// anchorLine is one line of the file.
type anchorLine struct {
	At         time.Time `json:"at"`
	Checkpoint string    `json:"checkpoint"`
	Prev       []byte    `json:"prev"` // SHA-256 of the line before, without its newline
}

// OpenFileAnchor opens the file, or makes it with mode 0600, and reads it once. It fails
// with [ErrAnchorCut] if the file's chain is broken.
func OpenFileAnchor(ctx context.Context, path string) (*FileAnchor, error) {
	_, err := os.Stat(path)
	fresh := errors.Is(err, os.ErrNotExist)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: open anchor: %w", err)
	}
	a := &FileAnchor{path: path, file: f}
	if fresh {
		err = syncDir(filepath.Dir(path))
	}
	if err == nil {
		err = a.reread(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return a, nil
}

// syncDir makes a new name in a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("audit: open anchor: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// Name returns the path.
func (a *FileAnchor) Name() string { return "file " + a.path }

// Close closes the file.
func (a *FileAnchor) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.file.Close()
}

// Put appends the checkpoint and returns when it is on the disk.
func (a *FileAnchor) Put(ctx context.Context, checkpoint []byte, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.intact(); err != nil {
		return err
	}
	if _, err := readCheckpoint(checkpoint); err != nil {
		return err
	}
	next := anchorLine{At: at.UTC(), Checkpoint: string(checkpoint)}
	if a.end.last.Text != nil {
		if err := Follows(a.end.last.Text, checkpoint); err != nil {
			return err
		}
		prev := sha256.Sum256(a.end.line)
		next.Prev = prev[:]
	}
	line, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("audit: write anchor: %w", err)
	}
	begin := a.end.size
	if a.end.torn {
		begin++
		_, err = a.file.Write([]byte{'\n'})
	}
	if err == nil {
		_, err = a.file.Write(append(line, '\n'))
	}
	if err == nil {
		err = a.file.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("audit: write anchor: %w", err), a.reread(ctx))
	}
	a.end = anchorEnd{
		size: begin + int64(len(line)) + 1,
		last: Anchored{At: next.At, Text: bytes.Clone(checkpoint)},
		line: line, begin: begin,
	}
	return nil
}

// reread finds out what a failed write has left.
func (a *FileAnchor) reread(ctx context.Context) error {
	info, err := a.file.Stat()
	if err != nil {
		return err
	}
	end, err := readAnchor(ctx, io.NewSectionReader(a.file, 0, info.Size()), func(Anchored) bool { return true })
	if err == nil {
		a.end = end
	}
	return err
}

// intact compares the open file with what lies at the path and with what is known of it.
func (a *FileAnchor) intact() error {
	open, err := a.file.Stat()
	if err != nil {
		return fmt.Errorf("audit: read anchor: %w", err)
	}
	if there, err := os.Stat(a.path); err != nil || !os.SameFile(open, there) {
		return ErrAnchorReplaced
	}
	if open.Size() != a.end.size {
		return fmt.Errorf("%w: %d bytes, not %d", ErrAnchorCut, open.Size(), a.end.size)
	}
	line := make([]byte, len(a.end.line))
	if _, err := a.file.ReadAt(line, a.end.begin); err != nil || !bytes.Equal(line, a.end.line) {
		return fmt.Errorf("%w: its last line differs", ErrAnchorCut)
	}
	return nil
}

// Latest returns the last checkpoint, or [ErrNoAnchor].
func (a *FileAnchor) Latest(ctx context.Context) (Anchored, error) {
	if err := ctx.Err(); err != nil {
		return Anchored{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.intact(); err != nil {
		return Anchored{}, err
	}
	if a.end.last.Text == nil {
		return Anchored{}, ErrNoAnchor
	}
	return a.end.last, nil
}

// All implements [History]: it reads the file from its beginning to where it ended when
// All was called.
func (a *FileAnchor) All(ctx context.Context) iter.Seq2[Anchored, error] {
	return func(yield func(Anchored, error) bool) {
		a.mu.Lock()
		err, size := a.intact(), a.end.size
		a.mu.Unlock()
		wanted := true
		if err == nil {
			_, err = readAnchor(ctx, io.NewSectionReader(a.file, 0, size), func(c Anchored) bool {
				wanted = yield(c, nil)
				return wanted
			})
		}
		if err != nil && wanted {
			yield(Anchored{}, err)
		}
	}
}

// readAnchor reads lines and checks their chain until each says stop. A line that was
// cut off by a crash is no record: the next one is chained to the last whole one.
func readAnchor(ctx context.Context, r io.Reader, each func(Anchored) bool) (anchorEnd, error) {
	var end anchorEnd
	in := bufio.NewReader(r)
	for {
		if err := ctx.Err(); err != nil {
			return end, err
		}
		line, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return end, fmt.Errorf("audit: read anchor: %w", err)
		}
		if len(line) == 0 {
			return end, nil
		}
		begin := end.size
		end.size += int64(len(line))
		line, end.torn = bytes.TrimSuffix(line, []byte{'\n'}), err == io.EOF
		var rec anchorLine
		if json.Unmarshal(line, &rec) != nil {
			continue
		}
		if !end.followedBy(rec) {
			return end, fmt.Errorf("%w: at byte %d", ErrAnchorCut, begin)
		}
		end.last = Anchored{At: rec.At, Text: []byte(rec.Checkpoint)}
		end.line, end.begin = line, begin
		if !each(end.last) {
			return end, nil
		}
	}
}

// followedBy reports whether rec may be the next line.
func (e anchorEnd) followedBy(rec anchorLine) bool {
	if e.last.Text == nil {
		_, err := readCheckpoint([]byte(rec.Checkpoint))
		return err == nil && len(rec.Prev) == 0
	}
	prev := sha256.Sum256(e.line)
	return bytes.Equal(rec.Prev, prev[:]) && Follows(e.last.Text, []byte(rec.Checkpoint)) == nil
}
