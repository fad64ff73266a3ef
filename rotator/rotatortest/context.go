package rotatortest

import "context"

// Faults are what goes wrong with the calls of one process, when several use the same models.
type Faults struct {
	// IAM is asked once per call. then is called when the call was applied or refused, before its answer.
	IAM func(Call) (f Fault, then func())
	// Sink is the same for calls of stores: check, push, verify, serving.
	Sink func(store, op string) (f SinkFault, then func())
}

type faultsKey struct{}

// WithFaults makes the models ask f about calls with the context that is returned, and not their own hooks.
func WithFaults(ctx context.Context, f Faults) context.Context {
	return context.WithValue(ctx, faultsKey{}, f)
}

func faultsOf(ctx context.Context) (Faults, bool) {
	f, ok := ctx.Value(faultsKey{}).(Faults)
	return f, ok
}
