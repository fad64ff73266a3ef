package cli

import (
	"io"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"keyturn/internal/hardening"
)

// newLog makes the logger of a run. Nothing it is given should hold a secret; Scrub stands behind that.
func newLog(w io.Writer, level, format string) (*zap.Logger, error) {
	lvl, err := zapcore.ParseLevel(level)
	if err != nil || lvl < zapcore.DebugLevel || lvl > zapcore.ErrorLevel {
		return nil, usagef("--log-level: debug, info, warn or error")
	}
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.RFC3339TimeEncoder
	cfg.EncodeDuration = zapcore.StringDurationEncoder
	var enc zapcore.Encoder
	switch format {
	case "text":
		cfg.EncodeLevel = zapcore.CapitalLevelEncoder
		cfg.ConsoleSeparator = " "
		enc = zapcore.NewConsoleEncoder(cfg)
	case "json":
		enc = zapcore.NewJSONEncoder(cfg)
	default:
		return nil, usagef("--log-format: text or json")
	}
	out := hardening.Scrub(zapcore.Lock(zapcore.AddSync(w)))
	return zap.New(zapcore.NewCore(enc, out, lvl)), nil
}

// pen is stderr. While a live display stands on the same terminal, what is written goes above it.
type pen struct {
	mu    sync.Mutex
	w     io.Writer
	above func(write func()) // of the live display, if there is one
}

func newPen(w io.Writer) *pen { return &pen{w: w} }

func (p *pen) Write(b []byte) (n int, err error) {
	p.mu.Lock()
	above := p.above
	p.mu.Unlock()
	if above == nil {
		return p.w.Write(b)
	}
	above(func() { n, err = p.w.Write(b) })
	return n, err
}

// share lets a live display have the terminal until it gives it back with nil.
func (p *pen) share(above func(write func())) {
	p.mu.Lock()
	p.above = above
	p.mu.Unlock()
}
