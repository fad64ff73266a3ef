// Package woodpecker writes a pair into the secrets of a repository, an organization or a whole Woodpecker CI server.
//
//	sinks:
//	  ci:
//	    woodpecker:
//	      url: https://ci.example.com
//	      token: { file: /run/credentials/keyturn/woodpecker }
//	      repository: acme/app                       # or organization: acme, or global: true
//	      variables: { access_key_id: aws_access_key_id, secret_access_key: aws_secret_access_key, session_token: aws_session_token }
//	      events: [push, tag, cron, manual]          # of secrets that a push creates
//	      ca_cert: /etc/keyturn/ci-ca.pem
//
// # What a push changes
//
// The secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (variables: renames them; case counts), in place: a secret that is
// there keeps its events and images. One that does not exist is created for the events and images of the configuration;
// without them, for every event but pull requests, and every image. The server takes one request for each, so the secret is written
// first and the key id last, right after it; a push that ends in between is done again as a whole. A secret AWS_SESSION_TOKEN is
// removed before that, because with a stale one the pair does not work. Nothing is ever deleted to be added anew, and no other
// secret is touched.
//
// The same request writes into each secret's note which key it is: "keyturn key=ABCD at=2026-11-03T10:00:00Z", ABCD being the
// end of the key id. What a person wrote there stays in front of it.
//
// bundle: AWS_CREDENTIALS writes one secret that holds a credentials file in place of the two, so that no pipeline can
// be made from a mixed pair; its steps write it to the file that AWS_SHARED_CREDENTIALS_FILE names.
//
// # Authentication
//
// A personal access token (user settings, CLI & API), which stands for all that its user may do; it has no scopes and does not run
// out. The user needs
//
//	repository     push rights to the repository
//	organization   to be an administrator of the organization
//	global         to be an administrator of the server
//
// Give keyturn a user of its own. The token is read again when the server refuses it.
//
// # Evidence
//
// stamped: the notes of both secrets hold the marker that the push left. A server without notes (before 3.13) gives
// accepted. Values are never shown, nor any time of a change: a value that somebody else changes without its note is not noticed.
//
// # When readers read
//
// When a pipeline is created or restarted: one that waits, or waits for approval, keeps the values of then. Let grace be
// longer than the longest wait and the longest pipeline. A repository's own secret comes before one of its organization, and that
// before a global one: Check warns of that, as far as the token may look and of a hundred places at most, and of a repository that is not
// active.
//
// # Limits
//
// The repository is addressed by a number, which is looked up by its name each time. A repository that is renamed
// must be renamed in the configuration, too. Notes hold 255 characters: a longer one stays as it is, without a marker.
//
// Verified against: a model written from the server's source (3.17); not yet a real server.
package woodpecker
