package nodes

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
)

// scripted is a pod whose one container does what its arguments say.
func scripted(arguments ...string) *v1.Pod {
	made := pod("fate.test/script", nil)
	made.Spec.RestartPolicy = v1.RestartPolicyNever
	made.Spec.Containers[0].Args = arguments
	return made
}

func handing(variables ...variable) resolver {
	return func(*v1.Container) (environment, error) { return variables, nil }
}

// logged is what a container has logged, as it would be served.
func logged(container *container, wanted excerpt) string {
	var text strings.Builder
	wanted.copy(context.Background(), &text, container.log.Load())
	return text.String()
}

var everything = excerpt{tail: -1, limit: -1}

func TestAScriptSaysItsLinesInTimeAndEndsAsItSays(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	tried := scripted("log one of $(NAME)", "pause 1s", "lines 2 more", "message {\"n\": 3}", "exit 4")
	life := newLife(tried, "10.244.0.2", start)
	life.resolveBy(handing(variable{"NAME", "kit"}))
	played(life, start, 500*time.Millisecond)
	if got := logged(life.mains[0], everything); got != "one of kit\n" {
		t.Errorf("before the pause: %q", got)
	}
	status := played(life, start.Add(500*time.Millisecond), time.Second)
	if got := logged(life.mains[0], everything); got != "one of kit\nmore 1\nmore 2\n" {
		t.Errorf("at its end: %q", got)
	}
	ended := status.ContainerStatuses[0].State.Terminated
	if ended == nil || ended.ExitCode != 4 || ended.Message != `{"n": 3}` {
		t.Errorf("ended as %+v", ended)
	}
}

func TestAScriptMayStandInAnAnnotationBesideTheProgramsOwnArguments(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	tried := pod("busybox", map[string]string{fateAnnotation + "web.script": "log hello\nmessage bye\n"})
	tried.Spec.Containers[0].Args = []string{"sh", "-c", "true"}
	life := newLife(tried, "10.244.0.2", start)
	status := played(life, start, 100*time.Millisecond)
	if got := logged(life.mains[0], everything); got != "hello\n" {
		t.Errorf("logged %q", got)
	}
	if ended := status.ContainerStatuses[0].State.Terminated; ended == nil || ended.Message != "bye" {
		t.Errorf("ended as %+v", ended)
	}
}

func TestAnEchoLogsItsEnvironmentAndEndsWithIt(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	life := newLife(pod("fate.test/echo:3", nil), "10.244.0.2", start)
	life.resolveBy(handing(variable{"B", "two"}, variable{"A", "one"}))
	status := played(life, start, 100*time.Millisecond)
	if got := logged(life.mains[0], everything); got != "B=two\nA=one\n" {
		t.Errorf("logged %q", got)
	}
	if got := status.ContainerStatuses[0].State.Terminated.Message; got != `{"A":"one","B":"two"}` {
		t.Errorf("ended with %q", got)
	}
}

func TestAnEnvironmentThatIsNotThereKeepsAContainerFromStarting(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	life := newLife(pod("nginx", nil), "10.244.0.2", start)
	absent := true
	life.resolveBy(func(*v1.Container) (environment, error) {
		if absent {
			return nil, errors.New(`secret "s" not found`)
		}
		return nil, nil
	})
	waiting := played(life, start, 100*time.Millisecond).ContainerStatuses[0].State.Waiting
	if waiting == nil || waiting.Reason != "CreateContainerConfigError" || waiting.Message != `secret "s" not found` {
		t.Errorf("waits as %+v", waiting)
	}
	absent = false
	if !isReady(played(life, start.Add(100*time.Millisecond), 2*time.Second)) {
		t.Error("it is not tried again")
	}
}

func TestAnExcerptIsWhatWasAskedFor(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	book := newLogBook()
	for index, text := range []string{"a", "b", "c"} {
		book.write(start.Add(time.Duration(index)*time.Second), text)
	}
	book.close()
	for _, row := range []struct {
		wanted excerpt
		text   string
	}{
		{everything, "a\nb\nc\n"},
		{excerpt{tail: 1, limit: -1}, "c\n"},
		{excerpt{tail: -1, limit: 3}, "a\nb"},
		{excerpt{tail: -1, limit: -1, since: start.Add(time.Second)}, "b\nc\n"},
		{excerpt{tail: 1, limit: -1, timestamps: true, follow: true}, "2023-11-14T22:13:22.000000000Z c\n"},
	} {
		var text strings.Builder
		row.wanted.copy(context.Background(), &text, book)
		if text.String() != row.text {
			t.Errorf("%+v: %q", row.wanted, text.String())
		}
	}
}

func TestAFollowedLogIsReadToItsEnd(t *testing.T) {
	book, text, over := newLogBook(), &strings.Builder{}, make(chan struct{})
	go func() {
		excerpt{tail: -1, limit: -1, follow: true}.copy(context.Background(), text, book)
		close(over)
	}()
	book.write(time.Now(), "one")
	book.write(time.Now(), "two")
	book.close()
	<-over
	if text.String() != "one\ntwo\n" {
		t.Errorf("read %q", text.String())
	}
}

func TestExpansionTouchesOnlyKnownNames(t *testing.T) {
	known := environment{{"A", "1"}}
	for text, want := range map[string]string{
		"$(A)$(A)": "11", "$$(A)": "$(A)", "$(B)": "$(B)", "$A $": "$A $", "$(A": "$(A", "": "",
	} {
		if got := known.expand(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
