package roster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-a2d3eaca/keyholder/accounts"
	"github.com/seed-a2d3eaca/keyholder/credentials"
	"github.com/seed-a2d3eaca/keyholder/roster"
)

// Five hundred ends in one second at devices that take a second for each: all are done by
// the time that was shown, and the sweep finds nothing.
//
// Rules: G218, G73
func TestManyEndsAreDoneByTheTimeShown(t *testing.T) {
	inFleet(t, nil, func(f *fleet) {
		const boxes, persons = 10, 50
		var idents []string
		for i := range boxes {
			m := codesOnly()
			m.Slots.Last = persons + 5
			idents = append(idents, fmt.Sprintf("box%d", i))
			f.device(idents[i], "north", m, func(d *device) { d.pace = time.Second })
		}
		pass(time.Minute)
		var who []accounts.ID
		end := time.Now().Add(65 * time.Minute).Truncate(time.Second)
		for i := range persons {
			who = append(who, accounts.ID(fmt.Sprintf("guest%d", i)))
			_, err := f.person(who[i]).GeneratePIN(f.ctx, 6)
			require.NoError(f, err)
			require.NoError(f, f.person(who[i]).SetWindow(f.ctx, credentials.Window{Until: end}))
		}
		f.rule(roster.AccessRule{ID: "staff", Site: "north"}, who, idents...)
		pass(time.Until(end) - time.Second)
		for _, ident := range idents {
			f.do(func() { require.Len(f, f.all[ident].users, persons) })
		}
		pass(3 * time.Second)
		shown := map[string]time.Time{}
		open, err := f.operator().Outstanding(f.ctx)
		require.NoError(f, err)
		require.Greater(f, len(open), boxes*persons-3*boxes)
		for _, m := range open {
			require.Equal(f, roster.RemovalOpen, m.Kind)
			require.False(f, m.By.IsZero())
			if m.By.After(shown[m.Ident]) {
				shown[m.Ident] = m.By
			}
		}
		live, err := f.person(who[0]).Live(f.ctx)
		require.NoError(f, err)
		for _, d := range live.On {
			require.True(f, d.By.Equal(shown[d.Ident]))
		}
		for ident, by := range shown {
			require.Less(f, by.Sub(end), 3*time.Minute, "it is an estimate, not a guess")
			pass(max(0, time.Until(by)))
			f.do(func() { require.Empty(f, f.all[ident].users, ident) })
		}
		f.swept(0)
		risks := 0
		f.do(func() {
			for _, a := range f.alerts {
				require.NotEqual(f, roster.SweepFound, a.Kind, "%s at %s", a.Text, a.At)
				if a.Kind == roster.EndAtRisk {
					risks++
				}
			}
		})
		require.Zero(f, risks, "nothing waited when the ends were near")
	})
}

// A device that will not do what is due is told of before the end, once.
//
// Rules: G218
func TestAWedgedLineIsToldBeforeItsEnd(t *testing.T) {
	for what, wedge := range map[string]func(*device){
		"away":  func(d *device) { d.away = true },
		"armed": func(d *device) { d.armed = true },
	} {
		t.Run(what, func(t *testing.T) {
			inFleet(t, nil, func(f *fleet) {
				d := f.device("lobby", "north", codesOnly())
				f.device("own windows", "north", withWindows())
				pass(time.Minute)
				f.rule(roster.AccessRule{ID: "staff", Site: "north"}, []accounts.ID{"guest"}, "lobby", "own windows")
				require.NoError(f, f.person("guest").SetPIN(f.ctx, known("6137")))
				end := time.Now().Add(5 * time.Hour).Truncate(time.Second)
				require.NoError(f, f.person("guest").SetWindow(f.ctx, credentials.Window{Until: end}))
				pass(settling)
				f.do(func() { wedge(d) })
				f.rule(roster.AccessRule{ID: "more", Site: "north"}, []accounts.ID{"other"}, "lobby")
				require.NoError(f, f.person("other").SetPIN(f.ctx, known("7283"))) // something is tried there
				pass(3 * time.Hour)
				risks := func() (out []roster.Alert) {
					f.do(func() {
						for _, a := range f.alerts {
							if a.Kind == roster.EndAtRisk {
								out = append(out, a)
							}
						}
					})
					return out
				}
				require.Empty(f, risks())
				pass(time.Until(end) - time.Minute)
				told := risks()
				require.Len(f, told, 1)
				require.Equal(f, f.ids["lobby"], told[0].Panel)
				require.True(f, strings.HasPrefix(told[0].Text, "an end at "))
				require.Equal(f, slot(1), told[0].Place)
				pass(time.Hour)
				require.Len(f, risks(), 1)
				live, err := f.person("guest").Live(f.ctx)
				require.NoError(f, err)
				require.Len(f, live.On, 1)
				require.True(f, live.On[0].By.IsZero(), "nobody can say")
				require.NotEmpty(f, live.On[0].Words)
			})
		})
	}
}
