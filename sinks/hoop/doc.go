// Package hoop writes a pair into a connection of the hoop.dev gateway, whose sessions get it as environment variables.
//
//	sinks:
//	  gateway:
//	    hoop:
//	      url: https://hoop.example.com
//	      token: { file: /run/credentials/keyturn/hoop }      # or api_key
//	      connection: aws-production
//	      ca_cert: /etc/keyturn/hoop-ca.pem
//
// Better, where it can be had: let the connection's value refer to a store (_aws:, _vaultkv2:, _envjson:) and let keyturn write
// to that one. The kind refuses to write over such a reference.
//
// # What a push changes
//
// The values envvar:AWS_ACCESS_KEY_ID and envvar:AWS_SECRET_ACCESS_KEY of the one connection (variables: renames them). A value
// envvar:AWS_SESSION_TOKEN is removed, because with a stale one the pair does not work. Both values change in one
// request: a session gets the old pair or the new one, never a mix.
//
// The gateway replaces the whole map of values. So all others are read, and sent along as they were; where the organization
// hides values they are sent as null, which keeps them. Nothing but the map is sent, so that command, tags, reviewers and the
// rest stay. A connection that already shows the pair is not written again.
//
// # Authentication
//
//	token:    { file: .. }     an API key of the gateway (hpk_...), or an access token, as a bearer
//	api_key:  { file: .. }     the API key of the gateway's own configuration, in the header Api-Key
//
// Exactly one of them. It must have the role of an administrator: others see no values at all, and may not write. The
// secret is read again when the gateway refuses it. keyturn does not see when it runs out.
//
// # Evidence
//
// exact: both values are read back and compared. stamped where the organization hides values: both are there, and
// secrets_updated_at is what the push left. It tells that somebody changed any value of the connection, not which one.
//
// # When readers read
//
// When a session of the connection begins. Let grace be longer than the longest session.
//
// # Limits
//
// The gateway has no compare-and-swap: a value that somebody else changes in the same moment can be lost, unless that
// is keyturn too. If the organization stops hiding values between keyturn's read and its write, a moment later, the nulls
// are taken for text and the hidden values are lost: do not switch it during a rotation. A connection that its
// agent manages cannot be written. The connection must exist.
//
// Verified against: a model written from the gateway's source (August 2026); not yet a real gateway.
package hoop
