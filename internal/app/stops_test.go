package app

import (
	"errors"
	"slices"
	"testing"

	"go.uber.org/zap"
)

func TestStopsRunTheLastFirstAndAllOfThem(t *testing.T) {
	var order []string
	var s stops
	for _, name := range []string{"journal", "seal", "accounts"} {
		s.add(name, func() error {
			order = append(order, name)
			return errors.New("stuck")
		})
	}
	s.run(zap.NewNop())
	s.run(zap.NewNop())
	if want := []string{"accounts", "seal", "journal"}; !slices.Equal(order, want) {
		t.Errorf("got %v, want %v, once", order, want)
	}
}
