package smtp

import (
	"bytes"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/seed-a2d3eaca/keyholder/notify"
)

// written is a message as it goes over the line.
type written struct {
	id   string // without the angle brackets
	to   string
	text []byte
}

// idForm is what a message's id may consist of: it stands in a header as it is.
var idForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// tidy leaves out characters that no text needs: some readers take them for the end of a
// line.
func tidy(text string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "", "\v", " ", "\f", " ").Replace(text)
}

// write puts a message into the form of RFC 5322. Nothing in it can add a header or an
// address: the id and the address are of a strict form, the subject is one line, encoded,
// and texts are quoted-printable.
func (m *Mailer) write(msg notify.Message, now time.Time) (written, error) {
	if !idForm.MatchString(msg.ID) || len(msg.Text)+len(msg.HTML) > m.o.MaxSize {
		return written{}, notify.ErrMessage
	}
	to, err := mail.ParseAddress(msg.To)
	if err != nil || to.Address != msg.To || !plain(msg.To) {
		return written{}, fmt.Errorf("%w: not one bare address", notify.ErrRejected)
	}
	w := written{id: msg.ID + "@" + domain(m.from.Address), to: msg.To}
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	out.FromMailAddress(m.from)
	if err := out.To("<" + msg.To + ">"); err != nil {
		return written{}, fmt.Errorf("%w: not one bare address", notify.ErrRejected)
	}
	out.Subject(notify.OneLine(strings.ToValidUTF8(msg.Subject, "?")))
	out.SetMessageIDWithValue(w.id)
	out.SetDateWithValue(now)
	out.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence note answers it
	out.SetBodyString(gomail.TypeTextPlain, tidy(msg.Text))
	if msg.HTML != "" {
		out.AddAlternativeString(gomail.TypeTextHTML, tidy(msg.HTML))
	}
	var b bytes.Buffer
	if _, err := out.WriteTo(&b); err != nil {
		return written{}, notify.ErrMessage
	}
	w.text = b.Bytes()
	return w, nil
}

// plain reports whether an address can stand in a command of the protocol as it is.
func plain(address string) bool {
	if strings.ContainsAny(address, "<>\"\\ ,;()") || strings.Count(address, "@") != 1 {
		return false
	}
	for _, r := range address {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return false
		}
	}
	return len(address) <= 254
}

// ascii reports whether every server can take an address.
func ascii(address string) bool {
	return strings.IndexFunc(address, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// domain is what follows the at sign.
func domain(address string) string {
	_, d, _ := strings.Cut(address, "@")
	return d
}
