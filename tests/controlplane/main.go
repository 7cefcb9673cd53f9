package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	_ "k8s.io/client-go/informers"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func main() {
	_ = etcdmain.Main
	_ = cli.Run
	_ = cmd.NewDefaultKubectlCommand
	_ = util.CheckErr
	_ = apiserver.NewAPIServerCommand
	_ = manager.NewControllerManagerCommand
	_ = scheduler.NewSchedulerCommand
	os.Exit(0)
}
