package iqremote

import "github.com/seed-a2d3eaca/keyholder/fault"

// ErrForm: bytes that no panel is known to send.
var ErrForm = fault.New(fault.Internal, "iqremote: not a known layout")
