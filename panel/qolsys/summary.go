package qolsys

import (
	"encoding/json"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// question asks for the summary. The panel answers each write with the line ACK, which
// says that bytes came, then with one JSON object a line.
func question(nonce string, token panel.Secret) []byte {
	b, _ := json.Marshal(struct { // strings and a number: it cannot fail
		Action  string `json:"action"`
		Kind    string `json:"info_type"`
		Nonce   string `json:"nonce"`
		Source  string `json:"source"`
		Version int    `json:"version"`
		Token   string `json:"token"`
	}{"INFO", "SUMMARY", nonce, "C4", 0, token.Reveal()})
	return append(b, '\n')
}

// summary is what is taken from the panel's answer.
type summary struct {
	armed bool // some partition is, or is about to be
}

// decodeSummary reads a line; ok is false for one that is no answer to this question: an
// acknowledgement, an event, an unknown or damaged line, the answer to an earlier
// question. An answer without a nonce is taken for this one's.
func decodeSummary(line []byte, nonce string) (s summary, ok bool) {
	var raw struct {
		Event      string `json:"event"`
		Kind       string `json:"info_type"`
		Nonce      string `json:"nonce"`
		Partitions []struct {
			Status string `json:"status"`
		} `json:"partition_list"`
	}
	if json.Unmarshal(line, &raw) != nil || raw.Event != "INFO" || raw.Kind != "SUMMARY" || len(raw.Partitions) == 0 {
		return summary{}, false
	}
	if raw.Nonce != "" && raw.Nonce != nonce {
		return summary{}, false
	}
	for _, p := range raw.Partitions {
		s.armed = s.armed || p.Status != "DISARM"
	}
	return s, true
}
