// This file lives the life of one pod: its init containers in order, its containers together, its end.
package nodes

import (
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// life is a pod as its node sees it.
type life struct {
	pod      *v1.Pod
	address  string
	since    time.Time
	inits    []*container
	mains    []*container
	stopping time.Time
	said     map[v1.PodConditionType]v1.PodCondition
}

// told is a happening and the container it is about.
type told struct {
	happening
	fieldPath string
}

func newLife(pod *v1.Pod, address string, now time.Time) *life {
	made := &life{pod: pod, address: address, since: now, said: map[v1.PodConditionType]v1.PodCondition{}}
	for index := range pod.Spec.InitContainers {
		made.inits = append(made.inits, newInitContainer(pod, &pod.Spec.InitContainers[index]))
	}
	for index := range pod.Spec.Containers {
		made.mains = append(made.mains, newContainer(pod, &pod.Spec.Containers[index]))
	}
	if pod.Status.StartTime != nil {
		made.since, made.address = pod.Status.StartTime.Time, pod.Status.PodIP
		adopt(made.inits, pod.Status.InitContainerStatuses)
		adopt(made.mains, pod.Status.ContainerStatuses)
	}
	return made
}

func adopt(containers []*container, statuses []v1.ContainerStatus) {
	for _, container := range containers {
		for index := range statuses {
			if statuses[index].Name == container.spec.Name {
				container.adopt(&statuses[index])
			}
		}
	}
}

// advance does everything that is due.
func (l *life) advance(now time.Time) []told {
	if l.pod.DeletionTimestamp != nil {
		return l.stop(now)
	}
	var happened []told
	initialized := true
	for _, init := range l.inits {
		happened = append(happened, about(init, "spec.initContainers", init.begin(now))...)
		happened = append(happened, about(init, "spec.initContainers", init.advance(now, true))...)
		if !hasPassed(init) {
			initialized = false
			break
		}
	}
	for _, main := range l.mains {
		if initialized {
			happened = append(happened, about(main, "spec.containers", main.begin(now))...)
		}
		happened = append(happened, about(main, "spec.containers", main.advance(now, true))...)
	}
	return happened
}

// resolveBy lets every container find out its environment so.
func (l *life) resolveBy(resolve resolver) {
	for _, container := range l.all() {
		container.resolve = resolve
	}
}

// all is every container, init containers first.
func (l *life) all() []*container {
	return append(append([]*container{}, l.inits...), l.mains...)
}

func about(container *container, list string, happenings []happening) []told {
	var all []told
	for _, happening := range happenings {
		all = append(all, told{happening, list + "{" + container.spec.Name + "}"})
	}
	return all
}

// isSidecar says whether an init container runs on beside the others.
func isSidecar(container *container) bool {
	return container.spec.RestartPolicy != nil && *container.spec.RestartPolicy == v1.ContainerRestartPolicyAlways
}

// hasPassed says whether what comes after an init container may start.
func hasPassed(init *container) bool {
	if isSidecar(init) {
		return init.stage == running
	}
	return init.isDone() && init.final.ExitCode == 0
}

// stop ends the containers, each when its fate says so, but never later than the pod's grace.
func (l *life) stop(now time.Time) []told {
	var happened []told
	if l.stopping.IsZero() {
		l.stopping = now
		for _, container := range l.running() {
			killing := []happening{{v1.EventTypeNormal, "Killing", "Stopping container " + container.spec.Name}}
			happened = append(happened, about(container, "spec.containers", killing)...)
		}
	}
	for _, container := range l.running() {
		if stopped, code := l.stopped(container); !stopped.After(now) {
			container.end(now, exit{code: code})
		}
	}
	return happened
}

// stopped is when a container ends after it was asked to, and how: by itself, or killed.
func (l *life) stopped(container *container) (time.Time, int32) {
	grace := 30 * time.Second
	if l.pod.DeletionGracePeriodSeconds != nil {
		grace = time.Duration(*l.pod.DeletionGracePeriodSeconds) * time.Second
	}
	if container.fate.stopIn > grace {
		return l.stopping.Add(grace), 137
	}
	return l.stopping.Add(container.fate.stopIn), 0
}

func (l *life) running() []*container {
	var all []*container
	for _, container := range l.all() {
		if container.stage == running {
			all = append(all, container)
		}
	}
	return all
}

// isOver says whether the pod may be removed.
func (l *life) isOver() bool {
	return l.pod.DeletionTimestamp != nil && !l.stopping.IsZero() && len(l.running()) == 0
}

// wakes is when something will happen by itself; zero for never.
func (l *life) wakes(now time.Time) time.Time {
	var wake time.Time
	if l.pod.DeletionTimestamp != nil {
		for _, container := range l.running() {
			stopped, _ := l.stopped(container)
			wake = earlier(wake, stopped)
		}
		return wake
	}
	for _, container := range l.all() {
		wake = earlier(wake, container.wakes(now))
	}
	return wake
}

// isInitialized says whether every init container has passed.
func (l *life) isInitialized() bool {
	for _, init := range l.inits {
		if !hasPassed(init) {
			return false
		}
	}
	return true
}

func instant(at time.Time) *metav1.Time {
	stamped := metav1.NewTime(at)
	return &stamped
}
