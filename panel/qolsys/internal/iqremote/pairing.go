package iqremote

import (
	"bufio"
	"encoding/binary"
	"io"
	"strings"
)

// Pairing is spoken inside TLS: the panel, which called, sends its address; the remote
// sends its own, its signing request and the word "sent"; the panel sends the remote's
// certificate and its authority's, each followed by the word "sent".
const sent = "sent"

// maxPEM bounds what may come before and in a certificate.
const maxPEM = 64 << 10

// ReadMAC reads an address as the panel sends it: a length of two bytes, then the text.
func ReadMAC(r io.Reader) (string, error) {
	b := make([]byte, 2+macLen)
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return "", err
	}
	if int(binary.BigEndian.Uint16(b)) != macLen {
		return "", ErrForm
	}
	if _, err := io.ReadFull(r, b[2:]); err != nil {
		return "", err
	}
	return ParseMAC(string(b[2:]))
}

// Reply is what the remote sends: its address, its signing request and the word "sent".
func Reply(mac string, csr []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(mac)))
	b = append(b, mac...)
	b = append(b, csr...)
	return append(b, sent...)
}

// ReadCertificate skips to the next certificate in PEM and returns it, its first and last
// line included. More than 64 KiB without its end is [ErrForm].
func ReadCertificate(r *bufio.Reader) ([]byte, error) {
	const first, last = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
	var pem []byte
	for total := 0; total < maxPEM; {
		line, err := r.ReadSlice('\n')
		if err != nil && len(pem) == 0 {
			return nil, err
		}
		total += len(line)
		// The word behind the certificate before has no line of its own.
		if i := strings.Index(string(line), first); i >= 0 && len(pem) == 0 {
			line = line[i:]
		} else if len(pem) == 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		pem = append(pem, line...)
		if strings.TrimSpace(string(line)) == last {
			return pem, nil
		}
	}
	return nil, ErrForm
}
