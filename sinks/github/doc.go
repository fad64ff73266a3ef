// Package github writes a pair into the secrets of a GitHub repository, of one of its environments, or of an
// organization: for Actions, Dependabot or Codespaces.
//
//	sinks:
//	  app:
//	    github:
//	      token: { file: /run/credentials/keyturn/github }   # or app
//	      repository: acme/app                               # or organization: acme
//	      environment: production                            # optional
//
// An App in place of a token, and an Enterprise Server:
//
//	url: https://github.example.com/api/v3
//	app:
//	  id: "Iv23liExample"
//	  installation: 51234567
//	  private_key: { file: /run/credentials/keyturn/github-app.pem }
//	organization: acme
//	visibility: selected              # only for secrets that a push creates
//	repositories: [app, website]
//
// # What a push changes
//
// The secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of that scope (variables: renames them). AWS_SESSION_TOKEN is
// deleted, because with a stale one the pair does not work. An organization's secret keeps its visibility
// and its selected repositories: both are read, and sent again with the value. Nothing else is touched.
//
// GitHub takes one request for each secret. keyturn writes the secret first and the key id last, a fraction of
// a second apart; a run that is queued in between gets a mixed pair and cannot sign. A push that ends there is noticed and
// done again. With bundle: NAME one secret holds a whole credentials file and there is no such moment, but the job must
// write it to a file, and GitHub redacts the parts of such a value in logs less well.
//
// Values are encrypted for the scope's public key before they are sent. When GitHub changes that key between the two calls, keyturn
// reads it again.
//
// # Authentication
//
// Exactly one of token and app.
//
//	                         classic token   fine-grained token and App
//	repository               repo            Secrets: write
//	environment              repo            Environments: write
//	organization             admin:org       Organization secrets: write
//	Dependabot, repository   repo            Dependabot secrets: write
//	Dependabot, organization admin:org       Organization dependabot secrets: write
//	Codespaces, repository   repo            Codespaces secrets: write
//	Codespaces, organization admin:org       Organization codespaces secrets: write
//	canary                   repo            Actions: write, besides
//
// All need Metadata: read. Environments: read (classic: repo) lets Check see environments that shadow a repository's
// secret. The token of an App lasts an hour and is narrowed to the repository; and to the one permission, save for an
// organization's Dependabot secrets and for Codespaces, whose permissions have no documented name there.
//
// # Check
//
// Check lists the secrets and reads the public key. Of a classic token it sees the scopes, of an App what it was
// granted. Of a fine-grained token GitHub does not tell whether it may write: Check says so. It warns of a
// token that runs out within two weeks, of environments (of the first thirty) that have a secret of the same name, because their jobs
// read that one, and of an organization's secrets that come after a hundred others, because a workflow gets no more. It
// does not look for repositories that shadow an organization's secret.
//
// # Evidence
//
// stamped: GitHub never shows a value. After a push both secrets must show a change since it began, by GitHub's clock;
// Verify compares the times exactly: a later one is somebody else's write, and stale. GitHub's times have
// whole seconds, so that a write in the same second is not seen.
//
// canary: a workflow of yours runs with the pair. At the robot's sink:
//
//	canary: { workflow: canary.yml, ref: main, deadline: 10m }
//
// For an organization workflow is REPOSITORY/canary.yml. The workflow must take two inputs, which hold nothing
// secret, fail unless it was given that key, and have the nonce in its title:
//
//	name: keyturn canary
//	run-name: canary ${{ inputs.nonce }}
//	on:
//	  workflow_dispatch:
//	    inputs:
//	      access_key_id: { required: true }
//	      nonce: { required: true }
//	permissions: {}
//	jobs:
//	  canary:
//	    runs-on: ubuntu-latest
//	    # environment: production       for secrets of an environment
//	    steps:
//	      - env:
//	          AWS_ACCESS_KEY_ID: ${{ secrets.AWS_ACCESS_KEY_ID }}
//	          AWS_SECRET_ACCESS_KEY: ${{ secrets.AWS_SECRET_ACCESS_KEY }}
//	          AWS_REGION: us-east-1
//	          KEY_ID: ${{ inputs.access_key_id }}
//	        run: test "$AWS_ACCESS_KEY_ID" = "$KEY_ID" && aws sts get-caller-identity > /dev/null
//
// # When readers read
//
// Secrets of a repository and of an organization: when the run is queued. Secrets of an environment: when the job that names it
// starts. A run that is re-run later reads again. Let grace be longer than the longest wait for a runner, and for
// an approval, plus the longest job.
//
// # Limits
//
// Names have letters, digits and _, do not start with a digit or GITHUB_, and are kept in upper case. 48 KB for a value; 100
// secrets for a repository and for an environment, 1000 for an organization. The environment must exist. The narrowest
// scope wins: environment, then repository, then organization. Enterprise Server has no Codespaces secrets. A personal account's Codespaces secrets
// (/user) are not supported.
//
// Verified against: GitHub's OpenAPI descriptions of github.com and Enterprise Server 3.19 (every request of the tests, and the
// model's answers, pass them), a model of GitHub that opens the sealed values. Not yet GitHub itself.
package github
