// The parts of a Kubernetes, from its own module: `parts apiserver FLAGS...` and so on. Only the wanted command is
// built, since each constructor installs the signal handler and a second one panics.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	constructors := map[string]func() *cobra.Command{
		"apiserver":   apiserver.NewAPIServerCommand,
		"controllers": controllers.NewControllerManagerCommand,
		"scheduler":   func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubelet":     func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
		"kubectl":     kubectl.NewDefaultKubectlCommand,
	}
	if len(os.Args) < 2 || constructors[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: parts apiserver|controllers|scheduler|kubelet|kubectl FLAGS...")
		os.Exit(2)
	}
	construct := constructors[os.Args[1]]
	os.Args = os.Args[1:]
	os.Exit(cli.Run(construct()))
}
