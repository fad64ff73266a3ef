// Package hardening keeps what the process holds away from the rest of the machine: no core dumps, no
// readers of its memory, and a last filter in front of the log.
//
// Call [Process] before the first secret is read. A process that cannot be hardened still works, so the
// error is for the log: a service manager that forbids setrlimit usually has set the limit itself.
package hardening
