// Package buildkite writes a pair into the secrets of a Buildkite cluster.
//
//	sinks:
//	  agents:
//	    buildkite:
//	      token: { file: /run/credentials/keyturn/buildkite }
//	      organization: acme
//	      cluster: 42f1a7da-812d-4430-93d8-1cc7c33a6bcf
//	      policy: |                 # of secrets that a push creates; without it all pipelines of the cluster may read them
//	        - pipeline_slug: deploy
//	          build_branch: main
//
// # What a push changes
//
// The values of the secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (variables: renames them) of one cluster. Their descriptions
// and access policies stay, and so do all other secrets. A secret AWS_SESSION_TOKEN is deleted, because with a stale one the pair
// does not work. Secrets that do not exist are created, with the policy that is configured.
//
// Agents fetch each secret by a request of its own, so a job that starts between the two writes, some hundred milliseconds, or fetches one
// before and one after them, gets a mixed pair. To rule that out use a bundle, one secret that holds a whole credentials
// file, which a job fetches into a file of its own:
//
//	buildkite: { token: { env: BUILDKITE_TOKEN }, organization: acme, cluster: 42f1a7da-812d-4430-93d8-1cc7c33a6bcf, bundle: AWS_CREDENTIALS }
//
//	command: umask 077; buildkite-agent secret get AWS_CREDENTIALS > ~/.aws/credentials
//
// # Authentication
//
// token: an API access token with the scopes read_secret_details and write_secrets, for a canary write_builds and read_builds too. Its user must be
// a maintainer of the cluster, or an administrator of the organization. Check asks Buildkite for the token's scopes. When the
// token ends is not told.
//
// # Evidence
//
// stamped: Buildkite never shows a value, only when the secret was last updated, which keyturn keeps and compares later. A change of the description
// or the policy moves that time too; then the pair is written again. canary: a build has used the pair:
//
//	sinks: [{ sink: agents, canary: { workflow: canary, ref: main, deadline: 10m } }]
//
// workflow is the slug of a pipeline in the cluster. Its build gets the environment variable KEYTURN_KEY_ID, the new key's
// id, and must fail unless the job sees that one:
//
//	steps:
//	  - command: test "$$AWS_ACCESS_KEY_ID" = "$$KEYTURN_KEY_ID" && aws sts get-caller-identity --query Arn
//	    secrets: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]
//
// # When readers read
//
// When the agent starts the job, or when the job asks by buildkite-agent secret get. Let grace be as long as the longest job runs.
//
// # Limits
//
// A name starts with a letter and not with buildkite or bk. A value is smaller than 8 kB. Buildkite allows 50 requests a minute for each user:
// give keyturn a user of its own. A push takes four or five. Agents outside of clusters have no secrets.
//
// Least certain, because it is not documented: that a job that reads a secret does not move the time of its update.
//
// Verified against: Buildkite's REST API documentation, a model of it in the unit tests. Not yet Buildkite itself.
package buildkite
