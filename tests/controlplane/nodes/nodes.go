// Package nodes stands in for kubelets: it keeps nodes ready and plays the pods that are scheduled
// to them, as far as anybody can see through the API server. No container is ever started.
package nodes

import (
	"context"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var nodeNames = []string{"node-1", "node-2", "node-3"}

// kubelets are all nodes and the pods on them.
type kubelets struct {
	client    kubernetes.Interface
	recorders map[string]record.EventRecorder
	ctx       context.Context

	mutex     sync.Mutex
	workers   map[types.UID]playing
	addresses int
}

// playing is a pod's worker and the way to end it.
type playing struct {
	worker     *worker
	end        context.CancelFunc
	namespace  string
	name       string
	containers []*container
}

// Run plays until the context ends.
func Run(ctx context.Context, config *rest.Config, credentials Credentials) error {
	// Many pods start at once, and a stand-in has no reason to be slower than they are.
	config.QPS, config.Burst = 500, 1000
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&corev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	defer broadcaster.Shutdown()
	all := &kubelets{
		client:    client,
		recorders: map[string]record.EventRecorder{},
		ctx:       ctx,
		workers:   map[types.UID]playing{},
	}
	port, err := serveLogs(ctx, credentials, all.log)
	if err != nil {
		return fmt.Errorf("logs cannot be served: %w", err)
	}
	for _, name := range nodeNames {
		source := v1.EventSource{Component: "kubelet", Host: name}
		all.recorders[name] = broadcaster.NewRecorder(scheme.Scheme, source)
		if err := register(ctx, client, name, port); err != nil {
			return fmt.Errorf("node %s cannot be registered: %w", name, err)
		}
		go keepReady(ctx, client, name)
	}
	return all.play()
}

// play follows all pods that are bound to a node.
func (k *kubelets) play() error {
	bound := func(options *metav1.ListOptions) {
		options.FieldSelector = fields.OneTermNotEqualSelector("spec.nodeName", "").String()
	}
	factory := informers.NewSharedInformerFactoryWithOptions(k.client, 0, informers.WithTweakListOptions(bound))
	pods := factory.Core().V1().Pods().Informer()
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(pod any) { k.see(pod) },
		UpdateFunc: func(_, pod any) { k.see(pod) },
		DeleteFunc: func(pod any) { k.forget(pod) },
	})
	if err != nil {
		return err
	}
	factory.Start(k.ctx.Done())
	<-k.ctx.Done()
	factory.Shutdown()
	return nil
}

// see starts playing a pod, or tells its worker that it has changed.
func (k *kubelets) see(object any) {
	seen, isPod := object.(*v1.Pod)
	if !isPod {
		return
	}
	recorder, isOurs := k.recorders[seen.Spec.NodeName]
	if !isOurs {
		return
	}
	pod := seen.DeepCopy()
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if known, isPlaying := k.workers[pod.UID]; isPlaying {
		known.worker.show(pod)
		return
	}
	k.addresses++
	address := fmt.Sprintf("10.244.%d.%d", k.addresses/250%250, k.addresses%250+1)
	started := &worker{
		client:   k.client,
		recorder: recorder,
		seen:     make(chan *v1.Pod, 1),
		life:     newLife(pod, address, time.Now()),
	}
	ctx, end := context.WithCancel(k.ctx)
	started.life.resolveBy(resolveFor(ctx, k.client, pod))
	k.workers[pod.UID] = playing{started, end, pod.Namespace, pod.Name, started.life.all()}
	go started.run(ctx)
}

// log finds the log of a container of a pod that is played.
func (k *kubelets) log(namespace, pod, name string) (*logBook, bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for _, each := range k.workers {
		if each.namespace != namespace || each.name != pod {
			continue
		}
		for _, container := range each.containers {
			if container.spec.Name == name {
				return container.log.Load(), true
			}
		}
	}
	return nil, false
}

func (k *kubelets) forget(object any) {
	if final, isFinal := object.(cache.DeletedFinalStateUnknown); isFinal {
		object = final.Obj
	}
	pod, isPod := object.(*v1.Pod)
	if !isPod {
		return
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if known, isPlaying := k.workers[pod.UID]; isPlaying {
		known.end()
		delete(k.workers, pod.UID)
	}
}
