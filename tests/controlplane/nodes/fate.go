// This file reads the fate a pod has chosen for each of its containers.
package nodes

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
)

// fateAnnotation is followed by a container's name, or by the word for all that have no own.
const (
	fateAnnotation = "fate.gennaker.dev/"
	allContainers  = "all-containers"
)

const knownFates = "ready never-ready pull-error crash-loop oom exit slow-stop echo script"

// scriptAnnotation has a container's script, for programs whose arguments are their own.
func scriptAnnotation(pod *v1.Pod, container *v1.Container) (string, bool) {
	written, found := pod.Annotations[fateAnnotation+container.Name+".script"]
	return written, found
}

// fate is what will happen to a container; its zero value is a container that is ready at once and runs on.
type fate struct {
	registry  registry
	readiness readiness
	readyIn   time.Duration
	exit      *exit
	stopIn    time.Duration
	voice     voice
}

// voice says what the container logs, and in whose words it ends.
type voice int

const (
	silent voice = iota
	// echoes logs the environment, and ends with it.
	echoes
	// acts does what the container's arguments say.
	acts
)

// registry says whether the container's image can be pulled.
type registry int

const (
	hasImage registry = iota
	lacksImage
)

// readiness says whether the container's readiness probe ever passes.
type readiness int

const (
	passes readiness = iota
	fails
)

// exit is how and when a container ends by itself.
type exit struct {
	code    int32
	reason  string
	message string
	after   time.Duration
}

// fateOf finds the fate of a container: its own annotation, then the one for all, then its image.
func fateOf(pod *v1.Pod, container *v1.Container) (fate, error) {
	if _, written := scriptAnnotation(pod, container); written {
		return fate{voice: acts}, nil
	}
	for _, name := range []string{container.Name, allContainers} {
		if written, found := pod.Annotations[fateAnnotation+name]; found {
			return readFates(written)
		}
	}
	image := readImage(container.Image)
	if image.host != fateHost {
		return fate{}, nil
	}
	var read fate
	err := read.add(image.path, image.tag)
	return read, err
}

// readFates reads a comma-separated list such as "ready:5s, slow-stop:10s".
func readFates(written string) (fate, error) {
	var read fate
	for _, item := range strings.Split(written, ",") {
		name, argument, _ := strings.Cut(strings.TrimSpace(item), ":")
		if err := read.add(name, argument); err != nil {
			return fate{}, err
		}
	}
	return read, nil
}

// add reads one fate into f.
func (f *fate) add(name, argument string) error {
	arguments, err := readArguments(argument)
	if err != nil {
		return fmt.Errorf("fate %s:%s: %w", name, argument, err)
	}
	switch name {
	case "ready":
		f.readiness, f.readyIn = passes, arguments.wait(0)
	case "never-ready":
		f.readiness = fails
	case "pull-error":
		f.registry = lacksImage
	case "crash-loop":
		f.exit = &exit{code: arguments.code(1), after: arguments.wait(defaultCrash)}
		f.readiness = fails
	case "oom":
		f.exit = &exit{code: 137, reason: "OOMKilled", after: arguments.wait(defaultCrash)}
		f.readiness = fails
	case "exit":
		f.exit = &exit{code: arguments.code(0), after: arguments.wait(0)}
	case "echo":
		f.exit, f.voice = &exit{code: arguments.code(0), after: arguments.wait(0)}, echoes
	case "script":
		f.voice = acts
	case "slow-stop":
		f.stopIn = arguments.wait(10 * time.Second)
	default:
		return fmt.Errorf("fate %q is not known: use one of %s", name, knownFates)
	}
	return nil
}

// defaultCrash is how long a container runs before it crashes, unless its fate says otherwise.
const defaultCrash = 500 * time.Millisecond

// arguments are a fate's numbers and durations in the order they were written.
type arguments struct {
	codes []int32
	waits []time.Duration
}

// readArguments reads "7-250ms-v2": an exit code, a duration, and a version that only tells images apart.
func readArguments(written string) (arguments, error) {
	var read arguments
	if written == "" || written == "latest" {
		return read, nil
	}
	for _, part := range strings.Split(written, "-") {
		if strings.HasPrefix(part, "v") {
			continue
		}
		if code, err := strconv.ParseUint(part, 10, 8); err == nil {
			read.codes = append(read.codes, int32(code))
			continue
		}
		wait, err := time.ParseDuration(part)
		if err != nil || wait < 0 {
			return read, fmt.Errorf("%q is no exit code (0 to 255), duration (5s) or version (v2)", part)
		}
		read.waits = append(read.waits, wait)
	}
	return read, nil
}

func (a arguments) code(otherwise int32) int32 {
	if len(a.codes) == 0 {
		return otherwise
	}
	return a.codes[0]
}

func (a arguments) wait(otherwise time.Duration) time.Duration {
	if len(a.waits) == 0 {
		return otherwise
	}
	return a.waits[0]
}
