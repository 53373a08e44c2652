package smtpsim

import (
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

var _ smtp.AuthSession = (*session)(nil)

// AuthMechanisms implements [smtp.AuthSession].
func (x *session) AuthMechanisms() []string {
	x.server.mu.Lock()
	defer x.server.mu.Unlock()
	if x.server.login {
		return []string{sasl.Login}
	}
	return []string{sasl.Plain}
}

// Auth implements [smtp.AuthSession].
func (x *session) Auth(mechanism string) (sasl.Server, error) {
	if mechanism == sasl.Login {
		return &login{check: x.check}, nil
	}
	return sasl.NewPlainServer(func(_, username, password string) error { return x.check(username, password) }), nil
}

func (x *session) check(username, password string) error {
	if x.server.now() == Locked || username != Username || password != Password {
		return smtp.ErrAuthFailed
	}
	x.in = true
	return nil
}

// login is the server's side of LOGIN (draft-murchison-sasl-login-00): it asks for the
// username, then for the password.
type login struct {
	check    func(username, password string) error
	asked    int
	username string
}

// Next implements [sasl.Server].
func (l *login) Next(response []byte) (challenge []byte, done bool, err error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.username = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.username, string(response))
}
