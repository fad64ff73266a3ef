// Package vaultawsroot writes a pair into the root configuration of Vault's AWS secrets engine: the
// key with which Vault itself makes credentials in an AWS account.
//
//	sinks:
//	  engine:
//	    vault-aws-root:
//	      address: https://vault.example.com:8200
//	      namespace: platform               # Enterprise, HCP and OpenBao only
//	      approle:                          # or token, kubernetes, jwt
//	        role_id: 5f1c2c1e-3f2e-4f0a-9d6e-0b6a7c1d2e3f
//	        secret_id: { file: /run/credentials/keyturn/vault-secret-id }
//	      mount: aws
//	      ca_cert: /etc/keyturn/vault-ca.pem
//
// # What a push changes
//
// access_key and secret_key of MOUNT/config/root, in one request. Vault resets fields that a write
// leaves out (username_template in 1.21, all of them in older versions), so the configuration is
// read, and everything that Vault shows of it is sent back: region, endpoints, max_retries,
// username_template and the rest. An engine that has no root configuration yet gets one. The mount
// must be there.
//
// Vault has no check-and-set here: what somebody else changes in the same moment can be lost.
//
// An engine in which Vault rotates the key itself (rotation_period, rotation_schedule) is refused:
// two rotators of one user would delete each other's keys. Do not call config/rotate-root by hand
// either. One that uses an identity token (identity_token_audience) has no key, and is refused.
//
// # Authentication
//
// As for the kind vault: exactly one of token, approle, kubernetes and jwt. When Vault refuses the
// token, it is read again, or keyturn logs in again.
//
// # Least policy
//
//	path "aws/config/root" { capabilities = ["read", "update"] }
//
// With create beside them for an engine that has no root configuration yet. The policy "default"
// lets a token look at itself; without it Check can say less.
//
// # Evidence
//
// partial: Vault shows access_key and never the secret. Serving tells the key id.
//
// # When readers read
//
// At once: Vault uses the new key for the next credentials it makes. Credentials of the type
// iam_user are users of their own, and temporary ones that were handed out before stay valid until
// they run out: none needs the key that made it. A short grace is enough.
//
// # Limits
//
// One mount for each sink. A redirect to another host is not followed.
//
// Verified against: Vault 1.21.1 with its AWS engine as a plugin (the whole conformance suite), and
// a model of it in the unit tests, older versions included. OpenBao, whose engine is a plugin of
// its own: documentation only.
package vaultawsroot
