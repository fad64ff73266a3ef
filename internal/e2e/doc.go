// Package e2e runs the built keyturn against real servers: Vault, and moto with
// enforced policies behind a proxy that adds what moto leaves out. The tests have the
// build tag e2e; `make e2e` gets the servers and runs them.
//
// A test makes a world, says what is in it, runs keyturn, and looks:
//
//	w := newWorld(t)
//	old := w.robot("ci-bot")
//	w.configure(config{})
//	w.keyturn("rotate", "--now", "ci-bot").exits(0)
//	w.keysOf("ci-bot").not(old.ID)
package e2e
