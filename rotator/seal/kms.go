package seal

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

// KMSAPI is what is needed of *kms.Client.
type KMSAPI interface {
	GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// KMS seals each secret with a data key of its own, which AWS KMS wraps. Account, user and rotation are the
// encryption context: CloudTrail shows them, and a key policy can ask for them
// ("Encryption context" in the AWS KMS Developer Guide).
type KMS struct {
	api   KMSAPI
	keyID string
}

var _ rotator.Sealer = (*KMS)(nil)

// NewKMS takes the id, ARN or alias of a symmetric KMS key.
func NewKMS(api KMSAPI, keyID string) *KMS { return &KMS{api: api, keyID: keyID} }

// Prepare fetches a data key, and lets KMS unwrap it again: a key that may only encrypt is found out before
// anything is sealed with it. The data key lives until Seal has used it.
func (k *KMS) Prepare(ctx context.Context, b rotator.Binding) (rotator.Sealing, error) {
	s, err := k.prepare(ctx, b)
	if err != nil {
		return nil, failed("prepare to seal", b, err)
	}
	return s, nil
}

func (k *KMS) prepare(ctx context.Context, b rotator.Binding) (*sealing, error) {
	if err := complete(b); err != nil {
		return nil, err
	}
	out, err := k.api.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: &k.keyID, KeySpec: types.DataKeySpecAes256, EncryptionContext: encryptionContext(b),
	})
	if err != nil {
		return nil, k.failed("GenerateDataKey", err)
	}
	defer clear(out.Plaintext)
	if len(out.Plaintext) != keySize || len(out.CiphertextBlob) == 0 {
		return nil, errors.New("KMS GenerateDataKey: the answer holds no data key of 32 bytes")
	}
	opened, err := k.unwrap(ctx, b, out.CiphertextBlob)
	if err != nil {
		return nil, err
	}
	defer clear(opened)
	if subtle.ConstantTimeCompare(opened, out.Plaintext) != 1 {
		return nil, errors.New("KMS Decrypt: the data key is not the one that was made")
	}
	h := head{kind: keyKMS, key: []byte(aws.ToString(out.KeyId)), wrapped: out.CiphertextBlob}
	if _, err := h.encode(); err != nil {
		return nil, err
	}
	return &sealing{key: secret.New(out.Plaintext), head: h, binding: b, once: true}, nil
}

// Open asks KMS once. It fails with ErrOtherKey if another key sealed it. The configured key is named in the call, so that a
// blob which somebody made with a key of their own does not open.
func (k *KMS) Open(ctx context.Context, b rotator.Binding, sealed []byte) ([]byte, error) {
	plain, err := k.open(ctx, b, sealed)
	if err != nil {
		return nil, failed("open", b, err)
	}
	return plain, nil
}

func (k *KMS) open(ctx context.Context, b rotator.Binding, sealed []byte) ([]byte, error) {
	h, raw, rest, err := split(sealed)
	if err != nil {
		return nil, err
	}
	if h.kind == keyFile {
		return nil, fmt.Errorf("%w (a key file, fingerprint %x), this one is the KMS key %s", ErrOtherKey, h.key, k.keyID)
	}
	data, err := k.unwrap(ctx, b, h.wrapped)
	var incorrect *types.IncorrectKeyException
	if errors.As(err, &incorrect) {
		return nil, fmt.Errorf("%w (the KMS key %q), this one is %s", ErrOtherKey, h.key, k.keyID)
	}
	var invalid *types.InvalidCiphertextException
	if errors.As(err, &invalid) {
		return nil, errAltered
	}
	if err != nil {
		return nil, err
	}
	defer clear(data)
	key := secret.New(data)
	defer key.Wipe()
	return decrypt(key, b, raw, rest)
}

// unwrap lets KMS decrypt a data key.
func (k *KMS) unwrap(ctx context.Context, b rotator.Binding, wrapped []byte) ([]byte, error) {
	out, err := k.api.Decrypt(ctx, &kms.DecryptInput{
		KeyId: &k.keyID, CiphertextBlob: wrapped, EncryptionContext: encryptionContext(b),
	})
	if err != nil {
		return nil, k.failed("Decrypt", err)
	}
	return out.Plaintext, nil
}

func encryptionContext(b rotator.Binding) map[string]string {
	return map[string]string{"account": b.Account, "user": strings.ToLower(b.User), "rotation": string(b.Rotation)}
}

// failed drops the raw answer that the SDK keeps of one it could not read: a data key may be in it.
func (k *KMS) failed(action string, err error) error {
	var raw *smithy.DeserializationError
	if errors.As(err, &raw) {
		clear(raw.Snapshot)
		raw.Snapshot = nil
	}
	return fmt.Errorf("KMS %s with %s: %w", action, k.keyID, err)
}
