package app

import (
	"slices"

	"go.uber.org/zap"
)

// stops are what was opened, to be closed in reverse order.
type stops []stop

type stop struct {
	name string
	f    func() error
}

func (s *stops) add(name string, f func() error) { *s = append(*s, stop{name, f}) }

func (s *stops) run(log *zap.Logger) {
	for _, st := range slices.Backward(*s) {
		if err := st.f(); err != nil {
			log.Warn("closing failed", zap.String("what", st.name), zap.Error(err))
		}
	}
	*s = nil
}
