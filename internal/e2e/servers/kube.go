package servers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Kube is an API server of Kubernetes with an etcd of its own, and RBAC. Nothing else of a cluster runs: no controllers, no nodes.
type Kube struct {
	*Process // the API server
	// Authority is the file with the certificate to trust.
	Authority string
	// Token is that of an administrator.
	Token string
	// Client trusts the authority.
	Client *http.Client

	etcd *Process
}

// StartKube starts the API server and the etcd of files, a folder that Find found. Their logs and data go to dir.
func StartKube(files, dir string) (*Kube, error) {
	k := &Kube{Authority: filepath.Join(dir, "kube.crt"), Token: "admin-" + rand.Text()}
	key := filepath.Join(dir, "kube.key")
	trust, err := selfSigned(k.Authority, key)
	if err != nil {
		return nil, fmt.Errorf("start kube: %w", err)
	}
	tokens := filepath.Join(dir, "tokens.csv")
	if err := os.WriteFile(tokens, []byte(k.Token+`,admin,admin,"system:masters"`), 0o600); err != nil {
		return nil, fmt.Errorf("start kube: %w", err)
	}
	if k.etcd, err = startEtcd(files, dir); err != nil {
		return nil, err
	}
	k.Client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12}}}
	k.Process, err = startTLS("kube-apiserver", dir, "/readyz", trust, nil, func(port string) []string {
		return []string{
			filepath.Join(files, "kube-apiserver"), "--etcd-servers", k.etcd.URL, "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1",
			"--secure-port", port, "--tls-cert-file", k.Authority, "--tls-private-key-file", key,
			"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", key,
			"--service-account-signing-key-file", key, "--authorization-mode", "RBAC", "--token-auth-file", tokens,
			"--service-cluster-ip-range", "10.0.0.0/24", "--endpoint-reconciler-type", "none",
		}
	})
	if err != nil {
		k.etcd.Stop()
		return nil, err
	}
	return k, nil
}

// Stop ends both.
func (k *Kube) Stop() {
	k.Process.Stop()
	k.etcd.Stop()
}

func startEtcd(files, dir string) (*Process, error) {
	return start("etcd", dir, "/health", nil, func(port string) []string {
		client, peer := "http://127.0.0.1:"+port, "http://127.0.0.1:0" // it has no peers
		return []string{
			filepath.Join(files, "etcd"), "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", client, "--advertise-client-urls", client,
			"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer,
		}
	})
}

// selfSigned writes a key, and a certificate of it for this machine that is its own authority.
func selfSigned(certificate, key string) (trust *x509.CertPool, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "e2e"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, err
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	if err := os.WriteFile(certificate, text, 0o600); err != nil {
		return nil, err
	}
	trust = x509.NewCertPool()
	trust.AppendCertsFromPEM(text)
	return trust, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}), 0o600)
}
