package dsc

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/seed-a2d3eaca/keyholder/fault"
	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/dsc/internal/itv2"
)

// Names in a [panel.Target].
const (
	// Route is the name of this driver's route.
	Route = "itv2"
	// MasterSecret is the route's secret that opens programming: the panel's master code.
	MasterSecret = "master"
	// KeySecret is the route's secret that proves a panel: what [Options.Allow] answers with.
	KeySecret = "key"
)

// DefaultAddr is where panels call unless they are told otherwise.
const DefaultAddr = ":3072"

// Errors of this driver beside those of package panel.
var (
	// ErrUnlisted is what [Options.Allow] answers for an integration id that is not the
	// host's.
	ErrUnlisted = fault.New(fault.NotFound, "dsc: integration id is not listed").
			Hinted("Add the panel with this integration id, section [851][422], and its key.")
	// ErrListening: Arrivals is running already.
	ErrListening = fault.New(fault.Precondition, "dsc: already listening")
	// ErrKeyForm: a key has the wrong number of digits for its encryption.
	ErrKeyForm = fault.New(fault.Invalid, "dsc: key has the wrong form").
			Hinted("Type 1 takes the 8 hexadecimal digits of section [851][423], Type 2 the 32 of section [851][700].")
	// ErrModel: no panel that speaks ITv2 is listed under this name.
	ErrModel = fault.New(fault.Invalid, "dsc: no such model").
			Hinted("Use a name from the list of models, or none.")
	// ErrWeak: the line is too weak to carry the master code.
	ErrWeak = fault.New(fault.Unsupported, "dsc: the line does not keep the master code secret").
		Hinted("Set Type 2 encryption ([851][425] bit 4) with a key of your own in [851][700].")
	// ErrDisplaced: the same panel connected anew and proved its key, which ended the
	// connection before.
	ErrDisplaced = fault.New(fault.Unavailable, "dsc: replaced by a newer connection of the same panel")
)

// Encryption is how a panel's session is encrypted.
type Encryption uint8

// The ways of encryption: section [851][425] bit 4 off and on.
const (
	Type1 Encryption = 1
	Type2 Encryption = 2
)

// Key is what the listener must know of a panel before it can talk to it.
type Key struct {
	// Encryption is the only one that is accepted: a peer cannot talk the driver down.
	Encryption Encryption
	// Secret is the access code of [851][423] (Type 1, 8 hexadecimal digits) or the key of
	// [851][700] (Type 2, 32).
	Secret panel.Secret
	// Model is the name of one of [Models] that can be written; "" takes the limits from
	// the panel alone.
	Model string
}

// Check reports [ErrKeyForm] and [ErrModel].
func (k Key) Check() error {
	key, err := k.key()
	clear(key[:])
	if err != nil {
		return err
	}
	if _, err := modelNamed(k.Model, k.Model == NeoR().Name); err != nil {
		return err
	}
	return nil
}

func (k Key) key() (key itv2.Key, err error) {
	secret := k.Secret.Reveal()
	switch {
	case k.Encryption == Type1 && len(secret) == 8:
		key, err = itv2.Type1Key(secret)
	case k.Encryption == Type2:
		key, err = itv2.Type2Key(secret)
	default:
		err = ErrKeyForm
	}
	if err != nil {
		return itv2.Key{}, ErrKeyForm
	}
	return key, nil
}

// weak reports [ErrWeak] for Type 1 and for the keys that the maker published.
func (k Key) weak() error {
	published, err := itv2.Type1Key("12345678")
	if err != nil {
		return ErrKeyForm
	}
	key, err := k.key()
	if err != nil {
		return err
	}
	defer clear(key[:])
	if k.Encryption == Type1 || key == published {
		return ErrWeak
	}
	return nil
}

// Limits bound what peers who have proven nothing can hold. The zero value of each
// field takes the number in its comment.
type Limits struct {
	Unproven  int // connections from prefixes that never proved anything: 256
	PerPrefix int // of these from one IPv4 /24 or IPv6 /64: 32
	PerPanel  int // unproven connections that claim one integration id: 4
}

// Options of a [Driver]. Without Allow every panel is unknown.
type Options struct {
	// Listen gives the listener when Arrivals starts; nil listens on TCP [DefaultAddr].
	Listen func(ctx context.Context) (net.Listener, error)

	// Allow says for an integration id whether it is the host's, and its key: the
	// handshake needs the key before any [panel.Target] is opened. [ErrUnlisted] or
	// [panel.ErrPanelNotFound] puts the id on the list of [Driver.Unknown]; any other error
	// refuses this call only. It is called for every claim, proven or not, so it should
	// answer from memory.
	Allow func(ctx context.Context, ident string) (Key, error)

	// Log takes diagnostics: the first of a kind from a source prefix at once, then one a
	// minute with their number. nil discards them. Nothing logged is secret.
	Log *slog.Logger

	// NeoR says that the panels that call here are NeoR panels: the models are then of
	// that kind. Nothing about them is verified, see [NeoR].
	NeoR bool

	// AllowWeak lets the master code travel with Type 1 encryption or a published key, for
	// lines that are protected by something else (a VPN).
	AllowWeak bool

	// DiscloseCodes lets Read ask for the digits of codes where the query wants them, and
	// lets Apply read back a code whose fate is unknown.
	DiscloseCodes bool

	// KeepSession keeps one set of session keys over programming sessions and when the
	// sequence numbers come round. The default, ending the session so that the panel
	// dials again, has not been seen on hardware: set this where a panel stays away.
	KeepSession bool

	Quiet     time.Duration // silence after connecting before the first command: 2 s
	Handshake time.Duration // time to prove the key: 20 s
	Answer    time.Duration // time for an answer: 10 s
	Poll      time.Duration // silence before the panel is asked whether it is there: 60 s
	Return    time.Duration // time for a panel to dial again after its session was ended: 30 s

	Limits Limits
}

func (o Options) withDefaults() Options {
	duration := func(d *time.Duration, usual time.Duration) {
		if *d == 0 {
			*d = usual
		}
	}
	number := func(n *int, usual int) {
		if *n == 0 {
			*n = usual
		}
	}
	if o.Listen == nil {
		o.Listen = func(ctx context.Context) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, "tcp", DefaultAddr)
		}
	}
	if o.Allow == nil {
		o.Allow = func(context.Context, string) (Key, error) { return Key{}, ErrUnlisted }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	duration(&o.Quiet, 2*time.Second)
	duration(&o.Handshake, 20*time.Second)
	duration(&o.Answer, 10*time.Second)
	duration(&o.Poll, time.Minute)
	duration(&o.Return, 30*time.Second)
	number(&o.Limits.Unproven, 256)
	number(&o.Limits.PerPrefix, 32)
	number(&o.Limits.PerPanel, 4)
	return o
}
