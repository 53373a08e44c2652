package visonicsim

import (
	"bufio"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// frames are the published ones, by how their line in the driver's testdata begins.
func frames(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("../internal/powerlink/testdata/vectors.txt")
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	all := map[string]string{}
	for in := bufio.NewScanner(f); in.Scan(); {
		if cols := strings.Split(in.Text(), " | "); len(cols) == 5 {
			all[cols[0]] = strings.ReplaceAll(cols[4], " ", "")
		}
	}
	return all
}

// said lets a panel answer and returns its frames in hexadecimal.
func said(p *Panel, counter byte, question ...byte) (out []string) {
	c := &caller{Panel: p, counter: counter - 1, send: func(payload ...byte) bool {
		out = append(out, hex.EncodeToString(p.frame(payload...)))
		return true
	}}
	c.answer(question)
	return out
}

// The simulated panel says, byte for byte, what a real one said in the same state.
func TestAnswersAreThoseThatWereCaptured(t *testing.T) {
	v := frames(t)
	p := New(Options{Unpartitioned: true})
	p.slots[0].tag = false
	setting := func(counter, id byte) []string {
		return said(p, counter, 0xB0, 1, 0x35, 7, 2, 0xFF, 8, 0xFF, 2, id, 0, 0x43)
	}
	assert.Equal(t, []string{v["35 USER_CODES reply, PM-10, 48 slots, user1=1111"]}, setting(0x80, 0x08))
	assert.Equal(t, []string{v["35 setting 0x24 model/type ae 07"]}, setting(0x6D, 0x24))
	assert.Equal(t, []string{v["35 PARTITIONS_ENABLED 0"]}, setting(0x71, 0x30))
	assert.Equal(t, []string{v["42 USER_PARTITION_ACCESS reply, PM-10, 8 users [7,1,1,1,1,1,1,1]"]},
		said(p, 0x81, 0xB0, 1, 0x42, 0x0B, 2, 0xFF, 8, 0x0C, 6, 0xE2, 0, 0, 0, 0xFF, 0xFF, 0x43))
	assert.Equal(t, []string{v["3C panel type 07 model ae (PM-10)"]}, said(p, 0, 0x24, 0, 0, 0xAA, 0xAA, 0, 0, 0, 0, 0, 0))
	assert.Equal(t, []string{v["08 denied"]}, said(p, 0, 0x24, 0, 0, 0x56, 0x50, 0, 0, 0, 0, 0, 0))
	assert.Equal(t, []string{v["B0 06 invalid command (reason 02, refused command 05)"]}, said(p, 0, 0xB0, 1, 5, 3, 0, 0, 0, 0x43, 0))
	assert.Equal(t, []string{v["02 ack"]}, said(p, 0, 0x0F))

	p.Quirk(AlternateSum, true)
	p.Quirk(Marked, true)
	assert.Equal(t, []string{"0d0243bb0a"}, said(p, 0, 0x0F))
	assert.Equal(t, "2C2F", strings.ToUpper(hex.EncodeToString([]byte{byte(arc("\"VIS-ACK\"5564L001234#2A4CC3[\r\x02C\xba\n]") >> 8), byte(arc("\"VIS-ACK\"5564L001234#2A4CC3[\r\x02C\xba\n]"))})))

	large := New(Options{Type: 3})
	large.slots[0].code, large.slots[1].code, large.slots[4].code = "1234", "5678", "4321"
	large.download(true)
	assert.Equal(t, []string{v["3F synthetic reply 8 codes 1234 5678 - - 4321"]}, said(large, 0, 0x3E, 0xFA, 1, 0x10, 0, 0xB0, 0, 0, 0, 0, 0))
}

// The keypad keeps the panel's rules.
func TestKeypadKeepsThePanelsRules(t *testing.T) {
	p := New(Options{})
	edit := func(do panel.Do, slot int, digits string, access panel.Partitions) error {
		e := panel.Edit{Place: panel.Place{Slot: slot}, Do: do}
		if digits != "" {
			c, err := panel.ParseCode(digits)
			require.NoError(t, err)
			e.Set, e.Code = panel.FieldCode, c
		}
		if access != 0 {
			e.Set, e.Partitions = e.Set|panel.FieldPartitions, access
		}
		return p.Keypad(e)
	}
	require.NoError(t, edit(panel.Create, 5, "4871", 6))
	for name, err := range map[string]error{
		"a code of zeros":         edit(panel.Create, 6, "0000", 0),
		"the duress code":         edit(panel.Create, 6, duress, 0),
		"another's code":          edit(panel.Create, 6, "4871", 0),
		"six digits":              edit(panel.Create, 6, "487112", 0),
		"a place that is taken":   edit(panel.Create, 5, "4872", 0),
		"a ninth user":            edit(panel.Create, 9, "4872", 0),
		"changing nobody":         edit(panel.Change, 6, "4872", 0),
		"the Master's partitions": edit(panel.Change, 1, "", 1),
		"a fourth partition":      edit(panel.Change, 5, "", 8),
		"removing the Master":     edit(panel.Remove, 1, "", 0),
		"a user in no place":      edit(panel.Remove, 0, "", 0),
	} {
		assert.ErrorIs(t, err, panel.ErrRefused, name)
	}
	require.Len(t, p.Users(), 2)
	assert.Equal(t, panel.Partitions(6), p.Users()[1].Partitions)
	require.NoError(t, edit(panel.Remove, 5, "", 0))
	assert.Len(t, p.Users(), 1)
}

func TestQuirksAreListed(t *testing.T) {
	for _, wire := range []Wire{Serial, RPC, PowerLink} {
		p := New(Options{Wire: wire})
		for _, q := range p.Quirks() {
			assert.True(t, p.Quirk(q, true), q)
			assert.True(t, p.quirk(q), q)
		}
		assert.False(t, p.Quirk("no such quirk", true))
	}
}
