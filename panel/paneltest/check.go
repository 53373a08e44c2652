package paneltest

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// Check runs the part of the kit that changes nothing against a panel that is there: its
// model, a complete list, a second one, and the list behind each of its users. It
// returns everything that it finds, joined. Codes are neither asked for nor told.
//
// It is for the day when a driver that passes [Run] meets its first real panel. A panel
// that calls in must have arrived.
func Check(ctx context.Context, driver panel.Driver, target panel.Target) error {
	if err := checkModel(driver.Model()); err != nil {
		return err
	}
	s, err := driver.Open(ctx, target)
	if err != nil {
		return err
	}
	found := errors.Join(checkModel(s.Model()), checkNarrower(driver.Model(), s.Model()), checkLists(ctx, s))
	return errors.Join(found, s.Close())
}

func checkLists(ctx context.Context, s panel.Session) error {
	whole, err := listed(ctx, s, panel.Query{All: true})
	if err != nil {
		return err
	}
	again, err := listed(ctx, s, panel.Query{All: true})
	if err != nil {
		return err
	}
	if err := samePlaces("a second list", whole, again); err != nil {
		return err
	}
	for i, r := range whole {
		rest, err := listed(ctx, s, panel.Query{All: true, After: r.Place})
		if err == nil {
			err = samePlaces(fmt.Sprintf("the list behind %s", r.Place), whole[i+1:], rest)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// listed reads users, each once and as the model says.
func listed(ctx context.Context, s panel.Session, q panel.Query) ([]panel.Report, error) {
	var out []panel.Report
	seen := map[panel.Place]bool{}
	for e, err := range s.Read(ctx, q) {
		if err != nil {
			return nil, err
		}
		if e.User == nil {
			continue
		}
		if err := checkReport(s.Model(), *e.User, false); err != nil {
			return nil, err
		}
		if seen[e.User.Place] {
			return nil, fmt.Errorf("%w: %s is reported twice", panel.ErrDriver, e.User.Place)
		}
		seen[e.User.Place] = true
		out = append(out, *e.User)
	}
	return out, nil
}

func samePlaces(what string, want, got []panel.Report) error {
	if len(want) != len(got) {
		return fmt.Errorf("%w: %s has %d users, want %d", panel.ErrDriver, what, len(got), len(want))
	}
	for i := range want {
		if want[i].Place != got[i].Place {
			return fmt.Errorf("%w: %s has %s where %s was", panel.ErrDriver, what, got[i].Place, want[i].Place)
		}
	}
	return nil
}
