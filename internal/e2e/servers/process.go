package servers

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	readyWithin = 30 * time.Second
	attempts    = 3 // the free port may be taken by somebody else before the server has it
)

// Process is a running server.
type Process struct {
	// URL is its base address.
	URL string
	// Log is the file that holds what it wrote.
	Log string

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start runs the command that argv makes for a port and waits until it answers at ready.
func start(name, dir, ready string, env []string, argv func(port string) []string) (*Process, error) {
	return startTLS(name, dir, ready, nil, env, argv)
}

// startTLS is start for a server that speaks TLS with a certificate of trust; if that is nil it speaks none.
func startTLS(name, dir, ready string, trust *x509.CertPool, env []string, argv func(port string) []string) (*Process, error) {
	client := &http.Client{Timeout: time.Second}
	if trust != nil {
		client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12}}
	}
	var failed error
	for range attempts {
		p, err := launch(name, dir, env, argv)
		if err != nil {
			return nil, err
		}
		if trust != nil {
			p.URL = strings.Replace(p.URL, "http:", "https:", 1)
		}
		if failed = p.await(client, ready); failed == nil {
			return p, nil
		}
		p.Stop()
	}
	return nil, fmt.Errorf("start %s: %w", name, failed)
}

func launch(name, dir string, env []string, argv func(port string) []string) (*Process, error) {
	port, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()
	args := argv(port)
	p := &Process{URL: "http://127.0.0.1:" + port, Log: log.Name(), cmd: exec.Command(args[0], args[1:]...), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread that started the child ends: keep it.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // it was killed: that is how it ends
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// Stop kills the process group and waits until the server is gone. Stopping again does nothing.
func (p *Process) Stop() {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // already gone is what is wanted
		<-p.done
	}
}

func (p *Process) await(client *http.Client, path string) error {
	for deadline := time.Now().Add(readyWithin); time.Now().Before(deadline); {
		resp, err := client.Get(p.URL + path)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended: see %s", p.Log)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return errors.New("it did not answer within " + readyWithin.String() + ": see " + p.Log)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
