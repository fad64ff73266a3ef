// Package faultproxy puts what can go wrong between keyturn and a server in tests.
//
// A [Proxy] stands in front of an IAM and STS emulator and supplies what emulators
// leave out: inactive keys that are refused, keys that are not known everywhere at
// once, pages, throttling, latency, and faults of single calls (an error, an answer
// that is lost before or after the call was done, half an answer, silence). It also
// writes down every call, so that a test can say "CreateAccessKey was called once".
//
//	p, err := faultproxy.Start(emulatorURL)
//	p.Set(faultproxy.Conditions{RefuseInactive: true, PerSecond: 20})
//	p.At("CreateAccessKey", 1, faultproxy.DropAfter())
//
// A [Gate] stands in front of a store and can refuse its writes.
//
// Both listen on the loopback interface only.
package faultproxy
