// Package drone writes a pair into the secrets of a repository or an organization in Drone.
//
//	sinks:
//	  ci:
//	    drone:
//	      url: https://drone.example.com
//	      token: { file: /run/credentials/keyturn/drone }
//	      repository: acme/app               # or organization: acme
//	      pull_request: false                # whether pull requests read secrets that a push creates
//	      ca_cert: /etc/keyturn/drone-ca.pem
//
// # What a push changes
//
// The secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (variables: renames them), in place: a secret that is there keeps what
// it allows to pull requests. One that does not exist is created; pull requests read it only with pull_request: true. The server
// takes one request for each, so the secret is written first and the key id last, right after it; a push that ends in between is
// done again as a whole. A secret AWS_SESSION_TOKEN is removed before that, because with a stale one the pair does not
// work. Nothing is ever deleted to be added anew, and no other secret is touched.
//
// Pipelines do not tell capitals from small letters in names, but a repository may hold two secrets that differ in
// nothing else. A secret is found whatever its case; if there are two, keyturn refuses, because nobody knows which one a
// pipeline gets.
//
// bundle: AWS_CREDENTIALS writes one secret that holds a credentials file in place of the two, so that no build can
// read a mixed pair; its steps write it to the file that AWS_SHARED_CREDENTIALS_FILE names.
//
// # Authentication
//
// A user's token (User Settings), which stands for all that the user may do, or that of a machine user; it has no scopes and does not run out.
//
//	repository     write access to the repository
//	organization   an administrator of the organization, or of the server; with Gitea only one of the server
//
// The token is read again when the server refuses it.
//
// # Evidence
//
// accepted: the server says yes and shows the names of secrets, but no value, no time and no note. What somebody else writes
// later is not noticed. Say min_evidence: accepted at the robot's sink.
//
// # When readers read
//
// When a build's stage is handed to a runner: let grace be longer than the longest stage. A repository's own secret comes
// before one of its organization: Check warns of that, as far as the token may look and of a hundred repositories at
// most, and of a repository that is not active. An encrypted secret in the pipeline's own file comes before both, an external
// secret plugin after both.
//
// # Limits
//
// Names are letters, digits, -, _ and period. Any name is taken for that of an organization if an administrator of the server asks:
// Check cannot tell a misspelt one. Editions without the secrets of organizations answer 501, which is refused.
//
// Verified against: Drone 1.10.1 (the whole conformance suite over repository and organization), a model of it in the unit tests.
package drone
