package nodes

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func pod(image string, annotations map[string]string) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web-1", Namespace: "shop", UID: "u", Annotations: annotations},
		Spec: v1.PodSpec{
			RestartPolicy: v1.RestartPolicyAlways,
			Containers:    []v1.Container{{Name: "web", Image: image}},
		},
	}
}

func TestAFateIsTheContainersAnnotationElseTheOneForAllElseItsImage(t *testing.T) {
	for _, row := range []struct {
		image       string
		annotations map[string]string
		want        fate
	}{
		{"nginx:1.27", nil, fate{}},
		{"fate.test/ready:5s", nil, fate{readyIn: 5 * time.Second}},
		{"fate.test/ready:5s-v2", nil, fate{readyIn: 5 * time.Second}},
		{"fate.test/never-ready:v1", nil, fate{readiness: fails}},
		{"fate.test/pull-error", nil, fate{registry: lacksImage}},
		{"fate.test/slow-stop:8s", map[string]string{fateAnnotation + allContainers: "ready:1s"}, fate{readyIn: time.Second}},
		{"nginx", map[string]string{fateAnnotation + "web": "slow-stop:2s, ready:1s", fateAnnotation + allContainers: "oom"},
			fate{readyIn: time.Second, stopIn: 2 * time.Second}},
	} {
		tried := pod(row.image, row.annotations)
		got, err := fateOf(tried, &tried.Spec.Containers[0])
		if err != nil || got != row.want {
			t.Errorf("%s %v: got %+v, %v; want %+v", row.image, row.annotations, got, err, row.want)
		}
	}
	for _, wrong := range []string{"fate.test/unheard-of:1s", "fate.test/ready:soon", "fate.test/crash-loop:999"} {
		tried := pod(wrong, nil)
		if _, err := fateOf(tried, &tried.Spec.Containers[0]); err == nil {
			t.Errorf("%s is taken for a fate", wrong)
		}
	}
}

func TestBackOffsGrowFromTenSecondsToFiveMinutes(t *testing.T) {
	for before, want := range []time.Duration{10, 20, 40, 80, 160, 300, 300} {
		if got := backOff(before); got != want*time.Second {
			t.Errorf("after %d: got %s, want %s", before, got, want*time.Second)
		}
	}
}
