// This file serves what containers have logged, as a kubelet serves it to the API server.
package nodes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"k8s.io/klog/v2"
)

// timestampFormat is the kubelet's: nine digits of a second, always.
const timestampFormat = "2006-01-02T15:04:05.000000000Z07:00"

// Credentials are the files by which the nodes and the API server know each other.
type Credentials struct {
	Certificate string
	Key         string
	// Authority is who certified the API server's client.
	Authority string
}

// logFinder finds a container's log: none if there is no such pod or container, a nil book if it has
// not started.
type logFinder func(namespace, pod, container string) (book *logBook, exists bool)

// serveLogs listens on a free port of loopback until the context ends.
func serveLogs(ctx context.Context, credentials Credentials, find logFinder) (port int32, err error) {
	configured, err := credentials.config()
	if err != nil {
		return 0, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", func(to http.ResponseWriter, request *http.Request) {
		answer(to, request, find)
	})
	server := &http.Server{Handler: routes, TLSConfig: configured, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	go func() {
		if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			klog.ErrorS(err, "logs are not served any more")
		}
	}()
	return int32(listener.Addr().(*net.TCPAddr).Port), nil
}

func (c Credentials) config() (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(c.Authority)
	if err != nil {
		return nil, err
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", c.Authority)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{own},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
		MinVersion:   tls.VersionTLS12,
	}, nil
}

func answer(to http.ResponseWriter, request *http.Request, find logFinder) {
	pod, container := request.PathValue("pod"), request.PathValue("container")
	book, exists := find(request.PathValue("namespace"), pod, container)
	if !exists {
		http.Error(to, fmt.Sprintf("pod %q or its container %q is not on this node", pod, container), http.StatusNotFound)
		return
	}
	if book == nil {
		words := fmt.Sprintf("container %q in pod %q is waiting to start: ContainerCreating", container, pod)
		http.Error(to, words, http.StatusBadRequest)
		return
	}
	wanted, err := readExcerpt(request.URL.Query(), time.Now())
	if err != nil {
		http.Error(to, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	to.Header().Set("Content-Type", "text/plain")
	to.WriteHeader(http.StatusOK)
	wanted.copy(request.Context(), to, book)
}

// excerpt is which part of a log is asked for.
type excerpt struct {
	follow     bool
	timestamps bool
	since      time.Time
	// tail and limit are less than zero for all.
	tail  int
	limit int64
}

func readExcerpt(query url.Values, now time.Time) (excerpt, error) {
	read := excerpt{tail: -1, limit: -1}
	read.follow, read.timestamps = query.Get("follow") == "true", query.Get("timestamps") == "true"
	for name, take := range map[string]func(string) error{
		"tailLines":  func(text string) (err error) { read.tail, err = strconv.Atoi(text); return err },
		"limitBytes": func(text string) (err error) { read.limit, err = strconv.ParseInt(text, 10, 64); return err },
		"sinceTime":  func(text string) (err error) { read.since, err = time.Parse(time.RFC3339, text); return err },
		"sinceSeconds": func(text string) error {
			seconds, err := strconv.ParseInt(text, 10, 32)
			read.since = now.Add(-time.Duration(seconds) * time.Second)
			return err
		},
	} {
		if text := query.Get(name); text != "" {
			if err := take(text); err != nil {
				return excerpt{}, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return read, nil
}

// copy writes the excerpt, and goes on as the log grows if it is to be followed.
func (e excerpt) copy(ctx context.Context, to io.Writer, book *logBook) {
	entries, _, _ := book.after(0)
	next := 0
	if e.tail >= 0 {
		next = max(0, len(entries)-e.tail)
	}
	left := e.limit
	for {
		entries, closed, changed := book.after(next)
		next += len(entries)
		for _, entry := range entries {
			if entry.at.Before(e.since) {
				continue
			}
			if left = e.write(to, entry, left); left == 0 {
				return
			}
		}
		if flusher, flushes := to.(http.Flusher); flushes {
			flusher.Flush()
		}
		if closed || !e.follow {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// write hands one line on, or as much of it as may be sent, and answers how much is left.
func (e excerpt) write(to io.Writer, entry entry, left int64) int64 {
	line := entry.text + "\n"
	if e.timestamps {
		line = entry.at.UTC().Format(timestampFormat) + " " + line
	}
	if left >= 0 {
		line = line[:min(int64(len(line)), left)]
		left -= int64(len(line))
	}
	if _, err := io.WriteString(to, line); err != nil {
		return 0
	}
	return left
}
