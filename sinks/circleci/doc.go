// Package circleci writes a pair into the environment variables of a CircleCI project or context.
//
//	sinks:
//	  deploy:
//	    circleci:
//	      token: { file: /run/credentials/keyturn/circleci }
//	      context: deploy              # name or id; or project: gh/acme/app
//	      organization: gh/acme        # whose context it is, if context is a name
//
// # What a push changes
//
// The environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (variables: renames them) of one project, or of one
// context. All others stay. A variable AWS_SESSION_TOKEN beside them is removed, because with a stale one the
// pair does not work. Variables that do not exist are created.
//
// A job that starts between the two writes, some hundred milliseconds, gets the new secret with the old key id. To rule that out use
// a bundle, one variable that holds a whole credentials file, which a job writes to a file of its own:
//
//	circleci: { token: { env: CIRCLECI_TOKEN }, project: gh/acme/app, bundle: AWS_CREDENTIALS }
//
//	- run: umask 077; printf '%s\n' "$AWS_CREDENTIALS" > ~/.aws/credentials
//
// CircleCI masks a variable in job output as a whole: the lines of a bundle are not masked one by one.
//
// # Authentication
//
// token: a personal API token. CircleCI's project tokens do not work with this API, and a personal token may do all that its user may:
// give keyturn a user of its own. To write to a project that user needs write access to its repository; to a context,
// to be in a group that the context is restricted to, if it is. CircleCI tells neither what a token may do nor when it ends, so Check shows only that
// the token may read.
//
// # Evidence
//
// partial. Of a project's variable CircleCI shows the last four characters: those of the key id are compared, unless the
// former key id ends alike, and those of the secret. Of a context's it shows the time of the last change, which keyturn keeps and
// compares later, and on current servers some last characters too. Where it does not, a context gives no
// more than stamped. canary: a pipeline has used the pair:
//
//	sinks: [{ sink: deploy, canary: { workflow: gh/acme/canary, ref: main, deadline: 10m } }]
//
// workflow is the project whose pipeline is started, by default the one of the sink; ref is its branch. In organizations
// that are connected by the GitHub App or to GitLab the id of the pipeline's definition is needed too:
// circleci/ORG-ID/PROJECT-ID#DEFINITION-ID. The pipeline gets the parameter keyturn_key_id, the new key's id, which its configuration
// must declare, and must fail unless the job sees that one:
//
//	parameters:
//	  keyturn_key_id: { type: string, default: "" }
//	workflows:
//	  canary:
//	    when: << pipeline.parameters.keyturn_key_id >>
//	    jobs: [{ keyturn: { context: deploy } }]
//	jobs:
//	  keyturn:
//	    docker: [{ image: cimg/aws:2026.03 }]
//	    steps:
//	      - run: test "$AWS_ACCESS_KEY_ID" = "<< pipeline.parameters.keyturn_key_id >>"
//	      - run: aws sts get-caller-identity --query Arn
//
// # When readers read
//
// Each job gets the variables when it starts to run; approvals and re-runs get what is there then. Let grace be as long as the longest
// job runs.
//
// # Limits
//
// A context's variable wins over a project's of the same name. Check warns of that for up to fifty contexts of the
// project's organization, whether the project uses them or not. A context holds 100 variables.
//
// Least certain, because it is not documented: the form of the characters that a context shows, and whether a write of the same value moves
// the time.
//
// Verified against: CircleCI's API v2 documentation, a model of it in the unit tests. Not yet CircleCI itself.
package circleci
