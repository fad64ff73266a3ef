// Package e2e runs the built keyturn against real servers: Vault, and moto with
// enforced policies behind a proxy that adds what moto leaves out; one test adds Gitea,
// Drone and Kubernetes. The tests have the build tag e2e; `make e2e` gets the servers and
// runs them.
//
// A test makes a world, says what is in it, runs keyturn, and looks:
//
//	w := newWorld(t)
//	old := w.robot("ci-bot")
//	w.configure(config{})
//	w.keyturn("rotate", "--now", "ci-bot").exits(0)
//	w.keysOf("ci-bot").not(old.ID)
//
// Where there are many cases, each is a guest of one world: w.guest(t) has a user, a folder, a journal and proxies of its
// own, and w.recorded() names every request of a rotation, at each of which something can be done to the process. While
// g.watch() is on, every pair that a sink serves must sign.
package e2e
