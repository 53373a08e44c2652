package smtp

import (
	"bytes"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/notify"
)

var (
	headerLine = regexp.MustCompile(`^([A-Za-z-]+:|[ \t])`)
	headers    = map[string]bool{"Message-Id": true, "Date": true, "From": true, "To": true, "Subject": true, "Auto-Submitted": true,
		"Mime-Version": true, "Content-Type": true, "Content-Transfer-Encoding": true}
)

// Whatever is put into a message, it has the headers and the one receiver that it should
// have, and no line of its body ends but with a line's end.
func FuzzNothingInAMessageAddsAHeader(f *testing.F) {
	f.Add("m1", "owner@example.net", "Hello", "text", "<p>html</p>")
	f.Add("m1\r\nBcc: x@y.z", "a@b.c\r\nBcc: x@y.z", "a\r\nBcc: x@y.z\r\n\r\nbody", "\r\n.\r\nMAIL FROM:<x@y.z>", "\n.\n")
	f.Add("m1", "a@b.c", "=?utf-8?q?a=0D=0ABcc:_x@y.z?=", "\r.\r", "\x00\n\r.\n")
	f.Add("m1", "a\u2028@b.c", strings.Repeat("é", 500), strings.Repeat("x", 2000), "")
	f.Add("m1", "\"a b\"@b.c", "a\u0085Bcc: x@y.z\xff\xfe", "\xff\r", "--boundary--")
	m, err := New(Options{Host: "mail.example.com", From: "Panel codes <codes@example.com>"})
	require.NoError(f, err)
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, id, to, subject, text, html string) {
		w, err := m.write(notify.Message{ID: id, To: to, Subject: subject, Text: text, HTML: html}, now)
		if err != nil {
			return
		}
		assert.False(t, strings.ContainsAny(w.to+w.id, "\r\n<> \x00"))
		whole := string(w.text)
		assert.NotContains(t, strings.ReplaceAll(whole, "\r\n", ""), "\r", "a bare CR")
		assert.NotContains(t, strings.ReplaceAll(whole, "\r\n", ""), "\n", "a bare LF")
		head, _, found := strings.Cut(whole, "\r\n\r\n")
		require.True(t, found)
		for l := range strings.SplitSeq(head, "\r\n") {
			assert.Regexp(t, headerLine, l)
		}
		read, err := mail.ReadMessage(bytes.NewReader(w.text))
		require.NoError(t, err)
		for k, v := range read.Header {
			assert.True(t, headers[k], k)
			assert.Len(t, v, 1, k)
		}
		receivers, err := read.Header.AddressList("To")
		require.NoError(t, err)
		require.Len(t, receivers, 1)
		assert.Equal(t, to, receivers[0].Address)
		assert.Equal(t, "<"+id+"@example.com>", read.Header.Get("Message-Id"))
	})
}

// What a server says besides its numbers stays behind.
func FuzzAStatusIsNumbers(f *testing.F) {
	f.Add(550, "5.1.1 <owner@example.com> 12345678")
	f.Fuzz(func(t *testing.T, code int, text string) {
		s := status(&textproto.Error{Code: code, Msg: text})
		assert.Empty(t, strings.Trim(s, "0123456789. -"))
		assert.Less(t, len(s), 40)
	})
}
