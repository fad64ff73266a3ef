// Package bitbucket writes a pair into the Pipelines variables of Bitbucket Cloud: of a repository,
// of a deployment environment, or of a workspace.
//
//	sinks:
//	  app:
//	    bitbucket:
//	      token: { file: /run/credentials/keyturn/bitbucket }
//	      workspace: acme
//	      repository: app                   # without it: the workspace's variables
//	      deployment: Production            # without it: the repository's variables
//	      show_key_id: true
//
// # What a push changes
//
// The variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (variables: renames them). One that
// exists is changed in place; one that is missing is made. The secret is always secured. A variable
// AWS_SESSION_TOKEN is removed, because with a stale one the pair does not work. No other variable
// is touched.
//
// Bitbucket takes one request for each variable: the secret is written first, the key id last, back
// to back. A step that starts between the two gets a mixed pair and fails. Bitbucket shows nothing
// of a secured variable, not even when it was changed, so a push that failed half way is not seen,
// only completed by the next one. There is no bundle: Pipelines does not keep the line ends of a
// variable.
//
// show_key_id: true writes the key id unsecured, so that it can be read back. It then shows in the
// settings and in logs that print it; a key id is not secret. Without it a key id that is unsecured
// already stays so, and one that is secured or new is secured.
//
// # Authentication
//
// token: an access token of the repository, project or workspace; or with user (an email address)
// an API token of that user. Scopes: "pipeline:variable" to read and write variables, "pipeline" to
// find a deployment by its name and to see whether deployments have variables of their own. For a
// workspace's variables the identity must administer the workspace. When Bitbucket refuses the
// token (401) the reference is read again, once in each call. Check lists the variables, which
// needs the same scope as writing them.
//
// # Evidence
//
// accepted: Bitbucket said yes, and the variables are there. partial, where the key id is
// unsecured: it is read back, and Serving tells it. The key id is written last, so a new one says
// that the new secret was written; the former one, after a push that failed, does not say that the
// former secret is still there. Set min_evidence to what is wanted: without show_key_id only a
// canary of your own shows more.
//
// # When readers read
//
// When a step starts, it is said; that is not documented. Steps with a manual trigger may start
// days later: let grace be longer than the longest pipeline that should still finish with the old
// pair.
//
// # What hides a variable
//
// A deployment's variable hides that of the repository, which hides that of the workspace. Check
// looks into the deployments of a repository and warns. For a workspace it does not: there may be
// thousands of repositories.
//
// # Limits
//
// 1,000 requests in an hour, more with paid seats. Bitbucket Data Center has no Pipelines. A
// deployment is found by its name or given by its UUID with braces.
//
// Verified against: documentation only, and a model of it in the unit tests. That a secured key id
// can be made readable in place, and the scope's name, are not verified.
package bitbucket
