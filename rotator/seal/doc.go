// Package seal encrypts the secret that a rotation keeps in the journal, a rotator.Sealer, with a key file or
// with AWS KMS.
//
//	fingerprint, err := seal.Keygen("/etc/keyturn/seal.key")
//	sealer, err := seal.NewAESGCM(key)              // AES-256-GCM, key from a secret reference
//	sealer := seal.NewKMS(client, "alias/keyturn")  // AES-256-GCM with a data key that KMS wraps
//
// A sealed secret opens only for the account, IAM user, rotation and access key it was sealed for: they are the
// additional data of the encryption, so a blob that is moved in the journal is as good as damaged. The user's name
// counts without regard to case, as in IAM.
//
// # Key file
//
// One line: "keyturn-seal-1:" and 32 random bytes in base64. Its fingerprint, eight hex digits, is not secret.
//
// # Sealed secret, version 1
//
//	1 byte    version, 1
//	1 byte    kind: 'A' for a key file, 'K' for KMS
//	2 + n     length (big endian) and what names the key: the fingerprint, or the ARN of the KMS key
//	2 + n     length and the wrapped data key; empty for a key file
//	12 bytes  nonce, random
//	n bytes   AES-256-GCM: ciphertext and 16 bytes of tag
//
// The additional data is the text "keyturn seal 1 ", then, each with its length in decimal and a colon before it: all
// that stands before the nonce, account, user in lower case, rotation and key id.
package seal
