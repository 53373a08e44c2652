package smtp_test

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// parts reads the plain text and the HTML of a mail as a reader's program does.
func parts(t *testing.T, m *mail.Message) (plain, html string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	r := multipart.NewReader(m.Body, params["boundary"])
	var texts []string
	for {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		b, err := io.ReadAll(p)
		require.NoError(t, err)
		texts = append(texts, strings.ReplaceAll(string(b), "\r\n", "\n"))
	}
	require.Len(t, texts, 2)
	return texts[0], texts[1]
}
