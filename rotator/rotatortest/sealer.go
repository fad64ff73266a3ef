package rotatortest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"keyturn/rotator"
)

// Sealer ties a secret to its binding, and hides nothing.
type Sealer struct{}

var _ rotator.Sealer = Sealer{}

// Prepare implements rotator.Sealer.
func (Sealer) Prepare(_ context.Context, b rotator.Binding) (rotator.Sealing, error) {
	return sealing{b}, nil
}

// Open implements rotator.Sealer.
func (Sealer) Open(_ context.Context, b rotator.Binding, sealed []byte) ([]byte, error) {
	head := sum(b)
	if len(sealed) < len(head) || string(sealed[:len(head)]) != head {
		return nil, errors.New("sealed for another binding")
	}
	return slices.Clone(sealed[len(head):]), nil
}

type sealing struct{ b rotator.Binding }

func (s sealing) Seal(key rotator.KeyID, plain []byte) ([]byte, error) {
	s.b.Key = key
	return append([]byte(sum(s.b)), plain...), nil
}

func sum(b rotator.Binding) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%q", b)))
}
