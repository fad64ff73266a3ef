package awsauth

import (
	"container/list"
	"sync"
)

// maxSessions bounds the credentials that are kept. A rotation needs its own for as long as
// it runs; the oldest are dropped, and fetched again if they are still wanted.
const maxSessions = 1024

// sessions keeps credentials by account and session name, the recently used ones.
type sessions struct {
	mu    sync.Mutex
	max   int
	order *list.List // of *entry, most recent first
	by    map[sessionKey]*list.Element
}

type sessionKey struct{ account, name string }

type entry struct {
	key   sessionKey
	creds *provider
}

func newSessions(limit int) *sessions {
	return &sessions{max: limit, order: list.New(), by: map[sessionKey]*list.Element{}}
}

// get finds the session or makes it.
func (s *sessions) get(account, name string, fresh func() *provider) *provider {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sessionKey{account, name}
	if e, ok := s.by[key]; ok {
		s.order.MoveToFront(e)
		return e.Value.(*entry).creds
	}
	e := &entry{key: key, creds: fresh()}
	s.by[key] = s.order.PushFront(e)
	if s.order.Len() > s.max {
		oldest := s.order.Remove(s.order.Back()).(*entry)
		delete(s.by, oldest.key)
	}
	return e.creds
}
