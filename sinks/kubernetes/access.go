package kubernetes

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"keyturn/internal/secret"
	"keyturn/sinks/internal/httpapi"
)

// access is how an API server is reached.
type access struct {
	server string
	tls    *tls.Config
	token  httpapi.Source // nil: a client certificate is shown instead
}

func accessOf(cfg *Config) (a access, err error) {
	field := "kubeconfig"
	if cfg.InCluster {
		field = "in_cluster"
		a, err = podAccess(podFiles)
	} else {
		a, err = fileAccess(cfg.Kubeconfig, cfg.Context)
	}
	if err != nil {
		return access{}, fmt.Errorf("kubernetes: %s: %w", field, err)
	}
	return a, nil
}

// podFiles is where Kubernetes mounts a pod's token and the roots of the API server.
// Source: "Accessing the Kubernetes API from a Pod".
const podFiles = "/var/run/secrets/kubernetes.io/serviceaccount"

// podAccess is what a pod has.
func podAccess(folder string) (access, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return access{}, errors.New("this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
	}
	pem, err := readFile(filepath.Join(folder, "ca.crt"))
	if err != nil {
		return access{}, err
	}
	roots, err := rootsOf(pem)
	return access{
		server: "https://" + net.JoinHostPort(host, port),
		tls:    &tls.Config{RootCAs: roots},
		token:  secret.Ref{File: filepath.Join(folder, "token")},
	}, err
}

// rootsOf are the certificates in pem; none means the system's.
func rootsOf(pem []byte) (*x509.CertPool, error) {
	if len(pem) == 0 {
		return nil, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("the authority of the cluster is no certificate in PEM")
	}
	return roots, nil
}

// maxFile bounds what is read of a file; kubeconfigs of many clusters have some hundred kilobytes.
const maxFile = 1 << 20

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, cause(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, cause(err))
	case len(text) > maxFile:
		return nil, fmt.Errorf("read %s: larger than %d bytes", path, maxFile)
	}
	return text, nil
}

// cause is err without the path, which is said already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
