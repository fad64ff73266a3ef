package seal_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"keyturn/internal/secret"
	"keyturn/rotator"
	"keyturn/rotator/seal"
)

const (
	keyOne = "keyturn-seal-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	keyTwo = "keyturn-seal-1:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
	plain  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var binding = rotator.Binding{Account: "111122223333", User: "CI-Bot", Rotation: "20261120-7f3k9qx2", Key: "AKIAI44QH8DHBEXAMPLE"}

const where = "the secret of 111122223333/CI-Bot in rotation 20261120-7f3k9qx2: "

func aesgcm(t testing.TB, key string) *seal.AESGCM {
	t.Helper()
	s, err := seal.NewAESGCM(secret.FromString(key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sealed is plain, sealed for binding.
func sealed(t testing.TB, s rotator.Sealer) []byte {
	t.Helper()
	unissued := binding
	unissued.Key = ""
	p, err := s.Prepare(t.Context(), unissued)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := p.Seal(binding.Key, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(blob, []byte(plain[:8])) {
		t.Fatal("it is not sealed")
	}
	return blob
}

func wantText(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestWhatIsSealedOpens(t *testing.T) {
	s := aesgcm(t, keyOne)
	a, b := sealed(t, s), sealed(t, s)
	if bytes.Equal(a, b) {
		t.Error("two seals are the same")
	}
	for _, blob := range [][]byte{a, b} {
		got, err := s.Open(t.Context(), binding, blob)
		if err != nil || string(got) != plain {
			t.Errorf("got %q, %v", got, err)
		}
	}
	lower := binding
	lower.User = "ci-bot"
	if got, err := s.Open(t.Context(), lower, a); err != nil || string(got) != plain {
		t.Errorf("the user's name in another case: %q, %v", got, err)
	}
}

func TestASealIsBoundToWhatItIsFor(t *testing.T) {
	s := aesgcm(t, keyOne)
	blob := sealed(t, s)
	for name, change := range map[string]func(*rotator.Binding){
		"another account":      func(b *rotator.Binding) { b.Account = "111122223334" },
		"another user":         func(b *rotator.Binding) { b.User = "ci-bot2" },
		"another rotation":     func(b *rotator.Binding) { b.Rotation = "20261120-7f3k9qx3" },
		"another key":          func(b *rotator.Binding) { b.Key = "AKIAIOSFODNN7EXAMPLE" },
		"no key":               func(b *rotator.Binding) { b.Key = "" },
		"a character moved":    func(b *rotator.Binding) { b.Account, b.User = "111122223333c", "i-bot" },
		"two fields exchanged": func(b *rotator.Binding) { b.Rotation, b.Key = rotator.ID(b.Key), rotator.KeyID(b.Rotation) },
	} {
		t.Run(name, func(t *testing.T) {
			b := binding
			change(&b)
			_, err := s.Open(t.Context(), b, blob)
			wantText(t, err, fmt.Sprintf("open the secret of %s/%s in rotation %s: it was sealed for another rotation or key id, or it was altered", b.Account, b.User, b.Rotation))
		})
	}
}

func TestEveryAlteredBitIsNoticed(t *testing.T) {
	s := aesgcm(t, keyOne)
	blob := sealed(t, s)
	for i := range blob {
		for bit := range 8 {
			b := bytes.Clone(blob)
			b[i] ^= 1 << bit
			if _, err := s.Open(t.Context(), binding, b); err == nil {
				t.Fatalf("byte %d, bit %d", i, bit)
			}
		}
	}
	for n := range blob {
		if _, err := s.Open(t.Context(), binding, blob[:n]); err == nil {
			t.Fatalf("cut off after %d bytes", n)
		}
	}
}

func TestWhatDoesNotOpenIsSaidClearly(t *testing.T) {
	s := aesgcm(t, keyOne)
	for name, tt := range map[string]struct {
		blob []byte
		text string
	}{
		"another key":     {sealed(t, aesgcm(t, keyTwo)), "sealed with another key (fingerprint 6e85e668), this one is 43af5b33"},
		"nothing":         {nil, "not a sealed secret, or cut off"},
		"cut off":         {sealed(t, s)[:5], "not a sealed secret, or cut off"},
		"a newer version": {[]byte{2, 'A'}, "it has version 2 and this keyturn knows 1: use the keyturn that sealed it, or a newer one"},
		"another kind":    {[]byte{1, 'Z', 0, 0, 0, 0}, "the kind of its key is not known: use the keyturn that sealed it, or a newer one"},
		"sealed by KMS":   {[]byte("\x01K\x00\x03arn\x00\x00"), `sealed with another key (the KMS key "arn"), this one is a key file (fingerprint 43af5b33)`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Open(t.Context(), binding, tt.blob)
			wantText(t, err, "open "+where+tt.text)
			if errors.Is(err, seal.ErrOtherKey) != strings.HasPrefix(tt.text, "sealed with another key") {
				t.Errorf("%v is of another class", err)
			}
		})
	}
}

func TestPrepareAndSealSayWhatIsMissing(t *testing.T) {
	s := aesgcm(t, keyOne)
	_, err := s.Prepare(t.Context(), rotator.Binding{Account: "111122223333", User: "CI-Bot"})
	wantText(t, err, "prepare to seal the secret of 111122223333/CI-Bot in rotation : account, user and rotation must be known")
	p, err := s.Prepare(t.Context(), binding)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Seal("", []byte(plain))
	wantText(t, err, "seal "+where+"there is no key id, or nothing to seal")
	_, err = p.Seal(binding.Key, nil)
	wantText(t, err, "seal "+where+"there is no key id, or nothing to seal")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("told to stop"))
	_, err = s.Prepare(ctx, binding)
	wantText(t, err, "prepare to seal "+where+"told to stop")
}

// A blob that version 1 wrote opens for ever.
func TestTheFormOfSealedSecretsStays(t *testing.T) {
	const golden = "0141000443af5b3300002f88682158b1b1708769c6d3a94b43a72608f07f301c8a7481c725a5c4dbf3a5f9b2af5205345bda1739f3d65512f72e3af975f587554ed3410de898b6e8febf541a0a84"
	blob, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, err := aesgcm(t, keyOne).Open(t.Context(), binding, blob)
	if err != nil || string(got) != plain {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestASealerDoesNotPrintItsKey(t *testing.T) {
	s := aesgcm(t, keyOne)
	p, err := s.Prepare(t.Context(), binding)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		for _, v := range []any{s, *s, p} {
			got := fmt.Sprintf(verb, v)
			for _, leak := range []string{"AAECAwQF", "00010203", "0 1 2 3 4 5", "0x0, 0x1, 0x2", "\x00\x01\x02\x03"} {
				if strings.Contains(got, leak) {
					t.Errorf("%s of %T prints the key: %s", verb, v, got)
				}
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	s := aesgcm(f, keyOne)
	valid := sealed(f, s)
	for _, seed := range [][]byte{valid, nil, {1}, {1, 'A', 0xff, 0xff}, []byte("\x01K\x00\x03arn\x00\x00"), valid[:20]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		got, err := s.Open(context.Background(), binding, blob)
		if err == nil && string(got) != plain {
			t.Errorf("%x opens to %q", blob, got)
		}
	})
}
