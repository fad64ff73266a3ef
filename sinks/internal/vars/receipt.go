package vars

import (
	"encoding/json"
	"time"

	"keyturn/sinks"
)

// trace is what a push left behind, as the data of its receipt. It holds no secret.
type trace struct {
	Key sinks.KeyID `json:"key"`
	// Left is what the store showed of each variable right after the push.
	Left map[string]left `json:"left,omitempty"`
	// Coincides says that the tails were those of the new pair before it was written: they prove nothing.
	Coincides bool `json:"coincides,omitempty"`
}

type left struct {
	Stamp  string    `json:"stamp,omitempty"`
	At     time.Time `json:"at,omitzero"`
	Marker string    `json:"marker,omitempty"`
}

func (t trace) receipt(stamp string, at time.Time) (sinks.Receipt, error) {
	data, err := json.Marshal(t)
	return sinks.Receipt{Stamp: stamp, At: at, Data: data}, err
}

// traceOf is the zero trace if r is not of a push of this kind.
func traceOf(r sinks.Receipt) (t trace) {
	if len(r.Data) > 0 && json.Unmarshal(r.Data, &t) != nil {
		return trace{}
	}
	return t
}
