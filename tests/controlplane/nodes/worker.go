// This file plays one pod: it advances its life, and writes what came of it to the API server.
package nodes

import (
	"context"
	"encoding/json"
	"reflect"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/tools/reference"
	"k8s.io/klog/v2"
)

// retryPause is how long to wait after the API server did not take something.
const retryPause = 200 * time.Millisecond

// worker is the one goroutine that plays a pod.
type worker struct {
	client   kubernetes.Interface
	recorder record.EventRecorder
	// seen hands over the newest pod; an unread older one is replaced.
	seen    chan *v1.Pod
	life    *life
	written v1.PodStatus
}

// run plays the pod until it is gone or the context ends.
func (w *worker) run(ctx context.Context) {
	for {
		now := time.Now()
		for _, told := range w.life.advance(now) {
			w.tell(told)
		}
		pause, over := w.write(ctx, now)
		if over {
			return
		}
		var timer <-chan time.Time
		if pause >= 0 {
			timer = time.After(pause)
		}
		select {
		case <-ctx.Done():
			return
		case <-timer:
		case pod := <-w.seen:
			w.life.pod = pod
		}
	}
}

// write brings the API server up to date, and says how long nothing will happen; less than zero
// stands for ever.
func (w *worker) write(ctx context.Context, now time.Time) (pause time.Duration, over bool) {
	if status := w.life.status(now); !reflect.DeepEqual(status, w.written) {
		if err := w.patch(ctx, &status); apierrors.IsNotFound(err) {
			return 0, true
		} else if err != nil {
			klog.ErrorS(err, "status is not taken", "pod", klog.KObj(w.life.pod))
			return retryPause, false
		}
		w.written = status
	}
	if w.life.isOver() {
		if err := w.remove(ctx); err != nil && !apierrors.IsNotFound(err) {
			klog.ErrorS(err, "pod is not removed", "pod", klog.KObj(w.life.pod))
			return retryPause, false
		}
		return 0, true
	}
	wake := w.life.wakes(now)
	if wake.IsZero() {
		return -1, false
	}
	return max(0, time.Until(wake)), false
}

func (w *worker) patch(ctx context.Context, status *v1.PodStatus) error {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": w.life.pod.UID}, "status": status})
	if err != nil {
		return err
	}
	pods := w.client.CoreV1().Pods(w.life.pod.Namespace)
	_, err = pods.Patch(ctx, w.life.pod.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	return err
}

func (w *worker) remove(ctx context.Context) error {
	now, uid := int64(0), w.life.pod.UID
	options := metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &uid}}
	return w.client.CoreV1().Pods(w.life.pod.Namespace).Delete(ctx, w.life.pod.Name, options)
}

func (w *worker) tell(told told) {
	about, err := reference.GetPartialReference(scheme.Scheme, w.life.pod, told.fieldPath)
	if err != nil {
		klog.ErrorS(err, "an event has no object", "pod", klog.KObj(w.life.pod))
		return
	}
	w.recorder.Event(about, told.kind, told.reason, told.message)
}

// show hands the newest state of the pod over without waiting.
func (w *worker) show(pod *v1.Pod) {
	for {
		select {
		case w.seen <- pod:
			return
		default:
		}
		select {
		case <-w.seen:
		default:
		}
	}
}
