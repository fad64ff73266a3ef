package standin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

const (
	algorithm = "AWS4-HMAC-SHA256"
	// maxSkew is how far a request's time may be from AWS's clock.
	maxSkew   = 5 * time.Minute
	timeStamp = "20060102T150405Z"
)

var (
	errNoToken = &rotatortest.Error{Status: 403, Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token"}
	errBadAuth = &rotatortest.Error{Status: 400, Code: "IncompleteSignature", Message: "The Authorization header is not of the form that is required."}
	errUnknown = &rotatortest.Error{Status: 403, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."}
	errSecret  = &rotatortest.Error{Status: 403, Code: "SignatureDoesNotMatch", Message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
)

// signature is what the Authorization header says.
type signature struct {
	key                   rotator.KeyID
	date, region, service string
	headers               []string
	mac                   []byte
}

// authenticate checks the Signature Version 4 of a request. Whether AWS accepts the key now is not
// asked here. Source: IAM User Guide, "Create a signed AWS API request".
func (s *Server) authenticate(r *http.Request, body []byte) (caller, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return caller{}, errNoToken
	}
	sig, ok := parseSignature(header)
	if !ok {
		return caller{}, errBadAuth
	}
	at, err := time.Parse(timeStamp, r.Header.Get("X-Amz-Date"))
	if err != nil || at.Format("20060102") != sig.date {
		return caller{}, errBadAuth
	}
	for _, m := range s.accounts {
		key, token, ok := m.Pair(sig.key)
		if !ok {
			continue
		}
		if now := m.Clock(); now.Sub(at).Abs() > maxSkew {
			return caller{}, &rotatortest.Error{Status: 403, Code: "SignatureDoesNotMatch",
				Message: fmt.Sprintf("Signature not yet current or expired: %s is not within 5 minutes of %s", at.Format(timeStamp), now.Format(timeStamp))}
		}
		if !token.EqualString(r.Header.Get("X-Amz-Security-Token")) {
			return caller{}, errUnknown
		}
		if !hmac.Equal(sig.mac, sig.expected(key, r, body)) {
			return caller{}, errSecret
		}
		return caller{key: sig.key, account: m, service: sig.service, region: sig.region}, nil
	}
	return caller{}, errUnknown
}

func parseSignature(header string) (sig signature, ok bool) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return sig, false
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[k] = v
	}
	scope := strings.Split(fields["Credential"], "/")
	mac, err := hex.DecodeString(fields["Signature"])
	if len(scope) != 5 || scope[4] != "aws4_request" || err != nil {
		return sig, false
	}
	headers := strings.Split(fields["SignedHeaders"], ";")
	if !slices.Contains(headers, "host") {
		return sig, false
	}
	return signature{key: rotator.KeyID(scope[0]), date: scope[1], region: scope[2], service: scope[3], headers: headers, mac: mac}, true
}

// expected is the signature that the secret gives.
func (sig signature) expected(key secret.Text, r *http.Request, body []byte) []byte {
	hash := sha256.Sum256([]byte(sig.canonical(r, body)))
	text := strings.Join([]string{
		algorithm, r.Header.Get("X-Amz-Date"),
		strings.Join([]string{sig.date, sig.region, sig.service, "aws4_request"}, "/"),
		hex.EncodeToString(hash[:]),
	}, "\n")
	var k []byte
	key.Use(func(b []byte) { k = mac(append([]byte("AWS4"), b...), sig.date) })
	for _, part := range []string{sig.region, sig.service, "aws4_request"} {
		k = mac(k, part)
	}
	return mac(k, text)
}

// canonical is the request as both sides write it down.
func (sig signature) canonical(r *http.Request, body []byte) string {
	var b strings.Builder
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	fmt.Fprintf(&b, "%s\n%s\n%s\n", r.Method, (&url.URL{Path: r.URL.Path}).EscapedPath(), query)
	for _, name := range sig.headers {
		values := slices.Clone(r.Header.Values(name))
		switch name {
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		for i, v := range values {
			values[i] = strings.Join(strings.Fields(v), " ")
		}
		fmt.Fprintf(&b, "%s:%s\n", name, strings.Join(values, ","))
	}
	hash := sha256.Sum256(body)
	fmt.Fprintf(&b, "\n%s\n%x", strings.Join(sig.headers, ";"), hash)
	return b.String()
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// requestID looks like AWS's.
func requestID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
