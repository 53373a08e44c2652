package door

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/seed-a2d3eaca/keyholder/internal/rec"
)

// file is a journal on disk: from which line on it is there and what that is chained to,
// then lines. A line counts once it is synced; what a crash left of an unfinished one was
// never answered, and goes.
type file struct {
	path string
	most int

	mu    sync.Mutex
	f     *os.File
	base  rec.Taken
	next  rec.Taken // behind the last line
	lines []byte
}

const fileHead = lineHead + chainLen

// openFile opens a journal, or begins one at from.
func openFile(path string, most int, from rec.Taken) (*file, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	j := &file{path: path, most: most}
	if len(b) < fileHead {
		return j, j.rewrite(from, nil)
	}
	base := rec.Taken{Next: binary.BigEndian.Uint64(b), Chain: b[lineHead:fileHead]}
	whole := b[fileHead:]
	return j, j.rewrite(base, whole[:len(whole)/lineSize*lineSize])
}

// rewrite replaces the file. The caller holds mu, or is alone.
func (j *file) rewrite(base rec.Taken, lines []byte) error {
	if len(base.Chain) != chainLen {
		base.Chain = make([]byte, chainLen)
	}
	tmp, err := os.OpenFile(j.path+".new", os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	head := append(binary.BigEndian.AppendUint64(nil, base.Next), base.Chain...)
	_, err = tmp.Write(append(head, lines...))
	if err = errors.Join(err, tmp.Sync()); err == nil {
		err = os.Rename(j.path+".new", j.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(j.path))
	}
	if err != nil {
		return errors.Join(err, tmp.Close())
	}
	if j.f != nil {
		_ = j.f.Close() // it has another name now or none, and everything in it is synced
	}
	j.f, j.base, j.lines, j.next = tmp, base, append([]byte(nil), lines...), base
	for at := 0; at < len(lines); at += lineSize {
		line := lines[at : at+lineSize]
		j.next = rec.Taken{Next: lineNumber(line) + 1, Chain: chained(line)}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// add appends a line and syncs it. After an error the file ends with its last whole line
// again, or takes nothing more.
func (j *file) add(line func(next rec.Taken) ([]byte, error)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines)/lineSize >= j.most {
		return ErrJournalFull
	}
	b, err := line(j.next)
	if err != nil {
		return err
	}
	if _, err = j.f.WriteAt(b, int64(fileHead+len(j.lines))); err == nil {
		err = j.f.Sync()
	}
	if err != nil {
		return err // the next line is written over it
	}
	j.lines = append(j.lines, b...)
	j.next = rec.Taken{Next: j.next.Next + 1, Chain: chained(b)}
	return nil
}

// pending are the lines that were not taken over.
func (j *file) pending() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]byte(nil), j.lines...)
}

// taken forgets the lines before one that were taken over.
func (j *file) taken(n uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	base, rest := j.base, j.lines
	for len(rest) > 0 && lineNumber(rest) < n {
		base = rec.Taken{Next: lineNumber(rest) + 1, Chain: chained(rest[:lineSize])}
		rest = rest[lineSize:]
	}
	if len(rest) == len(j.lines) {
		return nil
	}
	return j.rewrite(base, rest)
}

// begin begins anew where the server wants the next line, if there is nothing to be
// taken over.
func (j *file) begin(from rec.Taken) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) > 0 || j.base.Next == from.Next && string(j.base.Chain) == string(from.Chain) || from.Next == 0 && j.base.Next == 0 {
		return nil
	}
	return j.rewrite(from, nil)
}

// aside keeps what the server does not take for a person, and begins an empty file.
func (j *file) aside(name string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	out, err := os.OpenFile(j.path+name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.NewSectionReader(j.f, 0, int64(fileHead+len(j.lines))))
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	return j.rewrite(j.next, nil)
}

func (j *file) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.f.Close()
}
