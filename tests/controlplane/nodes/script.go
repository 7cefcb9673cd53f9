// This file reads what a container will say, and how it will end, from its arguments.
package nodes

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
)

// messageLimit is how much a kubelet keeps of a termination message, in bytes.
const messageLimit = 4096

// utterance is a line that a container logs, so long after its start.
type utterance struct {
	after time.Duration
	text  string
}

// script is all that one run of a container does; without an exit it runs on.
type script struct {
	lines []utterance
	exit  *exit
}

// instructions are the lines of the annotation, else what the container is started with.
func instructions(pod *v1.Pod, spec *v1.Container) []string {
	if written, found := scriptAnnotation(pod, spec); found {
		return strings.Split(strings.TrimSpace(written), "\n")
	}
	return append(append([]string{}, spec.Command...), spec.Args...)
}

// scriptOf is what a fate says, filled in from the container's arguments and environment.
func scriptOf(fate fate, instructions []string, environment environment) (script, error) {
	switch fate.voice {
	case echoes:
		return echo(fate, environment), nil
	case acts:
		return readScript(instructions, environment)
	default:
		return script{exit: fate.exit}, nil
	}
}

// echo logs the environment and ends with it as a JSON object.
func echo(fate fate, environment environment) script {
	ended := *fate.exit
	ended.message = environment.object()
	return script{lines: environment.lines(0), exit: &ended}
}

func (e environment) lines(after time.Duration) []utterance {
	var all []utterance
	for _, each := range e {
		all = append(all, utterance{after, each.name + "=" + each.value})
	}
	return all
}

func (e environment) object() string {
	values := map[string]string{}
	for _, each := range e {
		values[each.name] = each.value
	}
	encoded, err := json.Marshal(values)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

// readScript reads one instruction an argument.
func readScript(arguments []string, environment environment) (script, error) {
	read, ended := script{}, exit{}
	runsOn := false
	for _, argument := range arguments {
		verb, rest, _ := strings.Cut(environment.expand(argument), " ")
		switch verb {
		case "log":
			read.lines = append(read.lines, utterance{ended.after, rest})
		case "lines":
			count, text, _ := strings.Cut(rest, " ")
			wanted, err := strconv.ParseUint(count, 10, 24)
			if err != nil {
				return script{}, fmt.Errorf("script: %q is no number of lines", count)
			}
			for number := range wanted {
				read.lines = append(read.lines, utterance{ended.after, fmt.Sprintf("%s %d", text, number+1)})
			}
		case "pause":
			pause, err := time.ParseDuration(rest)
			if err != nil || pause < 0 {
				return script{}, fmt.Errorf("script: %q is no duration", rest)
			}
			ended.after += pause
		case "environment":
			read.lines = append(read.lines, environment.lines(ended.after)...)
		case "message":
			ended.message = rest
		case "exit":
			code, err := strconv.ParseUint(rest, 10, 8)
			if err != nil {
				return script{}, fmt.Errorf("script: %q is no exit code", rest)
			}
			ended.code = int32(code)
		case "stay":
			runsOn = true
		default:
			return script{}, fmt.Errorf("script: %q is not known: use log, lines, pause, environment, message, exit or stay", verb)
		}
	}
	ended.message = ended.message[:min(len(ended.message), messageLimit)]
	if !runsOn {
		read.exit = &ended
	}
	return read, nil
}
