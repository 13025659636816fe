package main

// `up`: the whole control plane in the foreground, gone without a trace when it ends.

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
)

const startLimit = 60 * time.Second

type upOptions struct {
	dir        string
	remove     bool
	nodes      int
	crds       string
	crdFolders string
	simulators string
	verbose    bool
}

// plane is a running control plane.
type plane struct {
	options  upOptions
	server   string
	children []*child
}

func runUp(args []string) error {
	options, err := upFlags(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	ctx, ended := context.WithCancel(ctx)
	defer ended()
	go endWithStdin(ended)
	if options.remove {
		defer os.RemoveAll(options.dir)
	}
	p, err := startPlane(ctx, options)
	defer p.stop()
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if err := p.furnish(ctx); err != nil {
		return err
	}
	p.announce()
	return p.watch(ctx)
}

func upFlags(args []string) (upOptions, error) {
	var o upOptions
	flags := flag.NewFlagSet("controlplane up", flag.ExitOnError)
	flags.StringVar(&o.dir, "dir", "", "folder for certificates, kubeconfig, logs and data; without it a temporary one, removed at the end")
	flags.BoolVar(&o.remove, "rm", false, "remove the folder at the end")
	flags.IntVar(&o.nodes, "nodes", 3, "fake nodes; every third one has 8 GPUs")
	flags.StringVar(&o.crds, "crds", "", "CRD groups to install, separated by commas: "+strings.Join(groupNames(), ", "))
	flags.StringVar(&o.crdFolders, "crd-folders", "", "more folders with CRDs, separated by colons; they replace CRDs of the same name")
	flags.StringVar(&o.simulators, "simulators", "all", "simulated controllers, separated by commas, or all or none: "+strings.Join(familyNames(), ", "))
	flags.BoolVar(&o.verbose, "v", false, "say on stderr what is being started")
	_ = flags.Parse(args)
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; see controlplane up --help", flags.Arg(0))
	}
	// A misspelt name is told before anything is made or started.
	if err := errors.Join(knownGroups(splitList(o.crds, ",")), knownFamilies(splitList(o.simulators, ","))); err != nil {
		return o, err
	}
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "controlplane-")
		if err != nil {
			return o, err
		}
		o.dir, o.remove = dir, true
	}
	dir, err := filepath.Abs(o.dir)
	o.dir = dir
	return o, err
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

// startPlane starts the components; a port that someone took in between costs another attempt.
func startPlane(ctx context.Context, options upOptions) (*plane, error) {
	var p *plane
	var err error
	for attempt := 0; attempt < 3; attempt++ {
		p = &plane{options: options}
		if err = p.start(ctx); err == nil || !portTaken(err) {
			return p, err
		}
		p.stop()
	}
	return p, err
}

func (p *plane) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	ports, err := freePorts(6)
	if err != nil {
		return err
	}
	p.server = fmt.Sprintf("https://127.0.0.1:%d", ports[2])
	if err := p.prepare(); err != nil {
		return err
	}
	client := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	if err := p.run("etcd", etcdFlags(client, fmt.Sprintf("http://127.0.0.1:%d", ports[1]))...); err != nil {
		return err
	}
	if err := p.run("apiserver", apiserverFlags(client, ports[2])...); err != nil {
		return err
	}
	clients, err := clientsOf(filepath.Join(p.options.dir, "simulators.kubeconfig"))
	if err != nil {
		return err
	}
	if err := p.wait(ctx, "the API server to be ready", func(ctx context.Context) error {
		return clients.typed.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}); err != nil {
		return err
	}
	if err := p.run("controller-manager", managerFlags(ports[3])...); err != nil {
		return err
	}
	if err := p.run("scheduler", schedulerFlags(ports[4])...); err != nil {
		return err
	}
	if err := createFixtures(ctx, clients, p.options.nodes); err != nil {
		return err
	}
	if err := p.run("kwok", kwokFlags(ports[5])...); err != nil {
		return err
	}
	return p.wait(ctx, "fake nodes and the default service account", func(ctx context.Context) error {
		return fixturesReady(ctx, clients.typed, p.options.nodes)
	})
}

// prepare makes the folder of a run with nothing left from an earlier one.
func (p *plane) prepare() error {
	if err := os.RemoveAll(filepath.Join(p.options.dir, "etcd")); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(p.options.dir, "logs"), 0o700); err != nil {
		return err
	}
	stages, err := podStages()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.options.dir, "stages.yaml"), stages, 0o600); err != nil {
		return err
	}
	return writeIdentities(p.options.dir, p.server)
}

// furnish starts the simulators and installs the CRDs that were asked for.
func (p *plane) furnish(ctx context.Context) error {
	clients, err := clientsOf(filepath.Join(p.options.dir, "simulators.kubeconfig"))
	if err != nil {
		return err
	}
	if err := startSimulators(ctx, clients, p.options.simulators, p.options.dir); err != nil {
		return err
	}
	wanted := splitList(p.options.simulators, ",")
	if slices.Contains(wanted, "all") || slices.Contains(wanted, metricsFamily) {
		limited, cancel := context.WithTimeout(ctx, startLimit)
		defer cancel()
		if err := p.wait(limited, "the metrics API to be available", func(ctx context.Context) error {
			return metricsReady(ctx, clients)
		}); err != nil {
			return err
		}
	}
	return installCRDs(ctx, clients, splitList(p.options.crds, ","), splitList(p.options.crdFolders, ":"))
}

func (p *plane) run(name string, args ...string) error {
	if p.options.verbose {
		fmt.Fprintln(os.Stderr, "controlplane: starting", name)
	}
	c, err := start(p.options.dir, name, args...)
	if err == nil {
		p.children = append(p.children, c)
	}
	return err
}

// wait polls until check succeeds, a component dies or the time is up.
func (p *plane) wait(ctx context.Context, what string, check func(context.Context) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last := error(nil)
	for {
		for _, c := range p.children {
			if err := c.death(); err != nil {
				return err
			}
		}
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := check(attempt)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", startLimit, what, last)
		case <-tick.C:
		}
	}
}

// announce says on stdout, in one line of JSON, that and where everything runs.
func (p *plane) announce() {
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"kubeconfig": filepath.Join(p.options.dir, "kubeconfig"),
		"server":     p.server,
		"dir":        p.options.dir,
		"pid":        os.Getpid(),
	})
}

// watch keeps the plane until it is told to end; a component that dies before that is an error.
func (p *plane) watch(ctx context.Context) error {
	dead := make(chan *child, len(p.children))
	for _, c := range p.children {
		go func() { <-c.done; dead <- c }()
	}
	select {
	case <-ctx.Done():
		return nil
	case c := <-dead:
		return c.death()
	}
}

func (p *plane) stop() {
	for i := len(p.children) - 1; i >= 0; i-- {
		p.children[i].kill()
	}
	p.children = nil
}

// freePorts returns ports that were free a moment ago.
func freePorts(count int) ([]int, error) {
	ports := make([]int, 0, count)
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func splitList(text, separator string) []string {
	var items []string
	for item := range strings.SplitSeq(text, separator) {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func fixturesReady(ctx context.Context, client kubernetes.Interface, nodes int) error {
	if err := nodesReady(ctx, client, nodes); err != nil {
		return err
	}
	return accountReady(ctx, client)
}
