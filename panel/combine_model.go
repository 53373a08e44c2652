package panel

import (
	"slices"
	"strings"
	"time"
)

// founder is the part that creates and removes users: the first that writes codes.
func founder(models []Model) int {
	return max(0, slices.IndexFunc(models, func(m Model) bool { return m.Writes().Has(FieldCode) }))
}

// writer is the part that writes a field in an edit of this kind, -1 for none. Only the
// founder creates: for the others the user is there by then.
func writer(models []Model, do Do, f Field) int {
	first := founder(models)
	for i, m := range models {
		can := m.Change
		switch {
		case do == Remove:
			can = m.Writes()
		case do != Change && !models[first].Create.Has(FieldCode):
			can = 0
		case do != Change && i == first:
			can = m.Create
		}
		if can.Has(f) {
			return i
		}
	}
	return -1
}

// witness is the part whose reports of a field count, -1 for none.
func witness(models []Model, f Field) int {
	if f == FieldCode {
		best := 0
		for i, m := range models {
			if m.Sight > models[best].Sight {
				best = i
			}
		}
		return best
	}
	return slices.IndexFunc(models, func(m Model) bool { return m.Read.Has(f) })
}

// authority is the part that knows the rules of a field: who writes it, else who sees it.
func authority(models []Model, f Field) Model {
	for _, i := range []int{writer(models, Change, f), writer(models, Create, f), witness(models, f)} {
		if i >= 0 {
			return models[i]
		}
	}
	return models[founder(models)]
}

// mergeModels is the model of all routes together.
func mergeModels(models []Model) Model {
	m := models[founder(models)]
	m.Create, m.Change, m.Read, m.Hands, m.HandsOnce, m.Experimental = 0, 0, 0, 0, 0, 0
	for f := range AllFields.Each() {
		for do, can := range map[Do]*Field{Create: &m.Create, Change: &m.Change} {
			if i := writer(models, do, f); i >= 0 {
				*can |= f
				m.Experimental |= models[i].Experimental & f
			}
		}
	}
	m.Guides = nil
	var evidence []string
	for _, one := range models {
		m.Read |= one.Read
		m.HandsOnce = (m.HandsOnce &^ one.Hands) | (one.HandsOnce &^ m.Hands) | (m.HandsOnce & one.HandsOnce)
		m.Hands |= one.Hands
		m.Tells = m.Tells || one.TellsWhoOpened()
		m.Hold = max(m.Hold, one.Hold)
		m.Lag = max(m.Lag, one.Lag)
		m.Linger = shorter(m.Linger, one.Linger)
		if m.Secret == 0 {
			m.Secret = one.Secret
		}
		if !slices.Contains(evidence, one.Evidence) {
			evidence = append(evidence, one.Evidence)
		}
	}
	m.Hands &^= m.Writes()
	m.HandsOnce &= m.Hands
	for _, one := range models {
		for _, g := range one.Guides {
			if m.Hands&g.Set != 0 {
				m.Guides = append(m.Guides, g)
			}
		}
	}
	m.Evidence = strings.Join(evidence, "; ")
	m.Sight = models[witness(models, FieldCode)].Sight
	m.Label = authority(models, FieldLabel).Label
	m.Partitions = authority(models, FieldPartitions).Partitions
	roles := authority(models, FieldRole)
	m.Roles, m.DefaultRole = roles.Roles, roles.DefaultRole
	return m
}

// shorter is the shorter of two times of which zero means none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
