package main

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/credentials/otp"
	"github.com/seed-a2d3eaca/keyholder/credentials/password"
	"github.com/seed-a2d3eaca/keyholder/signin"
	"github.com/seed-a2d3eaca/keyholder/store/memstore"
)

// rivalCost is PocketBase's cost of bcrypt, so that ours takes no longer.
const rivalCost = 10

// known compares how long a wrong password takes for an account that is there and for one
// that is not.
func known(m *meter, t *table, s accountSizes) error {
	cost := min(s.cost, rivalCost)
	r, err := openReception(m.ctx, memstore.Open(), cost, unlimited())
	if err != nil {
		return err
	}
	if err := r.owner(); err != nil {
		return err
	}
	pb, err := openPocketBase(m.ctx, m.dir)
	if err != nil {
		return err
	}
	defer pb.close()
	try := func(name string) op {
		return func() error {
			if _, err := r.signin.SignIn(m.ctx, signin.Attempt{Name: name, Password: password.Of(wrong)}); err == nil {
				return errors.New("a wrong password let somebody in")
			}
			return nil
		}
	}
	gap, err := gapOf(s.samples, try("owner"), try("nobody"))
	if err != nil {
		return err
	}
	theirs, err := gapOf(s.samples, pb.try("owner@example.com"), pb.try("nobody@example.com"))
	if err != nil {
		return err
	}
	t.score(fmt.Sprintf("an account that is there, and one that is not, medians of %d [a3]", s.samples), fmt.Sprintf("%.1f%% apart", 100*gap),
		fmt.Sprintf("PocketBase: %.0f%% apart", 100*theirs), "≤ 5%", gap <= 0.05)
	t.note("[a3] A wrong password, at a cost of bcrypt of %d; by turns. The difference of the medians, by the median for the account that is there.", cost)
	return nil
}

// gapOf is how far the medians of two operations are apart, by the first one's.
func gapOf(samples int, there, absent op) (float64, error) {
	var a, b []time.Duration
	for range samples {
		for _, x := range []struct {
			do op
			to *[]time.Duration
		}{{there, &a}, {absent, &b}} {
			began := time.Now()
			if err := x.do(); err != nil {
				return 0, err
			}
			*x.to = append(*x.to, time.Since(began))
		}
	}
	return math.Abs(float64(median(a)-median(b))) / float64(median(a)), nil
}

// replays are codes and passwords that must not work.
func replays(m *meter, t *table, s accountSizes) error {
	r, err := openReception(m.ctx, memstore.Open(), min(s.cost, rivalCost), unlimited())
	if err != nil {
		return err
	}
	if err := r.owner(); err != nil {
		return err
	}
	said, err := r.backAndForth()
	if err != nil {
		return err
	}
	t.score("an app's codes A, B, A again [a4]", said, "PocketBase: no app codes", "A, B, refused", said == "A, B, refused")
	t.note("[a4] A is the code of a moment, B the next one; both are in their time when A comes again.")

	pb, err := openPocketBase(m.ctx, m.dir)
	if err != nil {
		return err
	}
	defer pb.close()
	long := strings.Repeat("Violet-9", 9)
	if err := r.join("long", long); err != nil {
		return err
	}
	_, err = r.signin.SignIn(m.ctx, signin.Attempt{Name: "long", Password: password.Of(long + "suffix")})
	theirs, errTheirs := pb.suffix(long)
	t.score(fmt.Sprintf("a password of %d bytes with a suffix", len(long)), letIn(err == nil), "PocketBase: "+theirs, "refused", err != nil)
	return errTheirs
}

func letIn(in bool) string {
	if in {
		return "let in"
	}
	return "refused"
}

// backAndForth signs in with an app's code, the next one, and the first again.
func (r *reception) backAndForth() (string, error) {
	enter := func() (signin.Result, error) {
		return r.signin.SignIn(r.ctx, signin.Attempt{Name: "owner", Password: password.Of(right)})
	}
	in, err := enter()
	if err != nil {
		return "", err
	}
	o, err := r.signin.Owner(r.ctx, in.Token, signin.From{})
	if err != nil {
		return "", err
	}
	secret, err := o.EnrolApp(r.ctx)
	if err != nil {
		return "", err
	}
	now := time.Now()
	code := func(later time.Duration) otp.Answer { return otp.AnswerOf(secret.At(now.Add(later)).Reveal()) }
	if _, _, err := o.ConfirmApp(r.ctx, code(-otp.Period)); err != nil {
		return "", err
	}
	var said []string
	for _, x := range []struct {
		name string
		code otp.Answer
	}{{"A", code(0)}, {"B", code(otp.Period)}, {"A", code(0)}} {
		c, err := enter()
		if err != nil {
			return "", err
		}
		if _, err := r.signin.Answer(r.ctx, signin.Reply{Challenge: c.Challenge.Token, Method: signin.App, Code: x.code}); err != nil {
			x.name = "refused"
		}
		said = append(said, x.name)
	}
	return strings.Join(said, ", "), nil
}

// uniform counts the digits of codes that are sent.
func uniform(t *table, s accountSizes) error {
	const digits, critical = 8, 27.88 // 9 degrees of freedom, one run in a thousand is above it by chance
	var all strings.Builder
	for range s.codes {
		c, err := credentials.Generate(nil, digits, credentials.Policy{Lens: []int{digits}}, nil)
		if err != nil {
			return err
		}
		all.WriteString(c.Reveal())
	}
	chi := chiSquare(all.String())
	t.score(fmt.Sprintf("the digits of %d codes [a5]", s.codes), fmt.Sprintf("chi-square %.1f", chi), fmt.Sprintf("PocketBase: chi-square %.1f", pocketDigits(s.codes, digits)),
		fmt.Sprintf("≤ %.2f", critical), chi <= critical)
	t.note("[a5] Against every digit as often as any other; 9 degrees of freedom, p = 0.001.")
	return nil
}

// chiSquare is how far digits are from each being as frequent as any other.
func chiSquare(text string) (chi float64) {
	var n [10]int
	for _, d := range text {
		n[d-'0']++
	}
	want := float64(len(text)) / 10
	for _, have := range n {
		chi += (float64(have) - want) * (float64(have) - want) / want
	}
	return chi
}

// signingIn compares a sign-in with the comparison of a hash that is in it.
func signingIn(m *meter, t *table, s accountSizes) error {
	r, err := openReception(m.ctx, memstore.Open(), s.cost, unlimited())
	if err != nil {
		return err
	}
	if err := r.owner(); err != nil {
		return err
	}
	typed := []byte(right)
	hash, err := bcrypt.GenerateFromPassword(typed, s.cost)
	if err != nil {
		return err
	}
	c, err := m.cost(func() error {
		_, err := r.signin.SignIn(m.ctx, signin.Attempt{Name: "owner", Password: password.Of(right)})
		return err
	}, func() error { return bcrypt.CompareHashAndPassword(hash, typed) })
	if err != nil {
		return err
	}
	t.ratio("signing in [a8]", c.processor, "one bcrypt comparison", 1.1)
	low, middle, high := c.clock.ratios()
	t.note("[a8] Processor time, which a busy machine does not change as it does the clock's; by the clock %.2f (%.2f to %.2f). Cost %d: the attempt counted, the hash compared, the session with its entry in the log, the attempt given back.",
		middle, low, high, s.cost)
	return nil
}
