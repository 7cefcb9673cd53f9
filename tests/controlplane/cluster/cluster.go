// Package cluster starts a whole Kubernetes control plane on loopback for as long as a command runs.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// patience is how long the control plane may take to become usable, on a slow and busy machine.
const patience = 2 * time.Minute

// auditPolicy keeps what the command under test asks for: its writes with their bodies, its reads
// of single objects by name. What controllers do among themselves is left out.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Request, users: [tester], verbs: [create, update, patch, delete, deletecollection]}
- {level: Metadata, users: [tester], verbs: [get]}
- {level: None}
`

// controlPlane is a running control plane and the directory that everything of it is in.
type controlPlane struct {
	directory   string
	credentials *credentials
	server      string
	processes   []*process
}

// startControlPlane starts every role and waits until pods could be scheduled.
func startControlPlane(ctx context.Context, directory string) (*controlPlane, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	made, err := newCredentials(directory)
	if err != nil {
		return nil, err
	}
	plane := &controlPlane{directory: directory, credentials: made}
	for _, step := range []func(context.Context) error{plane.serve, plane.control, plane.settle} {
		if err := step(ctx); err != nil {
			plane.stop()
			return nil, err
		}
	}
	return plane, nil
}

// serve starts etcd and the API server, and waits until it answers.
func (p *controlPlane) serve(ctx context.Context) error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	if err := p.start("etcd", etcdFlags(p.directory, ports[0], ports[1])...); err != nil {
		return err
	}
	policy := filepath.Join(p.directory, "audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	p.server = "https://" + address(ports[2])
	if err := p.start("kube-apiserver", p.serverFlags(ports[0], ports[2], policy)...); err != nil {
		return err
	}
	for _, user := range users {
		if err := p.writeKubeconfig(user); err != nil {
			return err
		}
	}
	client, err := p.client()
	if err != nil {
		return err
	}
	return until(ctx, "the API server is ready", p.processes, func(ctx context.Context) error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// control starts what makes objects come true.
func (p *controlPlane) control(context.Context) error {
	flags := []string{"--leader-elect=false", "--secure-port=0", "--kube-api-qps=500", "--kube-api-burst=1000"}
	manager := append([]string{
		"--kubeconfig=" + p.kubeconfig("kube-controller-manager"),
		"--service-account-private-key-file=" + p.credentials.serviceAccountKey,
		"--root-ca-file=" + p.credentials.authorityFile,
	}, flags...)
	if err := p.start("kube-controller-manager", manager...); err != nil {
		return err
	}
	scheduler := append([]string{"--kubeconfig=" + p.kubeconfig("kube-scheduler")}, flags...)
	if err := p.start("kube-scheduler", scheduler...); err != nil {
		return err
	}
	return p.start("nodes",
		"--kubeconfig="+p.kubeconfig("nodes"),
		"--tls-cert-file="+p.credentials.nodes.certificate,
		"--tls-private-key-file="+p.credentials.nodes.key,
		"--client-ca-file="+p.credentials.authorityFile)
}

// settle waits until a pod in the default namespace could run.
func (p *controlPlane) settle(ctx context.Context) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	return until(ctx, "a pod can be scheduled", p.processes, func(ctx context.Context) error {
		if _, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return err
		}
		return areReady(client.CoreV1().Nodes().List(ctx, metav1.ListOptions{}))
	})
}

func areReady(nodes *v1.NodeList, err error) error {
	if err != nil {
		return err
	}
	if len(nodes.Items) == 0 {
		return errors.New("there is no node")
	}
	for _, node := range nodes.Items {
		if len(node.Spec.Taints) > 0 {
			return fmt.Errorf("node %s is not ready yet", node.Name)
		}
	}
	return nil
}

func (p *controlPlane) start(role string, arguments ...string) error {
	started, err := start(p.directory, role, arguments...)
	if err == nil {
		p.processes = append(p.processes, started)
	}
	return err
}

// stop ends every process, what was started last first.
func (p *controlPlane) stop() {
	for index := len(p.processes) - 1; index >= 0; index-- {
		p.processes[index].stop()
	}
}

func (p *controlPlane) client() (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", p.kubeconfig(tester))
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// freePorts finds ports that nobody listens on; all are held until the last is found, so that they differ.
func freePorts(count int) ([]int, error) {
	ports := make([]int, 0, count)
	for range count {
		listener, err := net.Listen("tcp", address(0))
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func address(port int) string {
	return fmt.Sprintf("127.0.0.1:%d", port)
}
