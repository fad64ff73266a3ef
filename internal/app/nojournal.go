package app

import (
	"context"
	"errors"

	"keyturn/rotator"
)

// noJournal is what commands that only read see before the first rotation: a journal that holds nothing.
type noJournal struct{}

var errNoJournal = errors.New("there is no journal yet: the first rotation makes it")

func (noJournal) ID() string                                       { return "" }
func (noJournal) Users(context.Context) ([]rotator.UserRef, error) { return nil, nil }
func (noJournal) Append(context.Context, rotator.Stream, rotator.Seq, rotator.Event, []byte) (rotator.Seq, error) {
	return 0, errNoJournal
}
func (noJournal) Events(_ context.Context, s rotator.Stream) (rotator.Log, error) {
	return rotator.Log{Stream: s}, nil
}
func (noJournal) Sealed(context.Context, rotator.ID) ([]byte, error)       { return nil, rotator.ErrNoSecret }
func (noJournal) Pending(context.Context) ([]rotator.ID, error)            { return nil, nil }
func (noJournal) Reseal(context.Context, rotator.ID, []byte, []byte) error { return errNoJournal }
func (noJournal) Forget(context.Context, rotator.ID) error                 { return nil }
func (noJournal) Owner() rotator.Owner                                     { return rotator.Owner{} }
func (noJournal) Gone(rotator.Owner) bool                                  { return false }
func (noJournal) Close() error                                             { return nil }
