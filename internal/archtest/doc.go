// Package archtest holds the arrows of docs/architecture.md: which package may import
// which, and which of them alone knows a foreign module. A new package needs a line in
// arrows_test.go, so that somebody thinks about where it belongs.
package archtest
