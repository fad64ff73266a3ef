// Package jenkins writes a pair into one credential of the type AWS Credentials (AWSCredentialsImpl
// of the plugin aws-credentials), in the system store or that of a folder.
//
//	sinks:
//	  builds:
//	    jenkins:
//	      url: https://jenkins.example.com
//	      user: keyturn
//	      token: { file: /run/credentials/keyturn/jenkins }
//	      folder: platform/app              # the system store by default
//	      id: aws-ci
//
// # What a push changes
//
// The fields accessKey and secretKey of the credential, and a mark in its description that says
// which key was written and when. What a person wrote in the description stays in front of it.
// Scope, role, external id, MFA and whatever else the credential has stay as they are. Both fields
// change in one request: a job gets the old pair or the new one. A credential that does not exist
// is created with the scope GLOBAL.
//
// Jenkins replaces the whole object and has no check-and-set: what somebody else changes in the
// same moment can be lost. It answers 200 also when it changed nothing, so each push reads the
// credential back, and tries again if it is not the one that was written.
//
// # Authentication
//
// user and an API token of that user (token: user page, Security, API Token), not the password:
// with a token Jenkins asks for no crumb. ca_cert names a PEM file with the authorities to trust;
// the system's by default.
//
// # Least permissions
//
// Credentials/View and Credentials/Update where the store is, with Overall/Read, and for a folder
// Job/Read (Job/Discover is not enough). Credentials/Create only if the credential does not exist
// yet. Not Credentials/Delete. The Matrix and Role Strategy plugins grant these for one folder.
//
// # Check
//
// The credential is read, and its update form asked for: Jenkins refuses that to who may not
// update. Newer versions of the plugin have no such page, and Check says that it does not know. It
// warns of a credential whose scope is SYSTEM, because jobs do not get it.
//
// # Evidence
//
// partial: accessKey is shown, and compared, and so is the mark in the description. The secret is
// never shown. Serving tells the key id.
//
// # When readers read
//
// When the step withCredentials runs, so a running job keeps what it has: let grace be longer than
// the longest job after that step. A job that asks for the credential as a whole (the plugins for
// S3, CodeDeploy, EC2) asks each time.
//
// # Limits
//
// Two credentials of the type Secret text are not supported: Jenkins cannot change them at once. A
// credential that Configuration as Code manages goes back to the old pair at the next reload: let
// the YAML read it from where keyturn writes it (Vault, a file). domain names a credentials domain;
// the global one by default.
//
// Verified against: a model of Jenkins' credentials API, written from the sources of the plugins
// credentials and aws-credentials. No real Jenkins.
package jenkins
