package iqremote

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// text is a column: a string on every panel seen. A number or truth value is taken as
// its digits, because columns come and go with the firmware.
type text string

// UnmarshalJSON reads a string, a number or a truth value; null is empty.
func (t *text) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '"':
		return json.Unmarshal(b, (*string)(t))
	case '{', '[':
		return ErrForm
	case 'n':
		*t = ""
	default:
		*t = text(b)
	}
	return nil
}

// truth is a setting's truth value; known is false for anything but the usual words.
func (t text) truth() (on, known bool) {
	b, err := strconv.ParseBool(strings.ToLower(string(t)))
	return b, err == nil
}

// Answer is what every answer of a panel has.
type Answer struct {
	ID string // of the request that it answers
	// Deleted: the panel wants this remote gone; somebody deleted it there.
	Deleted bool
	// MAC is the panel's own address, "" if it does not say.
	MAC string
	// Product is the board that the panel names, like "msm8953_64".
	Product string
	// Version is that of the panel's system, as it says it.
	Version string
}

// DecodeAnswer reads the head of an answer on the response topic. Tables in it are left
// to [DecodeSync].
func DecodeAnswer(b []byte) (Answer, error) {
	var raw struct {
		ID      text `json:"requestID"`
		Delete  text `json:"delete_request"`
		MAC     text `json:"master_mac"`
		Product text `json:"primary_product_type"`
		Version text `json:"primary_sdk_version"`
	}
	if err := unmarshal(b, &raw); err != nil {
		return Answer{}, err
	}
	deleted, _ := raw.Delete.truth()
	return Answer{ID: string(raw.ID), Deleted: deleted, MAC: string(raw.MAC), Product: string(raw.Product), Version: string(raw.Version)}, nil
}

// unmarshal keeps the input out of the error: encoding/json quotes what it stumbles over.
func unmarshal(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		if errors.Is(err, ErrForm) {
			return err
		}
		return ErrForm
	}
	return nil
}
