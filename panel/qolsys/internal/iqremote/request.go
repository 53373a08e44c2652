package iqremote

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
)

// Topics of the panel's broker.
const (
	TopicRequest = "mastermeid" // a remote publishes commands
	TopicChanges = "iq2meid"    // the panel tells what has changed
)

// ResponseTopic is where the panel answers the remote with this address.
func ResponseTopic(mac string) string { return "response_" + mac }

// NewID makes a random id in the form of a UUID of version 4.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// envelope is what every command has.
type envelope struct {
	ID     string `json:"requestID"`
	Topic  string `json:"responseTopic"`
	Event  string `json:"eventName"`
	Remote string `json:"remoteMacAddress"`
}

func envelopeOf(event, id, mac string) envelope {
	return envelope{ID: id, Topic: ResponseTopic(mac), Event: event, Remote: mac}
}

type connect struct {
	envelope
	Address  string `json:"ipAddress"`
	Pairing  bool   `json:"pairing_request"`
	MAC      string `json:"macAddress"`
	Client   string `json:"remoteClientID"`
	Software string `json:"softwareVersion"`
	Product  string `json:"productType"`
	BSSID    string `json:"bssid"`
	Checksum string `json:"lastUpdateChecksum"`
	Icons    string `json:"dealerIconsCheckSum"`
	Features string `json:"remote_feature_support_version"`
	DHCP     string `json:"dhcpInfo"`
}

// Connect is the first command of a session: the remote names itself as the software and
// product that the panel is known to accept. address is the remote's own IP address.
func Connect(id, mac, client, address string) []byte {
	return encode(connect{
		envelope: envelopeOf("connect_v204", id, mac),
		Address:  address, Pairing: true, MAC: mac, Client: client,
		Software: "4.4.1", Product: "tab07_rk68", Checksum: "2132501716", Features: "1", DHCP: "{}",
	})
}

// Sync asks for every table.
func Sync(id, mac string) []byte { return encode(envelopeOf("syncdatabase", id, mac)) }

// Ping tells the panel that the remote is alive; it is due every five minutes.
func Ping(id, mac, address string) []byte {
	return encode(struct {
		envelope
		MAC     string `json:"macAddress"`
		Status  string `json:"remote_panel_status"`
		Address string `json:"ipAddress"`
	}{envelopeOf("pingevent", id, mac), mac, "Active", address})
}

// encode never fails: only strings and booleans are given to it.
func encode(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}
