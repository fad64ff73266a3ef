// Package servers starts real servers for tests: Vault, Gitea with its runner, Drone, and the API server of Kubernetes, built from their
// Go modules, and moto, an emulator of IAM and STS that can enforce policies and signatures.
//
// What they are made of lies in a cache outside the checkout. `make e2e-servers` fills
// it; each folder here has a where.sh that names its place and an install.sh that
// fills it when it is missing.
//
// Each server listens on a free loopback port, writes a log file, and ends with its
// whole process group, at the latest when the test process dies.
package servers
