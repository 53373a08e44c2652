package qolsyssim

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
)

// Pair is somebody who touches Pair at the panel: the panel calls the remote over conn,
// names itself, and signs the remote's key. It returns the address that the remote gave.
func (id *Identity) Pair(ctx context.Context, conn net.Conn) (remote string, err error) {
	c := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}) //nolint:gosec // the panel has nothing to check the remote against
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := c.HandshakeContext(ctx); err != nil {
		return "", err
	}
	if _, err := c.Write(append([]byte{0, 17}, id.MAC...)); err != nil {
		return "", err
	}
	r := bufio.NewReader(c)
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", err
	}
	mac := make([]byte, binary.BigEndian.Uint16(head))
	if _, err := io.ReadFull(r, mac); err != nil {
		return "", err
	}
	request, err := untilSent(r)
	if err != nil {
		return "", err
	}
	own, authority, err := id.certify([]byte(request))
	if err != nil {
		return "", err
	}
	for _, text := range [][]byte{own, authority} {
		if _, err := c.Write(append(text, "sent"...)); err != nil {
			return "", err
		}
	}
	return string(mac), nil
}

// untilSent reads up to the word that ends a part.
func untilSent(r io.ByteReader) (string, error) {
	var b strings.Builder
	for b.Len() < 16<<10 {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		b.WriteByte(c)
		if text, ok := strings.CutSuffix(b.String(), "sent"); ok {
			return text, nil
		}
	}
	return "", fmt.Errorf("%w: no end", errPairing)
}
