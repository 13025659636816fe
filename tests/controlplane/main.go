// Command controlplane is a Kubernetes control plane for tests in one binary.
//
// Each subcommand runs one unmodified upstream component; `up` runs all of them together on free
// loopback ports, with its own certificates, fake nodes and simulators of the controllers that a
// real platform would have installed. It must never listen on anything but loopback and never
// leave a process behind.
package main

import (
	"fmt"
	"os"
	"runtime"
)

const usage = `usage: controlplane COMMAND [flags]

  up       start a whole control plane and keep it until stdin closes or a signal arrives
  crds     install upstream CRDs, by group name, into the cluster of a kubeconfig
  git      serve the bare repositories of a folder over HTTP, on loopback and for reading only
  module   print the folder of a project's Go module, by group name, downloading it at first
  etcd | apiserver | controller-manager | scheduler | kwok | kubectl
           run one upstream component with its own flags

"controlplane up --help" lists the flags of up.
`

// The parent-death signal of a child is tied to the thread that started it. The main thread lives
// as long as the process, so every child is started from it.
func init() { runtime.LockOSThread() }

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(64)
	}
	name := os.Args[1]
	args := os.Args[2:]
	switch name {
	case "up":
		exit(runUp(args))
	case "crds":
		exit(runCRDs(args))
	case "git":
		exit(runGit(args))
	case "module":
		exit(runModule(args))
	case "-h", "--help", "help":
		fmt.Print(usage)
	default:
		os.Args = append([]string{name}, args...)
		run, known := components[name]
		if !known {
			fmt.Fprintf(os.Stderr, "controlplane: there is no command %q\n\n%s", name, usage)
			os.Exit(64)
		}
		os.Exit(run())
	}
}

func exit(err error) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "controlplane:", err)
	os.Exit(1)
}
