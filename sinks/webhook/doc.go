// Package webhook hands a pair to a receiver of your own: a signed HTTPS request, in the form of
// Standard Webhooks. It is for stores that have no kind here and that a plugin cannot reach.
//
//	sinks:
//	  vendor:
//	    webhook:
//	      url: https://receiver.example.com/keyturn
//	      secret: { file: /run/credentials/keyturn/webhook }   # whsec_...
//	      target: ci-bot
//	      verify: true
//
// # What a push does
//
// One POST with both halves of the pair. What the receiver does with it is up to the receiver,
// under the contract below. The address must be https; http only for a receiver on this machine
// (localhost, 127.0.0.0/8, ::1). Redirects to another host are not followed. ca_cert names a PEM
// file with the authorities to trust; the system's by default.
//
// # The signature
//
// secret is whsec_ and 24 to 64 random bytes in base64:
//
//	echo "whsec_$(openssl rand -base64 32)"
//
// Each request has the headers webhook-id, webhook-timestamp (Unix seconds) and webhook-signature:
// "v1," and, in base64, the HMAC-SHA256 of "ID.TIMESTAMP.BODY" under those bytes. A retry has the
// same id and a new timestamp. The libraries of Standard Webhooks for many languages check all
// that. The secret is read anew for each request. To change it let the receiver accept both for a
// while.
//
// # The contract of a receiver
//
// The body is one JSON object: type, timestamp (RFC 3339) and data. More types and fields may come:
// a receiver ignores what it does not know, and answers 2xx to types it does not know.
//
//	{"type": "credential.check", "timestamp": "..", "data": {"target": "ci-bot"}}
//
// is sent before a rotation begins. Answer 2xx if a put would succeed now. Change nothing.
//
//	{"type": "credential.put", "timestamp": "..", "data": {"target": "ci-bot",
//	  "access_key_id": "AKIA..", "secret_access_key": ".."}}
//
// Serve this pair from now on, and no session token beside it. Answer 2xx when it is served, not
// before; both values change at once, or the secret first. The same pair may come again, under the
// same id (a retry) or another one (somebody had changed it meanwhile): put it again.
//
//	{"type": "credential.verify", "timestamp": "..", "data": {"target": "ci-bot", "challenge": "BASE64"}}
//
// Look at what is served, not at what came last, and answer 200 with
//
//	{"access_key_id": "AKIA..", "proof": "BASE64"}
//
// where proof is the HMAC-SHA256, in base64, of the text "keyturn-verify." followed by challenge,
// under the secret access key that is served. If none is served: {"access_key_id": ""}. With
// verify: false in the configuration this is never asked.
//
// Check the signature and that the timestamp is within five minutes before anything else. Answer
// 401 to a wrong one, 404 to a target that is not there, 409, 429 or 5xx (with Retry-After) if it
// should come again, other 4xx if it will never work. What is in the answer of a failure is not
// read. Do not log bodies.
//
// # Evidence
//
// exact with verify: true (the default): the proof shows that the receiver holds this secret,
// without sending it. Serving tells the key id. accepted with verify: false: the receiver said yes.
// Say min_evidence: accepted at the robot's sink then.
//
// # When readers read
//
// That is between the receiver and them.
//
// # Limits
//
// The pair is not encrypted beyond TLS: end TLS where the pair may be seen. target is a text that
// the receiver understands; it may be left out.
//
// Verified against: the test vector of Standard Webhooks, and a receiver written from the contract
// above.
package webhook
