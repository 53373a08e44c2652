package credentials_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-a2d3eaca/keyholder/credentials"
)

func twoKeys(t require.TestingT) *credentials.Ring {
	ring, err := credentials.NewKeyring("", []credentials.Key{credentials.GenerateKey(), credentials.GenerateKey()}, credentials.KeyringOptions{})
	require.NoError(t, err)
	return ring
}

var tenant = credentials.Scope{Kind: credentials.TenantScope}

// Two codes meet exactly if they are equal or one of them keeps the other free, whatever
// the rules, under both keys of a rotation.
//
// Rules: G52, G55, G65, G190
func TestClaimsMeetWhereCodesMay(t *testing.T) {
	ring := twoKeys(t)
	rules := []credentials.Near{
		credentials.NearDSC(), credentials.NearBosch(), credentials.NearSPC(2), credentials.NearAdemco(),
		credentials.NearRoger(), credentials.NearTAC(), credentials.NearTypo(),
	}
	rapid.Check(t, func(t *rapid.T) {
		p := credentials.Policy{Near: rapid.SliceOfN(rapid.SampledFrom(rules), 0, 2).Draw(t, "rules")}
		a := code(rapid.StringMatching(`12[0-3][0-9]`).Draw(t, "a"))
		b := code(rapid.StringMatching(`12[0-3][0-9]`).Draw(t, "b"))
		forcedA, forcedB := rapid.Bool().Draw(t, "a duress"), rapid.Bool().Draw(t, "b duress")
		ca, err := p.Claim(ring, tenant, a, forcedA)
		require.NoError(t, err)
		cb, err := p.Claim(ring, tenant, b, forcedB)
		require.NoError(t, err)
		require.Len(t, ca.Hold, 2, "one for each key")
		want := a.Equal(b)
		for _, n := range p.Reserves(a, forcedA) {
			want = want || n.Equal(b)
		}
		for _, n := range p.Reserves(b, forcedB) {
			want = want || n.Equal(a)
		}
		require.Equal(t, want, ca.Meets(cb))
		require.Equal(t, want, cb.Meets(ca))
	})
}

// Rules: G65
func TestOnlyADuressCodeKeepsItsNeighboursFree(t *testing.T) {
	ring, p := twoKeys(t), credentials.Policy{Near: []credentials.Near{credentials.NearTypo()}}
	claim := func(c credentials.Code, duress bool) credentials.Claim {
		made, err := p.Claim(ring, tenant, c, duress)
		require.NoError(t, err)
		return made
	}
	own := code("5823")
	near := p.Reserves(own, true)
	require.Len(t, near, 36)
	for _, n := range near {
		assert.True(t, claim(own, true).Meets(claim(n, false)), n.Reveal())
		assert.True(t, claim(n, false).Meets(claim(own, true)), n.Reveal())
		assert.False(t, claim(own, false).Meets(claim(n, false)), n.Reveal())
	}
}

// Rules: G55, G182
func TestACardsNumbersAreNobodysCode(t *testing.T) {
	ring := twoKeys(t)
	tag, err := credentials.H10301().Make(12, 345)
	require.NoError(t, err)
	claim, err := credentials.ClaimTag(ring, tenant, tag, credentials.H10304(), credentials.H10301())
	require.NoError(t, err)
	for digits, want := range map[string]bool{"1200345": true, "01200345": true, "345": false, "00345": false, "1234": false} {
		c, err := (credentials.Policy{}).Claim(ring, tenant, code(digits), false)
		require.NoError(t, err)
		assert.Equal(t, want, claim.Meets(c), digits)
	}
	number, err := credentials.H10302().Make(0, 345)
	require.NoError(t, err)
	claim, err = credentials.ClaimTag(ring, tenant, number, credentials.H10302())
	require.NoError(t, err)
	c, err := (credentials.Policy{}).Claim(ring, tenant, code("345"), false)
	require.NoError(t, err)
	assert.True(t, claim.Meets(c))
}

func TestClaimsNeedTheirKeys(t *testing.T) {
	_, err := (credentials.Policy{}).Claim(missing{twoKeys(t)}, tenant, code("1357"), true)
	require.ErrorIs(t, err, credentials.ErrKeyMissing)
	tag, err := credentials.ParseTag("2a5", 26)
	require.NoError(t, err)
	_, err = credentials.ClaimTag(missing{twoKeys(t)}, tenant, tag)
	assert.ErrorIs(t, err, credentials.ErrKeyMissing)
}

// missing is a keyring whose epoch names a key that it does not have.
type missing struct{ credentials.Sealer }

func (missing) Epoch() credentials.Epoch { return credentials.Epoch{N: 2, Prints: []string{"gone"}} }
