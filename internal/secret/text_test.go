package secret

import (
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

const canary = "canary/+SecretValue0123456789"

type holder struct {
	Public  Text
	private Text
	nested  struct{ ptr *Text }
}

func newHolder() holder {
	h := holder{Public: New([]byte(canary)), private: New([]byte(canary))}
	h.nested.ptr = &h.private
	return h
}

func leaks(s string) bool {
	return strings.Contains(s, canary) || strings.Contains(s, fmt.Sprint([]byte(canary)[:6])) ||
		strings.Contains(s, fmt.Sprintf("%x", canary))
}

func TestNoVerbShowsTheValue(t *testing.T) {
	h := newHolder()
	for _, verb := range "vsqxXdoObctTpUeEfFgGw" {
		for _, flag := range []string{"", "+", "#", "-", " ", "0", "+#", "10.3"} {
			f := "%" + flag + string(verb)
			for _, v := range []any{h, &h, h.Public, &h.Public, []Text{h.Public}, map[string]Text{"k": h.Public}, h.nested} {
				if got := fmt.Sprintf(f, v); leaks(got) {
					t.Errorf("%s of %T shows the value: %s", f, v, got)
				}
			}
		}
	}
}

func TestNoEncoderShowsTheValue(t *testing.T) {
	h := newHolder()
	b, err := json.Marshal(h)
	if err != nil || leaks(string(b)) || !strings.Contains(string(b), Redacted) {
		t.Errorf("json: %s, %v", b, err)
	}
	if err := gob.NewEncoder(io.Discard).Encode(h.Public); err == nil {
		t.Error("gob encoded a secret")
	}
	core, logs := observer.New(zapcore.DebugLevel)
	log := zap.New(core)
	log.Info("m", zap.Any("a", h), zap.Any("b", h.Public), zap.Stringer("c", h.Public), zap.Reflect("d", h))
	enc := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	for _, e := range logs.All() {
		buf, err := enc.EncodeEntry(e.Entry, e.Context)
		if err != nil || leaks(buf.String()) {
			t.Errorf("zap: %s, %v", buf, err)
		}
	}
}

func TestUseEqualAndWipe(t *testing.T) {
	src := []byte(canary)
	a := New(src)
	clear(src)
	b := FromString(canary)
	if !a.Equal(b) || !a.EqualString(canary) || a.EqualString("x") || a.Equal(Text{}) || a.Len() != len(canary) {
		t.Error("comparison is wrong")
	}
	c := a
	a.Wipe()
	if !a.Empty() || !c.Empty() || c.Reveal() != "" || b.Empty() {
		t.Error("a wipe must reach every copy, and no other value")
	}
	var zero Text
	zero.Wipe()
	if !zero.Empty() || zero.Reveal() != "" || zero.String() != Redacted {
		t.Error("the zero Text must be usable")
	}
}
