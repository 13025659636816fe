package main

// `up`: one Gitea in the foreground, gone without a trace when it ends.

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

const (
	module     = "code.gitea.io/gitea"
	admin      = "root"
	startLimit = 60 * time.Second
	tailBytes  = 4000
)

// server is one Gitea with everything that belongs to it.
type server struct {
	dir    string
	config string
	port   int
	web    *exec.Cmd
	done   chan error
}

func runUp(args []string) error {
	flags := flag.NewFlagSet("gitea up", flag.ExitOnError)
	dir := flags.String("dir", "", "folder for configuration, data and logs")
	remove := flags.Bool("rm", false, "remove the folder at the end")
	_ = flags.Parse(args)
	if *dir == "" {
		return errors.New("--dir is missing")
	}
	path, err := filepath.Abs(*dir)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	ctx, ended := context.WithCancel(ctx)
	defer ended()
	go endWithStdin(ended)
	if *remove {
		defer os.RemoveAll(path)
	}
	s := &server{dir: path, config: filepath.Join(path, "app.ini")}
	defer s.stop()
	token, err := s.start(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"url": s.url(), "admin": admin, "token": token, "dir": path, "pid": os.Getpid(),
	})
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.done:
		return fmt.Errorf("the server ended (%v); the end of its log:\n%s", err, tail(s.log("web")))
	}
}

// endWithStdin ends the run when the other end of a pipe on stdin is closed, which happens however
// the process that holds it dies. A terminal, a file or /dev/null on stdin means nothing.
func endWithStdin(ended func()) {
	info, err := os.Stdin.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	ended()
}

func (s *server) url() string { return fmt.Sprintf("http://127.0.0.1:%d", s.port) }

func (s *server) log(name string) string { return filepath.Join(s.dir, name+".log") }

// start brings the server up and returns a token of its administrator.
func (s *server) start(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := s.configure(); err != nil {
		return "", err
	}
	if _, err := s.run(ctx, "migrate"); err != nil {
		return "", err
	}
	token, err := s.run(ctx, "admin", "user", "create", "--admin", "--username", admin, "--email", "root@forge.example",
		"--random-password", "--must-change-password=false", "--access-token", "--access-token-name", "bed", "--access-token-scopes", "all")
	if err != nil {
		return "", err
	}
	if err := s.serve(ctx); err != nil {
		return "", err
	}
	const said = "Access token was successfully created... "
	for line := range strings.SplitSeq(token, "\n") {
		if word, found := strings.CutPrefix(strings.TrimSpace(line), said); found {
			return word, nil
		}
	}
	return "", fmt.Errorf("no token was made: %s", token)
}

// configure writes the configuration for a port that was free a moment ago.
func (s *server) configure() error {
	static, err := moduleDir()
	if err != nil {
		return err
	}
	who, err := user.Current()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("find a free port: %w", err)
	}
	s.port = listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	text := strings.NewReplacer(
		"{user}", who.Username, "{root}", fmt.Sprint(who.Uid == "0"), "{dir}", s.dir,
		"{static}", static, "{port}", fmt.Sprint(s.port),
	).Replace(configuration)
	return os.WriteFile(s.config, []byte(text), 0o600)
}

func (s *server) command(name string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this binary: %w", err)
	}
	log, err := os.OpenFile(s.log(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, append([]string{"--config", s.config, "--work-path", s.dir}, args...)...)
	cmd.Dir = s.dir
	cmd.Stderr = log
	cmd.Env = []string{"HOME=" + s.dir, "PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	return cmd, nil
}

// run runs one command to its end and returns what it printed.
func (s *server) run(ctx context.Context, args ...string) (string, error) {
	cmd, err := s.command("setup", args...)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return "", err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	if err := cmd.Wait(); err != nil {
		return "", fmt.Errorf("%s: %w: %s%s", args[0], err, out.String(), tail(s.log("setup")))
	}
	return out.String(), nil
}

// serve starts the server and waits until it answers.
func (s *server) serve(ctx context.Context) error {
	cmd, err := s.command("web", "web")
	if err != nil {
		return err
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	s.web, s.done = cmd, make(chan error, 1)
	go func() { s.done <- cmd.Wait() }()
	client := http.Client{Timeout: 5 * time.Second}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if answer, err := client.Get(s.url() + "/api/healthz"); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-s.done:
			s.web = nil
			return fmt.Errorf("the server ended (%v); the end of its log:\n%s", err, tail(s.log("web")))
		case <-ctx.Done():
			return fmt.Errorf("the server did not answer within %s; the end of its log:\n%s", startLimit, tail(s.log("web")))
		case <-tick.C:
		}
	}
}

// stop ends the server and the Git processes it started: their state is disposable.
func (s *server) stop() {
	if s.web != nil {
		_ = syscall.Kill(-s.web.Process.Pid, syscall.SIGKILL)
		_ = s.web.Process.Kill()
	}
}

// version is the version of Gitea that was built in.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return strings.TrimPrefix(dependency.Version, "v")
			}
		}
	}
	return "development"
}

// moduleDir is where Gitea's templates and texts are, as Go unpacked them.
func moduleDir() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module+"@v"+version())
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(), "GOWORK=off", "GO111MODULE=on")
	text, runErr := cmd.Output()
	var answer struct{ Dir, Error string }
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", fmt.Errorf("find the files of %s: %w", module, errors.Join(runErr, err))
	}
	if answer.Error != "" {
		return "", fmt.Errorf("find the files of %s: %s", module, answer.Error)
	}
	return answer.Dir, nil
}

func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-tailBytes):]))
}
