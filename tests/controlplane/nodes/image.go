// This file reads image references as a container runtime does: name, tag, and the identity of a pulled image.
package nodes

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/distribution/reference"
)

// fateHost is the registry of images that play a fate; nothing else is ever pulled from it.
const fateHost = "fate.test"

// image is a reference in the full form a container runtime reports: host, path and tag filled in.
type image struct {
	full       string
	repository string
	path       string
	host       string
	tag        string
}

// readImage fills a reference in; a reference that cannot be read is kept as it was written.
func readImage(written string) image {
	named, err := reference.ParseDockerRef(written)
	if err != nil {
		return image{full: written, repository: written}
	}
	read := image{
		full:       named.String(),
		repository: named.Name(),
		host:       reference.Domain(named),
		path:       reference.Path(named),
	}
	if tagged, ok := named.(reference.Tagged); ok {
		read.tag = tagged.Tag()
	}
	return read
}

// id is the reference by digest that a runtime reports once the image is on the node.
func (i image) id() string {
	if strings.Contains(i.full, "@sha256:") {
		return i.full
	}
	return fmt.Sprintf("%s@sha256:%x", i.repository, sha256.Sum256([]byte(i.full)))
}

// sizeBytes is a plausible size that is always the same for the same image.
func (i image) sizeBytes() uint64 {
	sum := sha256.Sum256([]byte(i.full))
	return 20_000_000 + uint64(sum[0])<<16 + uint64(sum[1])<<8 + uint64(sum[2])
}

// notFound is what containerd answers for an image that its registry does not have.
func (i image) notFound() string {
	return fmt.Sprintf("rpc error: code = NotFound desc = failed to pull and unpack image %q: "+
		"failed to resolve reference %q: %s: not found", i.full, i.full, i.full)
}

// containerID is the runtime's name of one run of one container.
func containerID(podUID, container string, run int32) string {
	seed := fmt.Sprintf("%s/%s/%d", podUID, container, run)
	return fmt.Sprintf("containerd://%x", sha256.Sum256([]byte(seed)))
}
