// This file says how each process is configured, and how its clients find the API server.
package cluster

import (
	"fmt"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

func etcdFlags(directory string, client, peer int) []string {
	clientURL, peerURL := "http://"+address(client), "http://"+address(peer)
	return []string{
		"--data-dir=" + filepath.Join(directory, "etcd"),
		"--listen-client-urls=" + clientURL,
		"--advertise-client-urls=" + clientURL,
		"--listen-peer-urls=" + peerURL,
		"--initial-advertise-peer-urls=" + peerURL,
		"--initial-cluster=default=" + peerURL,
		// What is in it is thrown away with the directory.
		"--unsafe-no-fsync",
		"--log-level=error",
	}
}

func (p *controlPlane) serverFlags(etcd, port int, auditPolicy string) []string {
	return []string{
		"--etcd-servers=http://" + address(etcd),
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		// Endpoints of a loopback address are refused, and nobody in a pod asks for this service.
		"--endpoint-reconciler-type=none",
		fmt.Sprintf("--secure-port=%d", port),
		"--tls-cert-file=" + p.credentials.serving.certificate,
		"--tls-private-key-file=" + p.credentials.serving.key,
		// The way to the nodes, whose logs it hands on.
		"--kubelet-certificate-authority=" + p.credentials.authorityFile,
		"--kubelet-client-certificate=" + p.credentials.kubeletClient.certificate,
		"--kubelet-client-key=" + p.credentials.kubeletClient.key,
		"--kubelet-preferred-address-types=InternalIP",
		"--token-auth-file=" + p.credentials.tokenFile,
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + p.credentials.serviceAccountKey,
		"--service-account-signing-key-file=" + p.credentials.serviceAccountKey,
		"--audit-policy-file=" + auditPolicy,
		"--audit-log-path=" + p.auditLog(),
		// A request is answered only when its line is in the file: who asks finds it there.
		"--audit-log-mode=blocking-strict",
	}
}

func (p *controlPlane) auditLog() string {
	return filepath.Join(p.directory, "audit.log")
}

func (p *controlPlane) kubeconfig(user string) string {
	return filepath.Join(p.directory, user+".kubeconfig")
}

func (p *controlPlane) writeKubeconfig(user string) error {
	config := api.NewConfig()
	config.Clusters["test"] = &api.Cluster{Server: p.server, CertificateAuthorityData: p.credentials.authority}
	config.AuthInfos[user] = &api.AuthInfo{Token: p.credentials.tokens[user]}
	config.Contexts["test"] = &api.Context{Cluster: "test", AuthInfo: user}
	config.CurrentContext = "test"
	return clientcmd.WriteToFile(*config, p.kubeconfig(user))
}
