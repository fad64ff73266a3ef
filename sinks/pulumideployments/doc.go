// Package pulumideployments writes a pair into the environment variables of a stack's Pulumi
// Deployments settings.
//
//	sinks:
//	  pulumi:
//	    pulumi-deployments:
//	      token: { file: /run/credentials/keyturn/pulumi }
//	      organization: acme
//	      project: network
//	      stack: prod
//
// # What a push changes
//
// The variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the settings' operationContext
// (variables: renames them), both as secrets. A variable AWS_SESSION_TOKEN is deleted, because with
// a stale one the pair does not work. The request is a merge patch: it names these three and
// nothing else, so every other variable and setting stays, also if somebody changes it in the same
// moment. Both values change in one write. Settings that do not exist are made, with the pair alone
// in them.
//
// Pulumi does not give secrets back, so each push writes, even if the pair is there already.
//
// Prefer the kind pulumi-esc where stacks import their environment: one write then serves all of
// them, and it can be read back.
//
// # Authentication
//
// An access token of a user, a team or an organization, as token: {env|file|command}. It needs
// write permission on the stack ("Stack write", and for settings that do not exist yet "Stack
// admin" if the organization asks for it). When Pulumi refuses it (401) the reference is read
// again, once in each call. Check reads the stack and its settings; whether the token may change
// them shows only at a push.
//
// # Evidence
//
// stamped: the settings still have the version that the push left, or the two variables still have
// the ciphertexts that it left, so that a change of something else does not matter. Where the API
// tells neither, accepted.
//
// # When readers read
//
// When a deployment starts. A queued deployment has not read yet: let grace be longer than the
// longest deployment.
//
// # Limits
//
// One stack for each sink. Pulumi Deployments needs a paid edition of Pulumi Cloud, or a
// self-hosted one; there set url to the API's address, and ca_cert if it needs one. A stack that
// also gets AWS credentials by OIDC is warned of: the two exclude each other.
//
// Verified against: documentation only, and a model of it in the unit tests. That the version moves
// with each change, and that ciphertexts stay as long as nobody writes them, is not verified.
package pulumideployments
