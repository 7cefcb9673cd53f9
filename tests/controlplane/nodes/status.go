// This file says of a pod's life what a kubelet would write into its status.
package nodes

import (
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// status is the whole of what the node says; what others say (the scheduler, gates) is kept.
func (l *life) status(now time.Time) v1.PodStatus {
	status := v1.PodStatus{
		ObservedGeneration: l.pod.Generation,
		Phase:              l.phase(),
		StartTime:          instant(l.since),
		PodIP:              l.address,
		PodIPs:             []v1.PodIP{{IP: l.address}},
		HostIP:             hostAddress,
		HostIPs:            []v1.HostIP{{IP: hostAddress}},
		QOSClass:           l.pod.Status.QOSClass,
	}
	for _, init := range l.inits {
		status.InitContainerStatuses = append(status.InitContainerStatuses, l.container(init, now))
	}
	for _, main := range l.mains {
		status.ContainerStatuses = append(status.ContainerStatuses, l.container(main, now))
	}
	status.Conditions = l.conditions(now, status.Phase)
	return status
}

// phase follows the kubelet: pending until something started, running while anything may start again.
func (l *life) phase() v1.PodPhase {
	for _, init := range l.inits {
		if !hasPassed(init) {
			if init.isDone() && l.pod.DeletionTimestamp == nil {
				return v1.PodFailed
			}
			return v1.PodPending
		}
	}
	done, failed, waiting := 0, 0, 0
	for _, main := range l.mains {
		switch {
		case main.isDone() && main.final.ExitCode == 0:
			done++
		case main.isDone():
			done++
			failed++
		case main.runs == 0:
			waiting++
		}
	}
	switch {
	case done == len(l.mains) && failed > 0:
		return v1.PodFailed
	case done == len(l.mains):
		return v1.PodSucceeded
	case waiting > 0:
		return v1.PodPending
	default:
		return v1.PodRunning
	}
}

func (l *life) container(c *container, now time.Time) v1.ContainerStatus {
	isRunning, isInit := c.stage == running, false
	for _, init := range l.inits {
		isInit = isInit || init == c
	}
	status := v1.ContainerStatus{
		Name:         c.spec.Name,
		Image:        c.image.full,
		RestartCount: c.restarts,
		Started:      &isRunning,
		Ready:        c.isReady(now) || (isInit && !isSidecar(c) && hasPassed(c)),
		State:        l.state(c),
	}
	if c.runs > 0 {
		status.ContainerID, status.ImageID = c.id(), c.image.id()
	}
	if c.last != nil {
		status.LastTerminationState.Terminated = c.last
	}
	return status
}

func (l *life) state(c *container) v1.ContainerState {
	waiting := func(reason, message string) v1.ContainerState {
		return v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason, Message: message}}
	}
	switch c.stage {
	case pullFailed:
		return waiting("ErrImagePull", c.image.notFound())
	case pullBackOff:
		return waiting("ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", c.spec.Image, c.image.notFound()))
	case misconfigured:
		return waiting("CreateContainerConfigError", c.words)
	case running:
		return v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: metav1.NewTime(c.started)}}
	case ended:
		return v1.ContainerState{Terminated: c.final}
	case crashBackOff:
		return waiting("CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)",
			backOff(c.failures-2), c.spec.Name, l.pod.Name, l.pod.Namespace, l.pod.UID))
	case unborn, pulling:
		if !l.isInitialized() && len(l.inits) > 0 {
			return waiting("PodInitializing", "")
		}
		return waiting("ContainerCreating", "")
	}
	return waiting("ContainerCreating", "")
}

func (l *life) conditions(now time.Time, phase v1.PodPhase) []v1.PodCondition {
	var unready, uninitialized []string
	for _, init := range l.inits {
		if !hasPassed(init) {
			uninitialized = append(uninitialized, init.spec.Name)
		}
	}
	for _, main := range l.mains {
		if !main.isReady(now) {
			unready = append(unready, main.spec.Name)
		}
	}
	ready := verdict(phase, "ContainersNotReady", "containers with unready status", unready)
	all := ready
	if gate, closed := l.closedGate(); closed && ready.Status == v1.ConditionTrue {
		all = v1.PodCondition{Status: v1.ConditionFalse, Reason: "ReadinessGatesNotReady",
			Message: fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate)}
	}
	return []v1.PodCondition{
		l.stamped(now, v1.PodReadyToStartContainers, v1.PodCondition{Status: v1.ConditionTrue}),
		l.stamped(now, v1.PodInitialized, verdict("", "ContainersNotInitialized", "containers with incomplete status", uninitialized)),
		l.stamped(now, v1.PodReady, all),
		l.stamped(now, v1.ContainersReady, ready),
	}
}

func verdict(phase v1.PodPhase, reason, message string, names []string) v1.PodCondition {
	switch {
	case phase == v1.PodSucceeded || phase == v1.PodFailed:
		return v1.PodCondition{Status: v1.ConditionFalse, Reason: podReason(phase)}
	case len(names) > 0:
		words := fmt.Sprintf("%s: [%s]", message, strings.Join(names, " "))
		return v1.PodCondition{Status: v1.ConditionFalse, Reason: reason, Message: words}
	default:
		return v1.PodCondition{Status: v1.ConditionTrue}
	}
}

func podReason(phase v1.PodPhase) string {
	if phase == v1.PodFailed {
		return "PodFailed"
	}
	return "PodCompleted"
}

// closedGate is the first readiness gate that its controller has not opened.
func (l *life) closedGate() (v1.PodConditionType, bool) {
	for _, gate := range l.pod.Spec.ReadinessGates {
		if found := l.known(gate.ConditionType); found == nil || found.Status != v1.ConditionTrue {
			return gate.ConditionType, true
		}
	}
	return "", false
}

func (l *life) known(kind v1.PodConditionType) *v1.PodCondition {
	for index := range l.pod.Status.Conditions {
		if l.pod.Status.Conditions[index].Type == kind {
			return &l.pod.Status.Conditions[index]
		}
	}
	return nil
}

// stamped keeps the instant of a condition that has not changed. What this node said itself counts
// more than what it was shown last, which may be older.
func (l *life) stamped(now time.Time, kind v1.PodConditionType, condition v1.PodCondition) v1.PodCondition {
	condition.Type, condition.ObservedGeneration = kind, l.pod.Generation
	condition.LastTransitionTime = metav1.NewTime(now)
	before, said := l.said[kind]
	if shown := l.known(kind); !said && shown != nil {
		before, said = *shown, true
	}
	if said && before.Status == condition.Status {
		condition.LastTransitionTime = before.LastTransitionTime
	}
	l.said[kind] = condition
	return condition
}
