package kubernetes

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"keyturn/internal/secret"
)

// kubeconfig is as much of the file as is understood, and what must be refused.
// Source: "kubeconfig (v1)" in the reference of Kubernetes' configuration APIs.
type kubeconfig struct {
	Clusters []struct {
		Name    string  `yaml:"name"`
		Cluster cluster `yaml:"cluster"`
	} `yaml:"clusters"`
	Users []struct {
		Name string `yaml:"name"`
		User user   `yaml:"user"`
	} `yaml:"users"`
	Contexts []struct {
		Name    string `yaml:"name"`
		Context struct {
			Cluster string `yaml:"cluster"`
			User    string `yaml:"user"`
		} `yaml:"context"`
	} `yaml:"contexts"`
	Current string `yaml:"current-context"`
}

type cluster struct {
	Server     string `yaml:"server"`
	ServerName string `yaml:"tls-server-name"`
	CAFile     string `yaml:"certificate-authority"`
	CAData     string `yaml:"certificate-authority-data"`
	Insecure   bool   `yaml:"insecure-skip-tls-verify"`
	Proxy      string `yaml:"proxy-url"`
}

type user struct {
	Token        string `yaml:"token"`
	TokenFile    string `yaml:"tokenFile"`
	CertFile     string `yaml:"client-certificate"`
	CertData     string `yaml:"client-certificate-data"`
	KeyFile      string `yaml:"client-key"`
	KeyData      string `yaml:"client-key-data"`
	Username     string `yaml:"username"`
	Impersonate  string `yaml:"as"`
	Exec         any    `yaml:"exec"`
	AuthProvider any    `yaml:"auth-provider"`
}

// fileAccess is what the kubeconfig at path says for a context; "" is its current one.
func fileAccess(path, contextName string) (access, error) {
	c, u, err := readKubeconfig(path, contextName)
	if err != nil {
		return access{}, err
	}
	folder := filepath.Dir(path)
	pem, err := fileOrData(folder, c.CAFile, c.CAData)
	if err != nil {
		return access{}, err
	}
	roots, err := rootsOf(pem)
	if err != nil {
		return access{}, err
	}
	a := access{server: c.Server, tls: &tls.Config{RootCAs: roots, ServerName: c.ServerName}}
	switch {
	case u.TokenFile != "":
		a.token = secret.Ref{File: beside(folder, u.TokenFile)}
	case u.Token != "":
		a.token = inline{path, contextName}
	}
	if u.CertFile != "" || u.CertData != "" {
		shown := inline{path, contextName}
		if _, err := shown.certificate(); err != nil {
			return access{}, err
		}
		a.tls.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown.certificate() }
	} else if a.token == nil {
		return access{}, errors.New("the user has neither token, tokenFile nor client certificate")
	}
	return a, nil
}

// readKubeconfig finds cluster and user of a context, and refuses what would be misunderstood.
func readKubeconfig(path, contextName string) (c cluster, u user, err error) {
	text, err := readFile(path)
	if err != nil {
		return c, u, err
	}
	defer clear(text)
	var k kubeconfig
	// The decoder's own error quotes the line, which can be a token.
	if yaml.Unmarshal(text, &k) != nil || len(k.Clusters) == 0 {
		return c, u, fmt.Errorf("%s is not a kubeconfig", path)
	}
	if contextName == "" {
		contextName = k.Current
	}
	clusterName, userName, ok := k.context(contextName)
	if !ok {
		return c, u, fmt.Errorf("%s has no context %q", path, contextName)
	}
	if c, ok = k.cluster(clusterName); !ok {
		return c, u, fmt.Errorf("%s has no cluster %q", path, clusterName)
	}
	if u, ok = k.user(userName); !ok {
		return c, u, fmt.Errorf("%s has no user %q", path, userName)
	}
	return c, u, errors.Join(c.refused(clusterName), u.refused(userName))
}

func (k kubeconfig) context(name string) (clusterName, userName string, ok bool) {
	for _, c := range k.Contexts {
		if c.Name == name {
			return c.Context.Cluster, c.Context.User, true
		}
	}
	return "", "", false
}

func (k kubeconfig) cluster(name string) (cluster, bool) {
	for _, c := range k.Clusters {
		if c.Name == name {
			return c.Cluster, true
		}
	}
	return cluster{}, false
}

func (k kubeconfig) user(name string) (user, bool) {
	for _, u := range k.Users {
		if u.Name == name {
			return u.User, true
		}
	}
	return user{}, false
}

func (c cluster) refused(name string) error {
	switch {
	case c.Insecure:
		return fmt.Errorf("cluster %q: insecure-skip-tls-verify would send the pair to whoever answers: give certificate-authority", name)
	case c.Proxy != "":
		return fmt.Errorf("cluster %q: proxy-url is not supported: set HTTPS_PROXY", name)
	}
	return nil
}

func (u user) refused(name string) error {
	const instead = "give token, tokenFile or a client certificate"
	switch {
	case u.Exec != nil:
		return fmt.Errorf("user %q: exec plugins are not run: %s", name, instead)
	case u.AuthProvider != nil:
		return fmt.Errorf("user %q: auth providers are not supported: %s", name, instead)
	case u.Username != "":
		return fmt.Errorf("user %q: passwords are not supported: %s", name, instead)
	case u.Impersonate != "":
		return fmt.Errorf("user %q: impersonation is not supported", name)
	}
	return nil
}

// inline is what stands in a kubeconfig itself. It is read again each time, as a file would be.
type inline struct{ path, context string }

// Resolve is the token.
func (i inline) Resolve(context.Context) (secret.Text, error) {
	_, u, err := readKubeconfig(i.path, i.context)
	if err == nil && u.Token == "" {
		err = fmt.Errorf("%s holds no token any more", i.path)
	}
	return secret.FromString(u.Token), err
}

// certificate is the client certificate and its key.
func (i inline) certificate() (*tls.Certificate, error) {
	_, u, err := readKubeconfig(i.path, i.context)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(i.path)
	cert, err := fileOrData(folder, u.CertFile, u.CertData)
	if err != nil {
		return nil, err
	}
	key, err := fileOrData(folder, u.KeyFile, u.KeyData)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, errors.New("the client certificate and its key are no pair in PEM")
	}
	return &pair, nil
}

// fileOrData is data, or the content of a file if there is none: kubectl's own order.
func fileOrData(folder, file, data string) ([]byte, error) {
	switch {
	case data != "":
		text, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace([]byte(data))))
		if err != nil {
			return nil, errors.New("a certificate or key is not in base64")
		}
		return text, nil
	case file != "":
		return readFile(beside(folder, file))
	}
	return nil, nil
}

// beside resolves a path as kubectl does: from the folder of the kubeconfig.
func beside(folder, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}
