// Package gitea writes a pair into the Actions secrets of a repository, an organization or a user in Gitea, or Forgejo.
//
//	sinks:
//	  git:
//	    gitea:
//	      url: https://git.example.com
//	      token: { file: /run/credentials/keyturn/gitea }
//	      repository: acme/app              # or organization: acme, or user: mona
//	      ca_cert: /etc/keyturn/git-ca.pem
//
// # What a push changes
//
// The secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (variables: renames them), in place; they are created if they do
// not exist. The server takes one request for each, so the secret is written first and the key id last, right after it;
// a push that ends in between is done again as a whole. A secret AWS_SESSION_TOKEN is removed before that, because with a stale
// one the pair does not work. Nothing is ever deleted to be added anew, and no other secret is touched.
//
// Each secret's description says which key was written: "keyturn key=ABCD at=2026-11-03T10:00:00Z", ABCD being the end of
// the key id. What a person wrote there stays in front of it. Forgejo, and Gitea before 1.24, have no descriptions.
//
// bundle: AWS_CREDENTIALS writes one secret that holds a credentials file in place of the two, so that no job can
// read a mixed pair; its jobs write it to the file that AWS_SHARED_CREDENTIALS_FILE names.
//
// # Authentication
//
// An access token (Settings, Applications) with one scope:
//
//	repository     write:repository     of its owner; if that is an organization, of one of its owners
//	organization   write:organization   of an owner of the organization
//	user           write:user           of that user
//
// An administrator of the site may write everywhere; a collaborator who administers a repository may not.
//
// The canary needs write:repository too. With read:repository, Check also looks at the repositories of an organization or a
// user, up to a hundred of them. Tokens do not run out. The token is read again when the server refuses it.
//
// # Evidence
//
// stamped: the descriptions of both secrets hold the marker that the push left. accepted on a server without
// descriptions: the time that it shows is that of creation, and a new value does not move it. accepted for a user's
// secrets, which no server lists: a push writes them, removes the session token without looking, and replaces
// their descriptions. Nothing of a value is ever shown, so a value that somebody changes through the API without a
// description is noticed (the server clears it), and one that is changed with keyturn's own description is not.
//
// canary, if the robot's sink names a workflow:
//
//	robots:
//	  ci-bot:
//	    sinks: [{ sink: git, canary: { workflow: canary.yml, ref: main, deadline: 10m } }]
//
// workflow is the file's name; OWNER/NAME/FILE for a workflow of another repository, which a sink of an organization or a user
// needs. Without ref it runs on the default branch. The workflow must have the trigger workflow_dispatch. It is given the key
// id as the input access_key_id, if it declares one, and proves the pair by failing unless it works:
//
//	on:
//	  workflow_dispatch:
//	    inputs: { access_key_id: { type: string } }
//	jobs:
//	  canary:
//	    runs-on: ubuntu-latest
//	    env:
//	      AWS_ACCESS_KEY_ID: ${{ secrets.AWS_ACCESS_KEY_ID }}
//	      AWS_SECRET_ACCESS_KEY: ${{ secrets.AWS_SECRET_ACCESS_KEY }}
//	      EXPECTED: ${{ inputs.access_key_id }}
//	    steps:
//	      - run: test "$AWS_ACCESS_KEY_ID" = "$EXPECTED" && aws sts get-caller-identity
//
// It needs Gitea 1.25, or a Forgejo that tells the run it started.
//
// # When readers read
//
// A job gets the secrets when a runner takes it, and keeps them until it ends: let grace be longer than the longest job. A
// repository's own secret comes before one of its owner. Check warns of that, as far as the token may look, of an archived
// repository, and of one without Actions. Jobs of pull requests from forks get no secrets.
//
// # Limits
//
// Names are letters, digits and _, do not start with a digit, GITEA_, GITHUB_ or FORGEJO_, and are not CI; the server keeps them in capitals. A
// value is at most 64 KiB. To learn whether the token may write, Check tries to write a secret whose name cannot be (0) with
// no value: the server refuses that for its name if the token is good, and for the token if not.
//
// Verified against: Gitea 1.26.2 (the whole conformance suite over repository and organization, tokens with no more scope than
// above, a canary run by a real runner), a model of it in the unit tests. Forgejo, and Gitea before 1.26: that model,
// written from their sources.
package gitea
