package main

// Child processes: started with a log file, watched, and killed together with their parent.

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const tailBytes = 4000

// child is one running component.
type child struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// deadChild says that a component ended, with the end of its log.
type deadChild struct {
	name string
	err  error
	tail string
}

func (d *deadChild) Error() string {
	return fmt.Sprintf("%s ended (%v); the end of its log:\n%s", d.name, d.err, d.tail)
}

// portTaken tells the one start failure that a second attempt with other ports cures.
func portTaken(err error) bool {
	var dead *deadChild
	return errors.As(err, &dead) && strings.Contains(dead.tail, "address already in use")
}

// start runs this binary again as the component `name`. Call it from the main thread only.
func start(dir, name string, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this binary: %w", err)
	}
	path := filepath.Join(dir, "logs", name+".log")
	log, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer log.Close()
	cmd := exec.Command(self, append([]string{name}, args...)...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	// The proxy variables of a developer's shell must not reach components that talk over loopback.
	cmd.Env = []string{"HOME=" + dir, "PATH=/usr/bin:/bin", "NO_PROXY=*", "KUBE_CACHE_MUTATION_DETECTOR=false"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c := &child{name: name, log: path, cmd: cmd, done: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// death returns why the child is gone, or nil while it runs.
func (c *child) death() error {
	select {
	case <-c.done:
		return &deadChild{name: c.name, err: c.err, tail: tail(c.log)}
	default:
		return nil
	}
}

// kill ends the child at once: its state is disposable.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

func tail(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if size, err := file.Seek(0, io.SeekEnd); err == nil {
		_, _ = file.Seek(max(0, size-tailBytes), io.SeekStart)
	}
	text, _ := io.ReadAll(file)
	return strings.TrimSpace(string(text))
}
