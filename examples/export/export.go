// Package export shows how a review of access leaves the house: encrypted to the key of
// whoever may read it, with the format and tool of age (age-encryption.org), so that
// neither the file nor the way it takes shows anything.
//
// It is for host developers.
package export

import (
	"context"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/seed-a2d3eaca/keyholder/journal"
)

// Review writes a review of access as an age file to one recipient ("age1…", from
// age-keygen). The export is an entry of the log before the first byte is written to out:
// where there is no entry, there is no file. An error after that leaves a file that does
// not decrypt to its end.
func Review(ctx context.Context, out io.Writer, reader *journal.Reader, recipient string, q journal.ReviewQuery, o journal.ReportOptions) error {
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return fmt.Errorf("the recipient: %w", err)
	}
	file := &sealed{out: out, to: to}
	if err := reader.ReportReview(ctx, file, q, o); err != nil {
		return err
	}
	return file.end()
}

// sealed begins the file with the first byte that is written to it: by then the export is
// recorded.
type sealed struct {
	out io.Writer
	to  age.Recipient
	w   io.WriteCloser
}

func (s *sealed) begin() (err error) {
	if s.w == nil {
		s.w, err = age.Encrypt(s.out, s.to)
	}
	return err
}

// Write implements [io.Writer].
func (s *sealed) Write(b []byte) (int, error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	return s.w.Write(b)
}

func (s *sealed) end() error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.w.Close()
}
