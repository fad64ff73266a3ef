package seal_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"keyturn/rotator"
	"keyturn/rotator/seal"
)

// kmsModel is AWS KMS as far as it is needed: symmetric keys, aliases, encryption contexts.
type kmsModel struct {
	mu      sync.Mutex
	keys    map[string][]byte // by ARN
	aliases map[string]string // to ARN
	denied  map[string]bool   // by action
	garbage bool              // answers are cut off
	minted  [][]byte          // data keys in clear
}

const (
	arnOne = "arn:aws:kms:us-east-1:111122223333:key/11111111-1111-1111-1111-111111111111"
	arnTwo = "arn:aws:kms:us-east-1:111122223333:key/22222222-2222-2222-2222-222222222222"
)

func newKMSModel() *kmsModel {
	m := &kmsModel{keys: map[string][]byte{}, aliases: map[string]string{"alias/keyturn": arnOne}, denied: map[string]bool{}}
	for _, arn := range []string{arnOne, arnTwo} {
		m.keys[arn] = make([]byte, 32)
		_, _ = rand.Read(m.keys[arn])
	}
	return m
}

// client is the SDK's own, so that its errors are the real ones.
func (m *kmsModel) client(t *testing.T) *kms.Client {
	t.Helper()
	srv := httptest.NewServer(m)
	t.Cleanup(srv.Close)
	return kms.New(kms.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, HTTPClient: srv.Client(), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
	})
}

type kmsCall struct {
	KeyID             string            `json:"KeyId"`
	KeySpec           string            `json:",omitempty"`
	CiphertextBlob    []byte            `json:",omitempty"`
	Plaintext         []byte            `json:",omitempty"`
	EncryptionContext map[string]string `json:",omitempty"`
}

type kmsFault struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (m *kmsModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	var in kmsCall
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	out, fault := m.answer(action, in)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if fault != nil {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(fault)
		return
	}
	b, _ := json.Marshal(out)
	if m.garbage {
		b = b[:len(b)-3]
	}
	_, _ = w.Write(b)
}

func (m *kmsModel) answer(action string, in kmsCall) (*kmsCall, *kmsFault) {
	if m.denied[action] {
		return nil, &kmsFault{"AccessDeniedException", "not authorized to perform kms:" + action}
	}
	arn := in.KeyID
	if a, ok := m.aliases[arn]; ok {
		arn = a
	}
	if m.keys[arn] == nil {
		return nil, &kmsFault{"NotFoundException", "there is no such key"}
	}
	switch action {
	case "GenerateDataKey":
		if in.KeySpec != "AES_256" {
			return nil, &kmsFault{"ValidationException", "KeySpec"}
		}
		data := make([]byte, 32)
		_, _ = rand.Read(data)
		m.minted = append(m.minted, data)
		blob := append([]byte(arn+" "), m.gcm(arn).Seal(nil, nil, data, contextBytes(in.EncryptionContext))...)
		return &kmsCall{KeyID: arn, Plaintext: data, CiphertextBlob: blob}, nil
	case "Decrypt":
		made, box, ok := strings.Cut(string(in.CiphertextBlob), " ")
		if !ok || m.keys[made] == nil {
			return nil, &kmsFault{"InvalidCiphertextException", ""}
		}
		if made != arn {
			return nil, &kmsFault{"IncorrectKeyException", "the key ID in the request does not identify a CMK that can perform this operation"}
		}
		data, err := m.gcm(arn).Open(nil, nil, []byte(box), contextBytes(in.EncryptionContext))
		if err != nil {
			return nil, &kmsFault{"InvalidCiphertextException", ""}
		}
		return &kmsCall{KeyID: arn, Plaintext: data}, nil
	}
	return nil, &kmsFault{"UnknownOperationException", action}
}

func (m *kmsModel) gcm(arn string) cipher.AEAD {
	block, err := aes.NewCipher(m.keys[arn])
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

func contextBytes(c map[string]string) (b []byte) {
	for _, k := range slices.Sorted(maps.Keys(c)) {
		b = fmt.Appendf(b, "%q=%q,", k, c[k])
	}
	return b
}

func TestKMSSealsAndOpens(t *testing.T) {
	m := newKMSModel()
	s := seal.NewKMS(m.client(t), "alias/keyturn")
	blob := sealed(t, s)
	if got, err := s.Open(t.Context(), binding, blob); err != nil || string(got) != plain {
		t.Fatalf("got %q, %v", got, err)
	}
	if len(m.minted) != 1 || strings.Contains(string(blob), string(m.minted[0])) {
		t.Errorf("%d data keys were made, and the blob must not hold one in clear", len(m.minted))
	}
	// The ARN opens it as well as the alias does.
	if got, err := seal.NewKMS(m.client(t), arnOne).Open(t.Context(), binding, blob); err != nil || string(got) != plain {
		t.Errorf("got %q, %v", got, err)
	}
	for name, change := range map[string]func(*rotator.Binding){
		"another account, which is in the encryption context": func(b *rotator.Binding) { b.Account = "111122223334" },
		"another key, which is in the additional data":        func(b *rotator.Binding) { b.Key = "AKIAIOSFODNN7EXAMPLE" },
	} {
		b := binding
		change(&b)
		if _, err := s.Open(t.Context(), b, blob); err == nil || !strings.HasSuffix(err.Error(), ": it was sealed for another rotation or key id, or it was altered") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKMSIsAskedBeforeAKeyExistsAndNotAfter(t *testing.T) {
	m := newKMSModel()
	s := seal.NewKMS(m.client(t), "alias/keyturn")
	p, err := s.Prepare(t.Context(), binding)
	if err != nil {
		t.Fatal(err)
	}
	m.denied["GenerateDataKey"], m.denied["Decrypt"] = true, true
	if _, err := p.Seal(binding.Key, []byte(plain)); err != nil {
		t.Errorf("sealing is not local: %v", err)
	}
	_, err = p.Seal(binding.Key, []byte(plain))
	wantText(t, err, "seal "+where+"the key has 0 bytes, not 32: it was wiped, or used before")
}

func TestKMSPrepareFindsWhatWouldFailLater(t *testing.T) {
	for name, tt := range map[string]struct {
		keyID string
		spoil func(*kmsModel)
		text  string
	}{
		"may not make data keys":      {"alias/keyturn", func(m *kmsModel) { m.denied["GenerateDataKey"] = true }, "KMS GenerateDataKey with alias/keyturn: "},
		"may encrypt but not decrypt": {"alias/keyturn", func(m *kmsModel) { m.denied["Decrypt"] = true }, "KMS Decrypt with alias/keyturn: "},
		"no such key":                 {"alias/other", func(*kmsModel) {}, "KMS GenerateDataKey with alias/other: "},
		"an answer that is cut off":   {"alias/keyturn", func(m *kmsModel) { m.garbage = true }, "KMS GenerateDataKey with alias/keyturn: "},
	} {
		t.Run(name, func(t *testing.T) {
			m := newKMSModel()
			tt.spoil(m)
			_, err := seal.NewKMS(m.client(t), tt.keyID).Prepare(t.Context(), binding)
			if err == nil || !strings.HasPrefix(err.Error(), "prepare to seal "+where+tt.text) {
				t.Fatalf("got %v", err)
			}
		})
	}
	_, err := seal.NewKMS(newKMSModel().client(t), "alias/keyturn").Prepare(t.Context(), rotator.Binding{})
	wantText(t, err, "prepare to seal the secret of / in rotation : account, user and rotation must be known")
}

func TestKMSSaysWhichKeySealed(t *testing.T) {
	m := newKMSModel()
	one, two := seal.NewKMS(m.client(t), "alias/keyturn"), seal.NewKMS(m.client(t), arnTwo)
	_, err := two.Open(t.Context(), binding, sealed(t, one))
	wantText(t, err, "open "+where+`sealed with another key (the KMS key "`+arnOne+`"), this one is `+arnTwo)
	if !errors.Is(err, seal.ErrOtherKey) {
		t.Error("of another class")
	}
	_, err = one.Open(t.Context(), binding, sealed(t, aesgcm(t, keyOne)))
	wantText(t, err, "open "+where+"sealed with another key (a key file, fingerprint 43af5b33), this one is the KMS key alias/keyturn")
	m.denied["Decrypt"] = true
	blob := []byte("\x01K\x00\x03arn\x00\x01x")
	_, err = one.Open(t.Context(), binding, blob)
	if err == nil || !strings.HasPrefix(err.Error(), "open "+where+"KMS Decrypt with alias/keyturn: ") || errors.Is(err, seal.ErrOtherKey) {
		t.Errorf("got %v", err)
	}
}

// badKMS answers with what KMS never should.
type badKMS struct {
	seal.KMSAPI
	size int
}

func (b badKMS) GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	return &kms.GenerateDataKeyOutput{KeyId: aws.String(arnOne), Plaintext: make([]byte, b.size), CiphertextBlob: []byte("x")}, nil
}

func (b badKMS) Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	return &kms.DecryptOutput{Plaintext: []byte("another")}, nil
}

func TestKMSAnswersAreNotTrusted(t *testing.T) {
	_, err := seal.NewKMS(badKMS{size: 16}, "k").Prepare(t.Context(), binding)
	wantText(t, err, "prepare to seal "+where+"KMS GenerateDataKey: the answer holds no data key of 32 bytes")
	_, err = seal.NewKMS(badKMS{size: 32}, "k").Prepare(t.Context(), binding)
	wantText(t, err, "prepare to seal "+where+"KMS Decrypt: the data key is not the one that was made")
	_, err = seal.NewKMS(badKMS{}, "k").Open(t.Context(), binding, []byte("\x01K\x00\x03arn\x00\x01x"))
	wantText(t, err, "open "+where+"the key has 7 bytes, not 32: it was wiped, or used before")
}

// unreadKMS fails as the SDK does for an answer that it cannot read.
type unreadKMS struct {
	seal.KMSAPI
	answer []byte
}

func (u unreadKMS) GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	return nil, &smithy.OperationError{
		ServiceID: "KMS", OperationName: "GenerateDataKey",
		Err: &smithy.DeserializationError{Err: errors.New("unexpected EOF"), Snapshot: u.answer},
	}
}

func TestAnAnswerThatWasNotReadIsNotKept(t *testing.T) {
	answer := []byte(`{"Plaintext":"c2VjcmV0`)
	_, err := seal.NewKMS(unreadKMS{answer: answer}, "k").Prepare(t.Context(), binding)
	wantText(t, err, "prepare to seal "+where+"KMS GenerateDataKey with k: operation error KMS: GenerateDataKey, deserialization failed, unexpected EOF")
	var raw *smithy.DeserializationError
	if !errors.As(err, &raw) || raw.Snapshot != nil || strings.Contains(string(answer), "c2VjcmV0") {
		t.Errorf("the error keeps %q", answer)
	}
}
