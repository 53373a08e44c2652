package main

import (
	"io"
	"net/mail"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/notify/smtp/smtpsim"
)

// arrived is a message as its reader sees it.
type arrived struct {
	id, to, kind, code string
}

// read reads a message that the mail server took.
func read(m smtpsim.Message) (arrived, error) {
	message, err := mail.ReadMessage(strings.NewReader(m.Data))
	if err != nil {
		return arrived{}, err
	}
	body, err := io.ReadAll(message.Body)
	if err != nil {
		return arrived{}, err
	}
	_, code, _ := strings.Cut(string(body), "code ")
	return arrived{id: message.Header.Get("Message-Id"), to: m.To, kind: message.Header.Get("Subject"), code: strings.TrimSpace(code)}, nil
}

// codes are the codes of a kind that an address got, the oldest first. A message that came
// twice is one.
func (r *reaper) codes(to, kind string) (list []string) {
	seen := map[string]bool{}
	for _, m := range r.server.Messages() {
		if m.To != to {
			continue
		}
		if a, err := read(m); err == nil && a.kind == kind && !seen[a.id] {
			seen[a.id] = true
			list = append(list, a.code)
		}
	}
	return list
}
