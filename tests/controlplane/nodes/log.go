// This file keeps what a container has logged, for readers that come and go.
package nodes

import (
	"sync"
	"time"
)

// entry is one line of a log and when it was written.
type entry struct {
	at   time.Time
	text string
}

// logBook is the log of one run of a container.
type logBook struct {
	mutex   sync.Mutex
	entries []entry
	closed  bool
	changed chan struct{}
}

func newLogBook() *logBook {
	return &logBook{changed: make(chan struct{})}
}

func (b *logBook) write(at time.Time, text string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.entries = append(b.entries, entry{at, text})
	b.tell()
}

// close says that nothing more will be written.
func (b *logBook) close() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if !b.closed {
		b.closed = true
		b.tell()
	}
}

func (b *logBook) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// after is everything from an index on, whether more may come, and what is closed when it did.
func (b *logBook) after(index int) (entries []entry, closed bool, changed <-chan struct{}) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.entries[min(index, len(b.entries)):], b.closed, b.changed
}
