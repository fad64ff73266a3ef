// Package vault writes a pair into one secret of a HashiCorp Vault, or OpenBao, key-value
// store: KV version 2 or 1.
//
//	sinks:
//	  pipelines:
//	    vault:
//	      address: https://vault.example.com:8200
//	      namespace: platform/ci            # Enterprise, HCP and OpenBao only
//	      approle:                          # or token, kubernetes, jwt
//	        role_id: 5f1c2c1e-3f2e-4f0a-9d6e-0b6a7c1d2e3f
//	        secret_id: { file: /run/credentials/keyturn/vault-secret-id }
//	      mount: secret
//	      path: ci/${robot}
//	      ca_cert: /etc/keyturn/vault-ca.pem
//
// # What a push changes
//
// The fields AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the one secret (variables: renames
// them). All other fields stay. A field AWS_SESSION_TOKEN is removed, because with a stale one
// the pair does not work. Both fields change in one write: a reader gets the old pair or the
// new one, never a mix. A secret that does not exist is created.
//
// With KV version 2 the secret is read, its fields are merged, and it is written with check-and-set:
// if somebody else wrote in between, Vault refuses and keyturn reads again, so
// nobody's change is lost. No patch capability is needed. A secret that already holds the
// pair is not written again. A deleted version comes back with the pair alone. Custom metadata
// is not touched.
//
// KV version 1 has no check-and-set: a field that somebody else changes in the same moment can
// be lost. Prefer version 2.
//
// # Authentication
//
//	token:      { env: VAULT_TOKEN }                       a token somebody else renews
//	approle:    { role_id, secret_id: {file: ..}, mount }  mount: approle
//	kubernetes: { role, mount, token_path }                mount: kubernetes
//	jwt:        { role, token: {file: ..}, mount }         mount: jwt
//
// Exactly one of them. Secrets are references (env, file or command). When Vault refuses the token
// (it ran out, or was revoked) the reference is read again, or keyturn logs in again, once
// in each call. Check warns when a token that it cannot renew runs out within three days.
// The VAULT_ variables of the environment that name an address, a token or a namespace have no effect.
//
// # Least policy
//
// For KV version 2 mounted at secret:
//
//	path "secret/data/ci/*" { capabilities = ["create", "update", "read"] }
//
// For KV version 1 leave out data/. The policy "default" lets a token look at itself
// (auth/token/lookup-self, sys/capabilities-self); without it Check can say less.
// kv: 1 or kv: 2 saves asking which version the mount has.
//
// # Evidence
//
// exact: the current version is read back and compared. Verify waits up to two seconds for a
// replica that still shows a version older than the one keyturn wrote. A later version that
// still holds the pair (somebody changed another field) is as good; one that holds another
// pair is stale. Serving tells the key id.
//
// # When readers read
//
// Whenever they ask. Vault Agent and the secrets operators poll, every five minutes or at the
// interval they are given: let grace be longer than that, plus the longest job.
//
// # Limits
//
// KV version 2 keeps ten versions by default, so older pairs stay readable there to whoever may
// read old versions; keyturn deletes none. A secret is at most about 1 MiB. One path for each
// sink. A redirect to another host is not followed, so that the token stays where it belongs: give
// address a name that leads to the active node, or leave request forwarding on (the default).
//
// Verified against: Vault 1.21.1 (the whole conformance suite, AppRole, policies, KV versions 1
// and 2), a model of it in the unit tests. Kubernetes and JWT logins: that model. OpenBao and
// namespaces: documentation only.
package vault
