// This file lives the life of one container: pulled, started, ready, ended, started again.
package nodes

import (
	"fmt"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// pullTime is how long an image takes to come, and to turn out not to be there.
	pullTime = 5 * time.Millisecond
	// glimpse is how long a fleeting state stays to be seen before its back-off replaces it.
	glimpse = 300 * time.Millisecond
	// reconfigure is how long until what was missing is looked for again.
	reconfigure = time.Second
	// lived is how long a container must have run for its crashes to be forgotten.
	lived = 10 * time.Minute
)

// stage is where in its life a container is.
type stage int

const (
	unborn stage = iota
	pulling
	pullFailed
	pullBackOff
	misconfigured
	running
	ended
	crashBackOff
)

// happening is what a kubelet would write an event about.
type happening struct {
	kind    string
	reason  string
	message string
}

// container is one container of one pod, and what will happen to it next.
type container struct {
	spec   *v1.Container
	fate   fate
	fault  error
	image  image
	policy v1.ContainerRestartPolicy
	// lines are its script's, if it has one.
	lines []string
	// resolve finds out the environment that the container is started with.
	resolve resolver

	stage    stage
	next     time.Time
	started  time.Time
	readyAt  time.Time
	failures int
	restarts int32
	runs     int32
	final    *v1.ContainerStateTerminated
	last     *v1.ContainerStateTerminated
	told     bool
	words    string
	// script is what the present run does, spoken how many of its lines are logged.
	script script
	spoken int
	// log is that of the newest run; readers are in other goroutines.
	log atomic.Pointer[logBook]
}

func newContainer(pod *v1.Pod, spec *v1.Container) *container {
	made := &container{spec: spec, image: readImage(spec.Image), policy: restartPolicy(pod, spec), resolve: noEnvironment}
	made.fate, made.fault = fateOf(pod, spec)
	made.lines = instructions(pod, spec)
	return made
}

// newInitContainer makes a container that runs before the others: it is done when it has ended well, even
// in a pod whose containers always start again.
func newInitContainer(pod *v1.Pod, spec *v1.Container) *container {
	made := newContainer(pod, spec)
	if spec.RestartPolicy == nil && made.policy == v1.ContainerRestartPolicyAlways {
		made.policy = v1.ContainerRestartPolicyOnFailure
	}
	return made
}

// restartPolicy is the container's own if it has one, else its pod's.
func restartPolicy(pod *v1.Pod, spec *v1.Container) v1.ContainerRestartPolicy {
	if spec.RestartPolicy != nil {
		return *spec.RestartPolicy
	}
	return v1.ContainerRestartPolicy(pod.Spec.RestartPolicy)
}

// adopt goes on from what an earlier stand-in wrote.
func (c *container) adopt(status *v1.ContainerStatus) {
	c.restarts, c.runs, c.last = status.RestartCount, status.RestartCount, status.LastTerminationState.Terminated
	switch {
	case status.State.Running != nil:
		c.stage, c.started, c.runs = running, status.State.Running.StartedAt.Time, c.runs+1
		c.readyAt, c.script.exit = c.started.Add(c.fate.readyIn), c.fate.exit
	case status.State.Terminated != nil:
		c.stage, c.final = ended, status.State.Terminated
	}
}

// begin lets an unborn container start.
func (c *container) begin(now time.Time) []happening {
	if c.stage != unborn {
		return nil
	}
	return c.pull(now)
}

func (c *container) pull(now time.Time) []happening {
	if c.fault != nil {
		return c.misconfigure(c.fault, time.Time{})
	}
	c.stage, c.next = pulling, now.Add(pullTime)
	return []happening{{v1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", c.spec.Image)}}
}

// advance does what is due, and says what a kubelet would have told.
func (c *container) advance(now time.Time, restarts bool) []happening {
	if c.stage == running {
		return c.run(now, restarts)
	}
	if c.next.IsZero() || c.next.After(now) {
		return nil
	}
	switch c.stage {
	case pulling:
		return c.pulled(now)
	case pullFailed:
		c.stage, c.next = pullBackOff, now.Add(backOff(c.failures-1))
		return []happening{
			{v1.EventTypeNormal, "BackOff", fmt.Sprintf("Back-off pulling image %q", c.spec.Image)},
			{v1.EventTypeWarning, "Failed", "Error: ImagePullBackOff"},
		}
	case pullBackOff, misconfigured:
		return c.pull(now)
	case ended:
		return c.afterEnd(now)
	case crashBackOff:
		return c.start(now)
	default:
		return nil
	}
}

func (c *container) pulled(now time.Time) []happening {
	if c.fate.registry == lacksImage {
		c.failures++
		c.stage, c.next = pullFailed, now.Add(glimpse)
		return []happening{
			{v1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: %s", c.spec.Image, c.image.notFound())},
			{v1.EventTypeWarning, "Failed", "Error: ErrImagePull"},
		}
	}
	message := fmt.Sprintf("Successfully pulled image %q in 5ms (5ms including waiting). Image size: %d bytes.",
		c.spec.Image, c.image.sizeBytes())
	return append([]happening{{v1.EventTypeNormal, "Pulled", message}}, c.start(now)...)
}

// misconfigure says why the container cannot be made, until the next try if there is one.
func (c *container) misconfigure(fault error, again time.Time) []happening {
	c.stage, c.next, c.words = misconfigured, again, fault.Error()
	return []happening{{v1.EventTypeWarning, "Failed", "Error: " + c.words}}
}

func (c *container) start(now time.Time) []happening {
	environment, err := c.resolve(c.spec)
	if err != nil {
		return c.misconfigure(err, now.Add(reconfigure))
	}
	script, err := scriptOf(c.fate, c.lines, environment)
	if err != nil {
		return c.misconfigure(err, time.Time{})
	}
	c.script, c.spoken = script, 0
	c.log.Store(newLogBook())
	if c.runs > 0 {
		c.restarts++
	}
	c.runs++
	c.stage, c.started, c.next, c.told = running, now, time.Time{}, false
	c.readyAt = now.Add(c.fate.readyIn)
	return []happening{
		{v1.EventTypeNormal, "Created", "Container created"},
		{v1.EventTypeNormal, "Started", "Container started"},
	}
}

// run lets a running container end when its fate says so.
func (c *container) run(now time.Time, restarts bool) []happening {
	c.speak(now)
	if exit := c.script.exit; exit != nil && !now.Before(c.started.Add(exit.after)) {
		c.end(now, *exit)
		if restarts && c.startsAgain() {
			c.next = now.Add(glimpse)
		}
		return nil
	}
	if c.fate.readiness == fails && c.script.exit == nil && !c.told {
		c.told = true
		return []happening{{v1.EventTypeWarning, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"}}
	}
	return nil
}

// speak logs what is due by now.
func (c *container) speak(now time.Time) {
	for ; c.spoken < len(c.script.lines); c.spoken++ {
		at := c.started.Add(c.script.lines[c.spoken].after)
		if at.After(now) {
			return
		}
		c.log.Load().write(at, c.script.lines[c.spoken].text)
	}
}

// end records how the container's process went.
func (c *container) end(now time.Time, exit exit) {
	if log := c.log.Load(); log != nil {
		log.close()
	}
	reason := exit.reason
	if reason == "" {
		reason = "Completed"
		if exit.code != 0 {
			reason = "Error"
		}
	}
	if now.Sub(c.started) >= lived {
		c.failures = 0
	}
	c.failures++
	c.final = &v1.ContainerStateTerminated{
		ExitCode:    exit.code,
		Reason:      reason,
		Message:     exit.message,
		StartedAt:   metav1.NewTime(c.started),
		FinishedAt:  metav1.NewTime(now),
		ContainerID: c.id(),
	}
	c.stage, c.next = ended, time.Time{}
}

func (c *container) startsAgain() bool {
	switch c.policy {
	case v1.ContainerRestartPolicyAlways:
		return true
	case v1.ContainerRestartPolicyOnFailure:
		return c.final.ExitCode != 0
	default:
		return false
	}
}

// afterEnd starts again at once after the first end, and with growing pauses after the next.
func (c *container) afterEnd(now time.Time) []happening {
	c.last = c.final
	if c.failures <= 1 {
		return c.start(now)
	}
	c.stage, c.next = crashBackOff, now.Add(backOff(c.failures-2))
	return []happening{{v1.EventTypeWarning, "BackOff", "Back-off restarting failed container " + c.spec.Name}}
}

// wakes is when something will happen by itself; zero for never.
func (c *container) wakes(now time.Time) time.Time {
	if c.stage != running {
		return c.next
	}
	var wake time.Time
	if c.script.exit != nil {
		wake = c.started.Add(c.script.exit.after)
	}
	if c.spoken < len(c.script.lines) {
		wake = earlier(wake, c.started.Add(c.script.lines[c.spoken].after))
	}
	if c.fate.readiness == passes && c.readyAt.After(now) {
		wake = earlier(wake, c.readyAt)
	}
	return wake
}

func (c *container) isReady(now time.Time) bool {
	return c.stage == running && c.fate.readiness == passes && !c.readyAt.After(now)
}

// isDone says whether the process has ended for good.
func (c *container) isDone() bool {
	return c.stage == ended && c.next.IsZero()
}

func (c *container) id() string {
	return containerID(string(c.spec.Name)+c.spec.Image, c.spec.Name, c.runs)
}

// backOff grows from ten seconds to five minutes, as a kubelet's does.
func backOff(before int) time.Duration {
	pause := 10 * time.Second
	for range before {
		pause *= 2
		if pause >= 5*time.Minute {
			return 5 * time.Minute
		}
	}
	return pause
}

// earlier is the first of two instants, of which zero is none.
func earlier(one, other time.Time) time.Time {
	if one.IsZero() || (!other.IsZero() && other.Before(one)) {
		return other
	}
	return one
}
