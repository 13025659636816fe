// Command gitea is Gitea, unmodified, with one more command: `up` starts a server on a free loopback
// port with a configuration, a database and an administrator of its own, and stops it when whoever
// holds the pipe on its standard input is gone. It must never listen on anything but loopback.
package main

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"code.gitea.io/gitea/cmd"
	"code.gitea.io/gitea/modules/log"
	_ "code.gitea.io/gitea/modules/markup/markdown"
	"code.gitea.io/gitea/modules/setting"

	"github.com/urfave/cli/v3"
)

// The parent-death signal of a child is tied to the thread that started it. The main thread lives
// as long as the process, so every child is started from it.
func init() {
	runtime.LockOSThread()
	setting.AppVer = version()
	setting.AppStartTime = time.Now().UTC()
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "up" {
		if err := runUp(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "gitea up:", err)
			os.Exit(1)
		}
		return
	}
	cli.OsExiter = func(code int) {
		log.GetManager().Close()
		os.Exit(code)
	}
	app := cmd.NewMainApp(cmd.AppVersion{Version: version()})
	err := cmd.RunMainApp(app, os.Args...)
	log.GetManager().Close()
	if err != nil {
		os.Exit(1)
	}
}
