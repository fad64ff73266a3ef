// Package hcpterraform writes a pair into the environment variables of a workspace, or of a
// variable set, of HCP Terraform or Terraform Enterprise.
//
//	sinks:
//	  terraform:
//	    hcp-terraform:
//	      token: { file: /run/credentials/keyturn/hcp-terraform }
//	      organization: acme
//	      workspace: network-prod           # or variable_set: varset-4Gh7Kx2mQp9sTz3v
//
// # What a push changes
//
// The variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the category "environment variable"
// (variables: renames them). One that exists is changed in place and keeps all else about it:
// whether it is sensitive, its place, and what a person wrote in its description, after which
// keyturn puts a marker of the key (its last four characters, and the time). One that is missing is
// made, sensitive. A secret that is not sensitive becomes so. A variable AWS_SESSION_TOKEN is
// removed, because with a stale one the pair does not work. A Terraform variable
// (var.AWS_ACCESS_KEY_ID) of the same name is another one and stays.
//
// HCP Terraform takes one request for each variable: the secret is written first, the key id last,
// back to back. A run that starts between the two gets a mixed pair and fails; what a failed push
// left half done is recognised and completed by the next one.
//
// show_key_id: true makes a key id that does not exist yet without the flag "sensitive", so that it
// can be read back. A key id that is sensitive cannot be changed to that; remove it once by hand.
// It can then be seen by whoever may read the workspace's variables.
//
// # Authentication
//
// An API token of a team or a user, as token: {env|file|command}; an organization's token cannot
// write variables of a workspace. Least rights: for a workspace the team's access "Variables: Read
// and write" and "Read" on the workspace; for a variable set "Manage variable sets" of the project
// or organization that owns it. When HCP Terraform refuses the token (401) the reference is read
// again, once in each call. Check reads the workspace's permissions and refuses a token that may
// not update variables.
//
// # Evidence
//
// stamped: both variables have the version and the marker that the push left. partial: with a key
// id that is not sensitive, it is read back too, and Serving tells it.
//
// # When readers read
//
// When a run starts, it is said; that is not documented: a plan that waits for its confirmation may
// apply with what the plan was made with. Let grace be longer than the longest run, with its
// approval. Agents and remote runs read the same variables; workspaces that execute locally read
// none of them, and Check says so.
//
// # What hides a variable
//
// A variable set with priority hides the workspace's own variable; a workspace's own variable hides
// that of an ordinary set. Check asks for the variables that are in force (all-vars): of the
// workspace, or of the set's workspaces (the first 25), and warns. It also warns of dynamic
// credentials (TFC_AWS_PROVIDER_AUTH), which come before a pair.
//
// # Limits
//
// 30 requests in a second for each user. A 404 means that something does not exist or that the
// token may not see it: HCP Terraform does not tell them apart. On Terraform Enterprise set url to
// https://HOST/api/v2 and, if needed, ca_cert.
//
// Verified against: documentation only, and a model of it in the unit tests. That the version
// changes with each update is not verified; where it does not, the marker alone counts.
package hcpterraform
