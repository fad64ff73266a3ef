// Package pulumiesc writes a pair into the definition of a Pulumi ESC environment.
//
//	sinks:
//	  pulumi:
//	    pulumi-esc:
//	      token: { file: /run/credentials/keyturn/pulumi }
//	      organization: acme
//	      project: ci
//	      environment: aws
//	      path: environmentVariables        # where the two values lie, below values; the default
//
// # What a push changes
//
// Two values of the environment's definition, with the default path:
//
//	values:
//	  environmentVariables:
//	    AWS_ACCESS_KEY_ID: { fn::secret: .. }
//	    AWS_SECRET_ACCESS_KEY: { fn::secret: .. }
//
// variables: renames them, path: moves them. An environment that keeps the pair elsewhere and
// refers to it takes
//
//	path: aws
//	variables: { access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken }
//
// A value AWS_SESSION_TOKEN beside them is removed, because with a stale one the pair does not
// work. Nothing else of the text moves: comments, order, imports, blank lines and the ciphertexts
// of other secrets stay, byte by byte, and a push that could not keep them is refused before it is
// sent. Values and path that are missing are added at the end of what they belong to. A key id that
// stands there in plain text stays in plain text; the secret is always encrypted.
//
// Both values change in one write: a reader gets the old pair or the new one. The definition is
// sent with the ETag that was read, so that Pulumi refuses it (409) if somebody else wrote in
// between; then keyturn reads again, and nobody's change is lost. An environment that holds the
// pair already is not written again.
//
// Refused are a value that refers to another one (${aws.accessKeyId}: name that one), one that a
// provider makes (fn::open), and YAML that cannot be edited in place: anchors, aliases, tags, block
// texts (| and >) where the pair belongs.
//
// # Authentication
//
// An access token of a user, a team or an organization, as token: {env|file|command}. It needs to
// read, decrypt and write the one environment: the permission "Environment editor" on it, which
// holds all three, and nothing else. When Pulumi refuses the token (401) the reference is read
// again, once in each call. Check cannot see without writing whether the token may write.
//
// # Evidence
//
// exact: the decrypted definition is read back and compared. Verify waits up to two seconds for an
// answer that is older than the revision that keyturn wrote. A later revision that still holds the
// pair is as good. Serving tells the key id.
//
// # When readers read
//
// Whenever they open the environment: esc run, esc open, and each update of a stack that imports
// it. An opened environment stays as it was until it is opened again, for as long as its lease, two
// hours by default: let grace be longer than that, plus the longest job. Readers that are pinned to
// a revision or to a tag (acme/ci/aws@stable) do not see a push until the pin is moved.
//
// # Limits
//
// The environment must exist; keyturn makes none. Every push is a revision, so older pairs stay
// readable there to whoever may decrypt old revisions. An environment whose changes need approval
// refuses direct writes. Names have at most 100 letters, digits, -, _ and dots. On a self-hosted
// Pulumi Cloud set url to the API's address, and ca_cert if it needs one.
//
// Verified against: documentation only, and a model of it in the unit tests, which checks the ETag
// as the service is said to. That a definition may be sent as application/x-yaml is from the API's
// official description; that approvals refuse a direct write is not verified.
package pulumiesc
