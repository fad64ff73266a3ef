// Package exec serves pairs through a program of yours: a plugin for a place that keyturn
// has no kind of sink for.
//
//	sinks:
//	  legacy:
//	    exec:
//	      command: [/usr/local/lib/keyturn/legacy-store, --quiet]
//	      config: { url: "https://store.example.com", item: ci-bot }    # never a secret
//	      secrets: { token: { file: /run/credentials/keyturn/legacy } } # handed over on stdin
//	      timeout: 1m                 # of one call
//	      destination: store ci-bot   # optional: a name for what a push changes
//
// The program is started once for each call. It reads one line of JSON from stdin, writes one
// JSON object to stdout, and ends: with 0 if it did what was asked, with 75 if trying
// again may help, with anything else if not. docs/exec-protocol.md describes the protocol,
// version 1; deploy/examples holds a plugin in shell and one in Python; keyturn sinktest
// tries a plugin.
//
// # How a plugin is run
//
// Secrets go over stdin only, never in arguments or the environment. The environment is
// PATH, HOME and LANG. The program gets a process group of its own; the whole group is killed
// when the call's time is over, when it ends (whatever it left behind), and when it writes
// more than 1 MiB. It must not leave the group. Several calls may run at the same time.
//
// What it writes to stderr is shown in the error if the call fails: on one line, its last
// 300 characters, without control characters and with every known or likely secret
// replaced by [redacted]. An answer that holds a secret is dropped and the call fails: a
// receipt is written to the journal. Secrets shorter than 4 bytes are not recognised.
//
// # Evidence
//
// What the plugin declares: when it is opened it says the best evidence it can give
// (accepted, stamped, partial or exact) and whether it can tell which key is served; each
// answer to verify says what was shown this time, and cannot claim more. So min_evidence is
// compared when keyturn runs, not when it reads the configuration.
//
// # When readers read
//
// That depends on the place behind the plugin: choose grace accordingly.
//
// # Limits
//
// The destination is recognised by command and config. If one of them changes without a
// change of the place, give the place a name with destination; otherwise the pair is pushed
// and verified anew. A relative command is taken from the working directory of keyturn.
//
// Verified against: the plugins of deploy/examples, and a plugin that misbehaves in every way.
package exec
