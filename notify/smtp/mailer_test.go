package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/notify"
	"github.com/seed-a2d3eaca/keyholder/notify/notifytest"
	"github.com/seed-a2d3eaca/keyholder/notify/smtp"
	"github.com/seed-a2d3eaca/keyholder/notify/smtp/smtpsim"
)

// started starts a server that ends with the test.
func started(t *testing.T, start func() (*smtpsim.Server, error)) *smtpsim.Server {
	t.Helper()
	s, err := start()
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func options(s *smtpsim.Server) smtp.Options {
	return smtp.Options{
		Host: s.Host(), Port: s.Port(), Roots: s.Roots(), From: "Panel codes <codes@example.com>",
		Username: smtpsim.Username, Password: notify.NewSecret(smtpsim.Password), Timeout: 5 * time.Second,
	}
}

func mailer(t *testing.T, o smtp.Options) *smtp.Mailer {
	t.Helper()
	m, err := smtp.New(o)
	require.NoError(t, err)
	return m
}

var letter = notify.Message{
	ID: "3f0a", To: "owner@example.net", Subject: "Grüße", HTML: "<p>Hello</p>",
	Text: "Hello\n.\n.dot\nlong " + strings.Repeat("line ", 300) + "\n",
}

// moods are the kit's in the server's words.
var moods = map[notifytest.Mood]smtpsim.Mood{
	notifytest.Well: smtpsim.Well, notifytest.Away: smtpsim.Away, notifytest.Busy: smtpsim.Busy,
	notifytest.Refusing: smtpsim.Refusing, notifytest.Mute: smtpsim.Mute, notifytest.Hanging: smtpsim.Hanging,
}

// Rules: R220, R221
func TestMailerKeepsTheTransportsContract(t *testing.T) {
	notifytest.RunTransport(t, func(t *testing.T) notifytest.Bench {
		s := started(t, smtpsim.Start)
		m := mailer(t, options(s))
		return notifytest.Bench{
			Address: "owner@example.net",
			Check:   m.Check,
			Send: func(ctx context.Context, id, address, text string) (notify.Delivery, error) {
				return m.Send(ctx, notify.Message{ID: id, To: address, Text: text})
			},
			Set: func(m notifytest.Mood) { require.NoError(t, s.Set(moods[m])) },
			Took: func() (texts []string) {
				for _, m := range s.Messages() {
					texts = append(texts, m.Data)
				}
				return texts
			},
		}
	})
}

func TestAMailArrivesAsItWasMeant(t *testing.T) {
	for name, start := range map[string]func() (*smtpsim.Server, error){"STARTTLS": smtpsim.Start, "implicit TLS": smtpsim.StartImplicit} {
		t.Run(name, func(t *testing.T) {
			s := started(t, start)
			o := options(s)
			if name == "implicit TLS" {
				o.Security = smtp.Implicit
			}
			d, err := mailer(t, o).Send(t.Context(), letter)
			require.NoError(t, err)
			assert.Equal(t, "<3f0a@example.com>", d.MessageID)
			require.Len(t, s.Messages(), 1)
			got := s.Messages()[0]
			assert.Equal(t, "codes@example.com", got.From)
			assert.Equal(t, "owner@example.net", got.To)
			read, err := mail.ReadMessage(strings.NewReader(got.Data))
			require.NoError(t, err)
			assert.Equal(t, d.MessageID, read.Header.Get("Message-Id"))
			assert.Equal(t, "auto-generated", read.Header.Get("Auto-Submitted"))
			subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
			require.NoError(t, err)
			assert.Equal(t, "Grüße", subject)
			at, err := read.Header.Date()
			require.NoError(t, err)
			assert.WithinDuration(t, time.Now(), at, time.Minute)
			plain, html := parts(t, read)
			assert.Equal(t, letter.Text, plain)
			assert.Equal(t, letter.HTML, html)
			for l := range strings.SplitSeq(got.Data, "\r\n") {
				assert.LessOrEqual(t, len(l), 998)
			}
		})
	}
}

// Every way in which a server can say no, told apart.
//
// Rules: R220, R221
func TestFailuresAreToldApart(t *testing.T) {
	for mood, want := range map[smtpsim.Mood]struct {
		cause  error // with ErrUnavailable
		status string
		err    error
	}{
		smtpsim.Away:        {cause: smtp.ErrLine},
		smtpsim.Busy:        {cause: smtp.ErrLine, status: "451 4.7.1"},
		smtpsim.BusyData:    {cause: smtp.ErrLine, status: "452 4.3.1"},
		smtpsim.Cut:         {err: notify.ErrUnsure},
		smtpsim.Mute:        {err: notify.ErrUnsure},
		smtpsim.Refusing:    {err: notify.ErrRejected, status: "550 5.1.1"},
		smtpsim.RefusedData: {err: notify.ErrRejected, status: "554 5.7.1"},
		smtpsim.BadSender:   {cause: smtp.ErrSender, status: "550 5.7.1"},
		smtpsim.NoTLS:       {cause: smtp.ErrTLS},
		smtpsim.DropTLS:     {cause: smtp.ErrTLS},
		smtpsim.Locked:      {cause: smtp.ErrLogin, status: "535 5.7.8"},
	} {
		t.Run(string(mood), func(t *testing.T) {
			s := started(t, smtpsim.Start)
			m := mailer(t, options(s))
			require.NoError(t, s.Set(mood))
			_, err := m.Send(t.Context(), letter)
			if want.cause != nil {
				want.err = notify.ErrUnavailable
				require.ErrorIs(t, err, want.cause)
				assert.True(t, fault.Temporary(err))
				assert.Equal(t, fault.Unavailable, fault.Of(err))
			}
			require.ErrorIs(t, err, want.err)
			assert.Equal(t, mood == smtpsim.Cut || mood == smtpsim.Mute, errors.Is(err, notify.ErrUnsure))
			if want.status != "" {
				assert.ErrorContains(t, err, want.status)
			}
			assert.NotContains(t, err.Error(), "@")
			assert.NotContains(t, err.Error(), smtpsim.Password)
			if mood != smtpsim.Mute {
				assert.Empty(t, s.Messages())
			}
			require.NoError(t, s.Set(smtpsim.Well))
			_, err = m.Send(t.Context(), letter)
			require.NoError(t, err, "the server is back")
		})
	}
}

// A line is protected, and by the right certificate, or nothing goes over it.
func TestTheServerHasToProveWhoItIs(t *testing.T) {
	for name, start := range map[string]func() (*smtpsim.Server, error){"STARTTLS": smtpsim.Start, "implicit": smtpsim.StartImplicit} {
		t.Run(name, func(t *testing.T) {
			s := started(t, start)
			good := options(s)
			if name == "implicit" {
				good.Security = smtp.Implicit
			}
			strange := good
			strange.Roots = nil
			require.ErrorIs(t, mailer(t, strange).Check(t.Context()), smtp.ErrTLS, "nobody known signed it")
			s.WrongName(true)
			require.ErrorIs(t, mailer(t, good).Check(t.Context()), smtp.ErrTLS, "another name")
			s.WrongName(false)
			pinned := strange
			pinned.Pin = smtp.PinOf(s.Certificate())
			require.NoError(t, mailer(t, pinned).Check(t.Context()), "the pin is enough")
			s.WrongName(true)
			require.ErrorIs(t, mailer(t, pinned).Check(t.Context()), smtp.ErrTLS, "another key than the pinned one")
			_, err := mailer(t, pinned).Send(t.Context(), letter)
			require.ErrorIs(t, err, smtp.ErrTLS)
			assert.Empty(t, s.Messages())
		})
	}
}

func TestSigningInWithLogin(t *testing.T) {
	s := started(t, smtpsim.Start)
	s.OfferLogin()
	m := mailer(t, options(s))
	_, err := m.Send(t.Context(), letter)
	require.NoError(t, err)
	require.NoError(t, s.Set(smtpsim.Locked))
	require.ErrorIs(t, m.Check(t.Context()), smtp.ErrLogin)
}

// This machine's own relay needs no TLS and no password.
func TestAPlainLineToThisMachine(t *testing.T) {
	s := started(t, smtpsim.Start)
	require.NoError(t, s.Set(smtpsim.NoTLS))
	m := mailer(t, smtp.Options{Host: s.Host(), Port: s.Port(), Security: smtp.Plain, From: "codes@example.com"})
	_, err := m.Send(t.Context(), letter)
	require.NoError(t, err)
	assert.Len(t, s.Messages(), 1)
}

func TestAnAddressInUnicode(t *testing.T) {
	s := started(t, smtpsim.Start)
	_, err := mailer(t, options(s)).Send(t.Context(), notify.Message{ID: "u1", To: "büro@example.net", Text: "Hello"})
	require.NoError(t, err)
	require.Len(t, s.Messages(), 1)
	assert.Equal(t, "büro@example.net", s.Messages()[0].To)
	require.NoError(t, s.Set(smtpsim.NoTLS))
	old := mailer(t, smtp.Options{Host: s.Host(), Port: s.Port(), Security: smtp.Plain, From: "codes@example.com"})
	_, err = old.Send(t.Context(), notify.Message{ID: "u1", To: "büro@example.net", Text: "Hello"})
	require.ErrorIs(t, err, notify.ErrRejected, "this server cannot take it, now or later")
	assert.ErrorContains(t, err, "553 5.6.7")
}

// Rules: R238
func TestACheckSignsInAndSendsNothing(t *testing.T) {
	s := started(t, smtpsim.Start)
	m := mailer(t, options(s))
	require.NoError(t, m.Check(t.Context()))
	assert.Equal(t, 1, s.Sessions())
	require.NoError(t, s.Set(smtpsim.Locked))
	require.ErrorIs(t, m.Check(t.Context()), smtp.ErrLogin)
	require.NoError(t, s.Set(smtpsim.Hanging))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, m.Check(ctx), smtp.ErrLine)
	assert.Empty(t, s.Messages())
}

func TestOptionsAreChecked(t *testing.T) {
	good := smtp.Options{Host: "mail.example.com", From: "codes@example.com"}
	_, err := smtp.New(good)
	require.NoError(t, err)
	for name, spoil := range map[string]func(o *smtp.Options){
		"no host":              func(o *smtp.Options) { o.Host = "" },
		"a host with a line":   func(o *smtp.Options) { o.Host = "a\r\nb" },
		"no sender":            func(o *smtp.Options) { o.From = "" },
		"a sender with a line": func(o *smtp.Options) { o.From = "a\r\nBcc: b <codes@example.com>" },
		"a port":               func(o *smtp.Options) { o.Port = 70000 },
		"another security":     func(o *smtp.Options) { o.Security = 9 },
		"plain and far":        func(o *smtp.Options) { o.Security = smtp.Plain },
		"plain with a password": func(o *smtp.Options) {
			o.Security, o.Host, o.Username, o.Password = smtp.Plain, "localhost", "u", notify.NewSecret("p")
		},
		"half a login": func(o *smtp.Options) { o.Username = "u" },
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			spoil(&o)
			_, err := smtp.New(o)
			require.ErrorIs(t, err, smtp.ErrOptions)
		})
	}
	_, err = smtp.New(smtp.Options{})
	assert.ErrorContains(t, err, "the host")
	assert.ErrorContains(t, err, "the sender")
	o := good
	o.Username, o.Password = "planted-user", notify.NewSecret("planted-password")
	m := mailer(t, o)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", m, m, m, m.LogValue()), "planted")
}

// A message that cannot be sent is refused before the server is troubled.
func TestWhatCannotBeSentStaysHere(t *testing.T) {
	s := started(t, smtpsim.Start)
	o := options(s)
	o.MaxSize = 100
	m := mailer(t, o)
	for name, c := range map[string]struct {
		m    notify.Message
		want error
	}{
		"an id that adds a header": {notify.Message{ID: "a>\r\nBcc: x", To: "owner@example.net"}, notify.ErrMessage},
		"no id":                    {notify.Message{To: "owner@example.net"}, notify.ErrMessage},
		"too long":                 {notify.Message{ID: "a", To: "owner@example.net", Text: strings.Repeat("x", 101)}, notify.ErrMessage},
		"two addresses":            {notify.Message{ID: "a", To: "a@example.net, b@example.net"}, notify.ErrRejected},
		"a name":                   {notify.Message{ID: "a", To: "Owner <a@example.net>"}, notify.ErrRejected},
		"a command":                {notify.Message{ID: "a", To: "a@example.net>\r\nRCPT TO:<b@example.net"}, notify.ErrRejected},
		"a parameter":              {notify.Message{ID: "a", To: "\"a> SIZE=1 <b\"@example.net"}, notify.ErrRejected},
		"none":                     {notify.Message{ID: "a"}, notify.ErrRejected},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := m.Send(t.Context(), c.m)
			require.ErrorIs(t, err, c.want)
		})
	}
	assert.Zero(t, s.Sessions())
}

func Example() {
	m, err := smtp.New(smtp.Options{
		Host: "mail.example.com", From: "Panel codes <codes@example.com>",
		Username: "codes", Password: notify.NewSecret("from the host's configuration"),
	})
	fmt.Println(m, err) // give m to people.Options and signin.Options
	// Output: smtp mailer <nil>
}
