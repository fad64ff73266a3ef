// Package azuredevops writes a pair into a variable group of Azure DevOps, or into an AWS service
// connection.
//
//	sinks:
//	  azure:
//	    azure-devops:
//	      token: { file: /run/credentials/keyturn/azure-devops }
//	      organization: acme                # on Azure DevOps Server: the collection, and its address in url
//	      project: web
//	      variable_group: 12                # or service_connection: its id
//
// # What a push changes
//
// variable_group: the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the group with this
// number (it stands in the address of its page; variables: renames them). The secret becomes a
// secret variable. The key id is written as a plain one, so that it can be read back; a key id that
// is a secret variable already stays one. A variable AWS_SESSION_TOKEN is removed, because with a
// stale one the pair does not work. Names are compared without regard to case, as Azure DevOps
// does.
//
// service_connection: the access key id and the secret access key of a connection of type "aws"
// (AWS Toolkit for Azure DevOps). Its session token is emptied. Role, external id and all else
// stay. A connection that uses OIDC is refused: it holds no key.
//
// Both values change in one request, so that no job gets a mix. But Azure DevOps takes such an
// object only as a whole and without a version: keyturn reads it, changes the pair and sends
// everything back. Pushes of one keyturn to one object wait for each other; what somebody else
// changes between the read and the write (milliseconds) is lost. Secret variables of others are
// read as null and sent back as null, which keeps them. That is inferred from what Microsoft's own
// command does (az pipelines variable-group variable update), and not documented: Check warns if
// there are such variables. Give keyturn a group of its own if that is too little.
//
// Groups that are linked to Azure Key Vault are refused: write to the vault. A group or connection
// must exist.
//
// # Authentication
//
// token: a personal access token, or with scheme: bearer a token of Microsoft Entra ID that
// somebody else renews. Scopes: "Variable Groups: Read, create & manage"
// (vso.variablegroups_manage), or "Service Connections: Read, query & manage"
// (vso.serviceendpoint_manage). The identity must be Administrator of the group, or of the
// connection, in Pipelines, Library or Project settings; Check asks for that. When Azure DevOps
// refuses the token, the reference is read again, once in each call.
//
// # Evidence
//
// partial: the key id is read back. The time of the last change, of a variable group, is compared
// with what the push left. stamped, by this time alone, where the key id is a secret variable; then
// any later change of the group makes the evidence stale. The secret is never shown. Serving tells
// the key id where it is shown.
//
// # When readers read
//
// When a stage starts, it is said, or a run; that is not documented. Let grace be longer than the
// longest run with its approvals. A secret variable does not become an environment variable by
// itself: a job maps it (env: AWS_SECRET_ACCESS_KEY: $(AWS_SECRET_ACCESS_KEY)).
//
// # Limits
//
// One object for each sink. A variable of the pipeline itself, or of a stage or job, hides one of
// the group of the same name; keyturn cannot see that. Needs api-version 7.1: Azure DevOps
// Services, or Server 2022.1 and later. On Server set url and, if needed, ca_cert.
//
// Verified against: documentation only, and a model of it in the unit tests. That null keeps a
// secret variable is inferred.
package azuredevops
