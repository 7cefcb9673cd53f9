// This file registers a node and keeps it ready, by its status once and by its lease from then on.
package nodes

import (
	"context"
	"runtime"
	"time"

	coordination "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
)

const (
	// hostAddress is where the API server finds the nodes' logs.
	hostAddress = "127.0.0.1"
	// leasePeriod is what a kubelet uses; the node controller waits for several missed ones.
	leasePeriod       = 10 * time.Second
	leaseSeconds      = int32(40)
	kubernetesVersion = "v1.37.2"
)

// register makes the node, or brings one that is there up to date.
func register(ctx context.Context, client kubernetes.Interface, name string, port int32) error {
	labels := map[string]string{
		"kubernetes.io/hostname": name,
		"kubernetes.io/os":       "linux",
		"kubernetes.io/arch":     runtime.GOARCH,
	}
	node := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	// Controllers write to a new node too.
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		found, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		found.Status = nodeStatus(name, port, time.Now())
		_, err = client.CoreV1().Nodes().UpdateStatus(ctx, found, metav1.UpdateOptions{})
		return err
	})
}

func nodeStatus(name string, port int32, now time.Time) v1.NodeStatus {
	resources := v1.ResourceList{
		v1.ResourceCPU:              resource.MustParse("32"),
		v1.ResourceMemory:           resource.MustParse("128Gi"),
		v1.ResourceEphemeralStorage: resource.MustParse("500Gi"),
		v1.ResourcePods:             resource.MustParse("500"),
	}
	return v1.NodeStatus{
		Capacity:    resources,
		Allocatable: resources,
		Conditions: []v1.NodeCondition{
			condition(now, v1.NodeMemoryPressure, v1.ConditionFalse, "KubeletHasSufficientMemory"),
			condition(now, v1.NodeDiskPressure, v1.ConditionFalse, "KubeletHasNoDiskPressure"),
			condition(now, v1.NodePIDPressure, v1.ConditionFalse, "KubeletHasSufficientPID"),
			condition(now, v1.NodeReady, v1.ConditionTrue, "KubeletReady"),
		},
		Addresses: []v1.NodeAddress{
			{Type: v1.NodeInternalIP, Address: hostAddress},
			{Type: v1.NodeHostName, Address: name},
		},
		DaemonEndpoints: v1.NodeDaemonEndpoints{KubeletEndpoint: v1.DaemonEndpoint{Port: port}},
		NodeInfo: v1.NodeSystemInfo{
			OperatingSystem: "linux",
			Architecture:    runtime.GOARCH,
			KubeletVersion:  kubernetesVersion,
		},
	}
}

func condition(now time.Time, kind v1.NodeConditionType, status v1.ConditionStatus, reason string) v1.NodeCondition {
	at := metav1.NewTime(now)
	return v1.NodeCondition{Type: kind, Status: status, Reason: reason, LastHeartbeatTime: at, LastTransitionTime: at}
}

// keepReady renews the node's lease until the context ends.
func keepReady(ctx context.Context, client kubernetes.Interface, name string) {
	ticker := time.NewTicker(leasePeriod)
	defer ticker.Stop()
	for {
		if err := renew(ctx, client, name); err != nil && ctx.Err() == nil {
			klog.ErrorS(err, "lease is not renewed", "node", name)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func renew(ctx context.Context, client kubernetes.Interface, name string) error {
	leases := client.CoordinationV1().Leases(v1.NamespaceNodeLease)
	seconds, now := leaseSeconds, metav1.NowMicro()
	spec := coordination.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &seconds, RenewTime: &now}
	found, err := leases.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordination.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	found.Spec = spec
	_, err = leases.Update(ctx, found, metav1.UpdateOptions{})
	return err
}
