package nodes

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
)

// played advances a pod in small steps for a while and answers its status.
func played(l *life, from time.Time, duration time.Duration) v1.PodStatus {
	for at := from; at.Before(from.Add(duration)); at = at.Add(time.Millisecond) {
		l.advance(at)
	}
	return l.status(from.Add(duration))
}

func isReady(status v1.PodStatus) bool {
	for _, condition := range status.Conditions {
		if condition.Type == v1.PodReady {
			return condition.Status == v1.ConditionTrue
		}
	}
	return false
}

func reason(state v1.ContainerState) string {
	switch {
	case state.Waiting != nil:
		return state.Waiting.Reason
	case state.Terminated != nil:
		return state.Terminated.Reason
	default:
		return "Running"
	}
}

func TestAPodShowsItsFateAsAKubeletWould(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	for _, row := range []struct {
		image    string
		after    time.Duration
		phase    v1.PodPhase
		reason   string
		restarts int32
		ready    bool
	}{
		{"nginx", 4 * time.Millisecond, v1.PodPending, "ContainerCreating", 0, false},
		{"nginx", 20 * time.Millisecond, v1.PodRunning, "Running", 0, true},
		{"fate.test/ready:1s", 500 * time.Millisecond, v1.PodRunning, "Running", 0, false},
		{"fate.test/ready:1s", 1100 * time.Millisecond, v1.PodRunning, "Running", 0, true},
		{"fate.test/never-ready", time.Second, v1.PodRunning, "Running", 0, false},
		{"fate.test/pull-error", 20 * time.Millisecond, v1.PodPending, "ErrImagePull", 0, false},
		{"fate.test/pull-error", time.Second, v1.PodPending, "ImagePullBackOff", 0, false},
		{"fate.test/crash-loop:3", 600 * time.Millisecond, v1.PodRunning, "Error", 0, false},
		{"fate.test/crash-loop:3", 2 * time.Second, v1.PodRunning, "CrashLoopBackOff", 1, false},
		{"fate.test/oom", 600 * time.Millisecond, v1.PodRunning, "OOMKilled", 0, false},
		{"fate.test/unheard-of", time.Second, v1.PodPending, "CreateContainerConfigError", 0, false},
	} {
		status := played(newLife(pod(row.image, nil), "10.244.0.2", start), start, row.after)
		container := status.ContainerStatuses[0]
		if status.Phase != row.phase || reason(container.State) != row.reason ||
			container.RestartCount != row.restarts || isReady(status) != row.ready {
			t.Errorf("%s after %s: %s, %s, %d restarts, ready %v", row.image, row.after, status.Phase,
				reason(container.State), container.RestartCount, isReady(status))
		}
	}
}

func TestContainersStartWhenEveryInitContainerHasPassed(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	for _, row := range []struct {
		init   string
		reason string
		ready  bool
	}{
		{"fate.test/exit:0", "Running", true},
		{"fate.test/exit:1", "PodInitializing", false},
		{"fate.test/pull-error", "PodInitializing", false},
	} {
		tried := pod("nginx", nil)
		tried.Spec.InitContainers = []v1.Container{{Name: "migrate", Image: row.init}}
		status := played(newLife(tried, "10.244.0.2", start), start, 2*time.Second)
		if got := reason(status.ContainerStatuses[0].State); got != row.reason || isReady(status) != row.ready {
			t.Errorf("%s: %s, ready %v", row.init, got, isReady(status))
		}
	}
}

func TestAPodThatMayNotRestartEndsWithItsContainers(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	for image, want := range map[string]v1.PodPhase{"fate.test/exit:0": v1.PodSucceeded, "fate.test/exit:4": v1.PodFailed} {
		tried := pod(image, nil)
		tried.Spec.RestartPolicy = v1.RestartPolicyNever
		if got := played(newLife(tried, "10.244.0.2", start), start, time.Second).Phase; got != want {
			t.Errorf("%s: %s, want %s", image, got, want)
		}
	}
}

func TestADeletedPodIsOverWhenItsContainersHaveStoppedOrItsGraceIsSpent(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	for _, row := range []struct {
		image string
		grace int64
		over  time.Duration
	}{
		{"nginx", 30, time.Millisecond},
		{"fate.test/slow-stop:2s", 30, 2 * time.Second},
		{"fate.test/slow-stop:9s", 1, time.Second},
		{"fate.test/pull-error", 30, time.Millisecond},
	} {
		tried := pod(row.image, nil)
		life := newLife(tried, "10.244.0.2", start)
		played(life, start, time.Second)
		deleted := start.Add(time.Second)
		tried.DeletionTimestamp, tried.DeletionGracePeriodSeconds = instant(deleted), &row.grace
		life.advance(deleted)
		life.advance(deleted.Add(row.over - time.Millisecond))
		if row.over > time.Millisecond && life.isOver() {
			t.Errorf("%s is over too early", row.image)
		}
		life.advance(deleted.Add(row.over))
		if !life.isOver() {
			t.Errorf("%s is not over after %s", row.image, row.over)
		}
	}
}
