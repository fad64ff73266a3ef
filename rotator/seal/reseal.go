package seal

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"keyturn/rotator"
)

// Reseal changes the key that seals the journal: every secret that old opens is sealed with new, one by one, each compared
// and swapped, and only after new was seen to open it. It returns how many. What new opens already is left, so a Reseal that
// was interrupted is simply run again. A secret that neither opens stays as it is, and is in the error; the others are
// done all the same. It goes on until a pass finds nothing more to do; a keyturn that goes on
// sealing with old must be restarted with new.
//
// bindingOf tells what a rotation's secret was sealed for; the log of its user knows.
func Reseal(ctx context.Context, j rotator.Journal, old, new rotator.Sealer, bindingOf func(rotator.ID) (rotator.Binding, error)) (int, error) {
	total := 0
	for {
		n, err := resealAll(ctx, j, old, new, bindingOf)
		total += n
		if n == 0 || err != nil {
			return total, err
		}
	}
}

// resealAll is one pass.
func resealAll(ctx context.Context, j rotator.Journal, old, new rotator.Sealer, bindingOf func(rotator.ID) (rotator.Binding, error)) (n int, err error) {
	ids, err := j.Pending(ctx)
	if err != nil {
		return 0, fmt.Errorf("reseal: %w", err)
	}
	var errs []error
	for _, id := range ids {
		done, err := reseal(ctx, j, old, new, id, bindingOf)
		if err != nil {
			errs = append(errs, fmt.Errorf("reseal %s: %w", id, err))
		}
		if done {
			n++
		}
	}
	return n, errors.Join(errs...)
}

// reseal does one secret, again if it changes meanwhile. It does nothing if the secret is gone or sealed with new.
func reseal(ctx context.Context, j rotator.Journal, old, new rotator.Sealer, id rotator.ID, bindingOf func(rotator.ID) (rotator.Binding, error)) (bool, error) {
	for {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		sealed, err := j.Sealed(ctx, id)
		if errors.Is(err, rotator.ErrNoSecret) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		b, err := bindingOf(id)
		if err != nil {
			return false, err
		}
		fresh, err := exchange(ctx, old, new, b, sealed)
		if fresh == nil || err != nil {
			return false, err
		}
		if err := j.Reseal(ctx, id, sealed, fresh); !errors.Is(err, rotator.ErrConflict) {
			return err == nil, err
		}
	}
}

// exchange returns nil if new opens the secret already.
func exchange(ctx context.Context, old, new rotator.Sealer, b rotator.Binding, sealed []byte) ([]byte, error) {
	if plain, err := new.Open(ctx, b, sealed); err == nil {
		clear(plain)
		return nil, nil
	} else if !errors.Is(err, ErrOtherKey) {
		return nil, err
	}
	plain, err := old.Open(ctx, b, sealed)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	unissued := b
	unissued.Key = ""
	s, err := new.Prepare(ctx, unissued)
	if err != nil {
		return nil, err
	}
	fresh, err := s.Seal(b.Key, plain)
	if err != nil {
		return nil, err
	}
	opened, err := new.Open(ctx, b, fresh)
	if err != nil {
		return nil, err
	}
	defer clear(opened)
	if subtle.ConstantTimeCompare(opened, plain) != 1 {
		return nil, errors.New("what was sealed does not open to the same")
	}
	return fresh, nil
}
