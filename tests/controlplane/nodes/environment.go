// This file finds out a container's environment as a kubelet does, from Secrets and ConfigMaps too.
package nodes

import (
	"context"
	"fmt"
	"sort"
	"strings"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// variable is one entry of an environment.
type variable struct {
	name  string
	value string
}

// environment is in the order in which a container's variables are written.
type environment []variable

// resolver finds out the environment of a container.
type resolver func(container *v1.Container) (environment, error)

// noEnvironment is for containers that nobody hands a variable to.
func noEnvironment(*v1.Container) (environment, error) {
	return nil, nil
}

// resolveFor asks the API server for what the containers of a pod refer to.
func resolveFor(ctx context.Context, client kubernetes.Interface, pod *v1.Pod) resolver {
	source := &sources{ctx: ctx, client: client, pod: pod}
	return source.resolve
}

// sources are where the values of a pod's containers come from.
type sources struct {
	ctx    context.Context
	client kubernetes.Interface
	pod    *v1.Pod
}

func (s *sources) resolve(container *v1.Container) (environment, error) {
	var found environment
	for _, from := range container.EnvFrom {
		all, err := s.all(&from)
		if err != nil {
			return nil, err
		}
		found = append(found, all...)
	}
	for _, written := range container.Env {
		value, exists, err := s.value(&written, found)
		if err != nil {
			return nil, err
		}
		if exists {
			found = append(found.without(written.Name), variable{written.Name, value})
		}
	}
	return found, nil
}

// all is every entry of a Secret or ConfigMap, sorted by name.
func (s *sources) all(from *v1.EnvFromSource) (environment, error) {
	var data map[string]string
	var err error
	switch {
	case from.SecretRef != nil:
		data, err = s.secret(from.SecretRef.Name, from.SecretRef.Optional)
	case from.ConfigMapRef != nil:
		data, err = s.configMap(from.ConfigMapRef.Name, from.ConfigMapRef.Optional)
	}
	if err != nil {
		return nil, err
	}
	var found environment
	for name, value := range data {
		found = append(found, variable{from.Prefix + name, value})
	}
	sort.Slice(found, func(one, other int) bool { return found[one].name < found[other].name })
	return found, nil
}

// value is what one variable is, and whether it is there at all.
func (s *sources) value(written *v1.EnvVar, before environment) (string, bool, error) {
	from := written.ValueFrom
	switch {
	case from == nil:
		return before.expand(written.Value), true, nil
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		data, err := s.secret(ref.Name, ref.Optional)
		return pick(data, err, ref.Key, ref.Optional, fmt.Sprintf("Secret %s/%s", s.pod.Namespace, ref.Name))
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		data, err := s.configMap(ref.Name, ref.Optional)
		return pick(data, err, ref.Key, ref.Optional, fmt.Sprintf("ConfigMap %s/%s", s.pod.Namespace, ref.Name))
	case from.FieldRef != nil:
		return s.field(from.FieldRef.FieldPath), true, nil
	default:
		return "", true, nil
	}
}

func pick(data map[string]string, err error, key string, optional *bool, source string) (string, bool, error) {
	if err != nil {
		return "", false, err
	}
	value, exists := data[key]
	if !exists && (optional == nil || !*optional) {
		return "", false, fmt.Errorf("couldn't find key %s in %s", key, source)
	}
	return value, exists, nil
}

func (s *sources) secret(name string, optional *bool) (map[string]string, error) {
	found, err := s.client.CoreV1().Secrets(s.pod.Namespace).Get(s.ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, missing(err, "secret", name, optional)
	}
	data := map[string]string{}
	for key, value := range found.Data {
		data[key] = string(value)
	}
	return data, nil
}

func (s *sources) configMap(name string, optional *bool) (map[string]string, error) {
	found, err := s.client.CoreV1().ConfigMaps(s.pod.Namespace).Get(s.ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, missing(err, "configmap", name, optional)
	}
	return found.Data, nil
}

// missing says what a kubelet says of something that is not there, unless it need not be.
func missing(err error, kind, name string, optional *bool) error {
	if !apierrors.IsNotFound(err) {
		return err
	}
	if optional != nil && *optional {
		return nil
	}
	return fmt.Errorf("%s %q not found", kind, name)
}

func (s *sources) field(path string) string {
	switch path {
	case "metadata.name":
		return s.pod.Name
	case "metadata.namespace":
		return s.pod.Namespace
	case "metadata.uid":
		return string(s.pod.UID)
	case "spec.nodeName":
		return s.pod.Spec.NodeName
	default:
		return ""
	}
}

func (e environment) without(name string) environment {
	var kept environment
	for _, each := range e {
		if each.name != name {
			kept = append(kept, each)
		}
	}
	return kept
}

// expand puts values in the place of $(NAME); $$(NAME) and unknown names stay as they are written.
func (e environment) expand(text string) string {
	var expanded strings.Builder
	for {
		before, rest, found := strings.Cut(text, "$")
		expanded.WriteString(before)
		if !found {
			return expanded.String()
		}
		text = rest
		if strings.HasPrefix(rest, "$") {
			expanded.WriteString("$")
			text = rest[1:]
			continue
		}
		name, behind, closed := strings.Cut(strings.TrimPrefix(rest, "("), ")")
		value, known := e.find(name)
		if !strings.HasPrefix(rest, "(") || !closed || !known {
			expanded.WriteString("$")
			continue
		}
		expanded.WriteString(value)
		text = behind
	}
}

func (e environment) find(name string) (string, bool) {
	for _, each := range e {
		if each.name == name {
			return each.value, true
		}
	}
	return "", false
}
