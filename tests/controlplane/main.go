// The Kubernetes control plane as one program: each of its processes is a role of it.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"gennaker.dev/controlplane/cluster"
	"gennaker.dev/controlplane/nodes"
)

// roles are the commands that this program stands for.
var roles = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": manager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubectl":                 cmd.NewDefaultKubectlCommand,
	"nodes":                   newNodesCommand,
}

func main() {
	arguments := os.Args
	// A link named like a role is that role: `kubectl` on the PATH.
	if _, isRole := roles[filepath.Base(arguments[0])]; !isRole && len(arguments) > 1 {
		arguments = arguments[1:]
	}
	name := filepath.Base(arguments[0])
	os.Args = append([]string{name}, arguments[1:]...)
	switch name {
	case "etcd":
		etcdmain.Main(os.Args)
		return
	case "with-cluster":
		os.Exit(cluster.Run(arguments[1:]))
	}
	role, isRole := roles[name]
	if !isRole {
		fmt.Fprintf(os.Stderr, "%s is no role: with-cluster, etcd, kube-apiserver, kube-controller-manager, "+
			"kube-scheduler, nodes, kubectl\n", name)
		os.Exit(2)
	}
	os.Exit(cli.Run(role()))
}

func newNodesCommand() *cobra.Command {
	var kubeconfig string
	var credentials nodes.Credentials
	command := &cobra.Command{
		Use:          "nodes",
		Short:        "Keeps nodes ready and plays the pods that are scheduled to them",
		SilenceUsage: true,
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			return nodes.Run(command.Context(), config, credentials)
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API server")
	command.Flags().StringVar(&credentials.Certificate, "tls-cert-file", "", "the certificate that logs are served with")
	command.Flags().StringVar(&credentials.Key, "tls-private-key-file", "", "its key")
	command.Flags().StringVar(&credentials.Authority, "client-ca-file", "", "who certifies those that may read logs")
	return command
}
