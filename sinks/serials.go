package sinks

import (
	"context"
	"sync"
)

// Serials lets one caller at a time work on a place, whichever sinks they belong to: some stores lose one of two
// changes that are made side by side. The zero Serials is ready to use.
type Serials struct {
	mu     sync.Mutex
	places map[string]chan struct{} // holds an element while nobody is at it
}

// Enter waits until nobody else works on place, and returns what ends the caller's turn. Its error is
// the cause of ctx.
func (s *Serials) Enter(ctx context.Context, place string) (leave func(), err error) {
	turn := s.turn(place)
	select {
	case <-turn:
		return func() { turn <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *Serials) turn(place string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places == nil {
		s.places = map[string]chan struct{}{}
	}
	turn, ok := s.places[place]
	if !ok {
		turn = make(chan struct{}, 1)
		turn <- struct{}{}
		s.places[place] = turn
	}
	return turn
}
