package announce

import (
	"context"
	"net"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel/qolsys"
)

var sought = qolsys.Announcement{Instance: "NsdPairService", Service: "_http._tcp", Domain: "local.", Port: 51234}

// A panel asks for the service, then finds instance, port and address.
func TestRecords(t *testing.T) {
	zone, err := records(sought, []net.IP{net.IPv4(192, 0, 2, 7)})
	require.NoError(t, err)
	var pointer *dns.PTR
	var service *dns.SRV
	var address *dns.A
	for _, r := range zone.Records(dns.Question{Name: "_http._tcp.local.", Qtype: dns.TypePTR, Qclass: dns.ClassINET}) {
		switch r := r.(type) {
		case *dns.PTR:
			pointer = r
		case *dns.SRV:
			service = r
		case *dns.A:
			address = r
		}
	}
	require.NotNil(t, pointer)
	require.NotNil(t, service)
	require.NotNil(t, address)
	assert.Equal(t, "NsdPairService._http._tcp.local.", pointer.Ptr)
	assert.Equal(t, pointer.Ptr, service.Hdr.Name)
	assert.Equal(t, uint16(51234), service.Port)
	assert.Equal(t, "keyholder-pairing.local.", service.Target)
	assert.Equal(t, service.Target, address.Hdr.Name)
	assert.True(t, address.A.Equal(net.IPv4(192, 0, 2, 7)))
	assert.Empty(t, zone.Records(dns.Question{Name: "_other._tcp.local.", Qtype: dns.TypePTR, Qclass: dns.ClassINET}))
}

func TestNothingToAnnounce(t *testing.T) {
	_, err := records(sought, nil)
	require.ErrorIs(t, err, ErrNoAddress)
	wrong := sought
	wrong.Port = 0
	_, err = records(wrong, []net.IP{net.IPv4(192, 0, 2, 7)})
	require.Error(t, err)
}

// The announcement opens its sockets and gives them back: with its end, and with ctx's.
func TestOnEvery(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c, err := OnEvery()(ctx, sought)
	if err != nil {
		require.ErrorIs(t, err, ErrNoAddress, "a machine without a network")
		return
	}
	require.NoError(t, c.Close())
	require.NoError(t, c.Close(), "twice is once")
	c, err = OnEvery()(ctx, sought)
	require.NoError(t, err)
	cancel()
	require.NoError(t, c.Close())
}
