package taskbell

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"
	"unsafe"
)

// Ticket is the number of one accepted event, for Wait.
type Ticket uint64

// step is how long a wait that a context may end stays in the library at most.
const step = 100 * time.Millisecond

// Bell is an open instance: a configuration, a spool, and threads of the library's own.
type Bell struct {
	handle unsafe.Pointer

	// Of the log, and of closing.
	changing sync.Mutex
	log      uintptr
	closed   bool
}

// Open opens an instance from the path of a .toml or .json file, the URL of a receiver, or the text of a configuration.
// The log goes to the standard logger. Close it: the program's end does not.
func Open(config string) (*Bell, error) { return OpenWithLog(config, ToLog) }

// OpenWithLog is Open with a function for the log; nil is none.
func OpenWithLog(config string, function LogFunction) (*Bell, error) {
	given, err := cString(config, "config")
	if err != nil {
		return nil, err
	}
	var handle unsafe.Pointer
	if err := call(func() int32 { return taskbell_open(given, &handle) }); err != nil {
		return nil, err
	}
	bell := &Bell{handle: handle}
	if function != nil {
		// Without a thread for it, the bell still works.
		_ = bell.SetLog(function)
	}
	return bell, nil
}

// Emit reports an event of any type. The payload is a JSON object: a value that encoding/json knows, or its text as a
// string or bytes; nil is none.
func (bell *Bell) Emit(kind string, payload any) (Ticket, error) {
	body, isGiven, err := payloadText(payload)
	if err != nil {
		return 0, err
	}
	given, err := cString(kind, "type")
	if err != nil {
		return 0, err
	}
	var data *byte
	if isGiven {
		data = cBytes(body)
	}
	var ticket uint64
	err = call(func() int32 {
		return taskbell_emit(bell.handle, given, data, uintptr(len(body)), &ticket)
	})
	return Ticket(ticket), err
}

// TaskComplete reports a completed task.
func (bell *Bell) TaskComplete(task any) (Ticket, error) { return bell.Emit("task.complete", task) }

// QueueEnd reports that the queue is empty. The library counts it itself.
func (bell *Bell) QueueEnd(queue any) (Ticket, error) { return bell.Emit("queue.end", queue) }

// Metric reports the value of a metric, for alerts.
func (bell *Bell) Metric(name string, value float64) error {
	given, err := cString(name, "name")
	if err != nil {
		return err
	}
	return call(func() int32 { return taskbell_metric(bell.handle, given, value) })
}

// Wait waits until every delivery of that event has ended, or the context has; then its error is that of the context.
func (bell *Bell) Wait(ctx context.Context, ticket Ticket) error {
	return until(ctx, func(limit time.Duration) int32 {
		return taskbell_wait(bell.handle, uint64(ticket), milliseconds(limit))
	})
}

// Sync waits until all accepted events are on the disk, or the context has ended.
func (bell *Bell) Sync(ctx context.Context) error {
	return until(ctx, func(limit time.Duration) int32 {
		return taskbell_sync(bell.handle, milliseconds(limit))
	})
}

// Flush waits until all accepted events have been tried once, or the context has ended.
func (bell *Bell) Flush(ctx context.Context) error {
	return until(ctx, func(limit time.Duration) int32 {
		return taskbell_flush(bell.handle, milliseconds(limit))
	})
}

func until(ctx context.Context, wait func(time.Duration) int32) error {
	for {
		limit := step
		if end, isSet := ctx.Deadline(); isSet && time.Until(end) < limit {
			limit = time.Until(end)
		}
		done, err := inTime(call(func() int32 { return wait(limit) }))
		if done || err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// Report is the end of one delivery.
type Report struct {
	Event    string          `json:"event"`
	Type     string          `json:"type"`
	Endpoint string          `json:"endpoint"`
	Hook     json.RawMessage `json:"hook"`
	State    string          `json:"state"`
	Attempts int             `json:"attempts"`
	Status   *int            `json:"status"`
	Reason   *string         `json:"reason"`
	Ticket   Ticket          `json:"ticket"`
}

// Poll gives the next report of an ended delivery; nil when none is available.
func (bell *Bell) Poll() (*Report, error) {
	found, err := text(func(buf *byte, size uintptr, needed *uintptr) int32 {
		return taskbell_poll(bell.handle, buf, size, needed)
	})
	if errors.Is(err, NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	report := &Report{}
	return report, json.Unmarshal([]byte(found), report)
}

// Stats gives counters and gauges, as JSON.
func (bell *Bell) Stats() (json.RawMessage, error) {
	found, err := text(func(buf *byte, size uintptr, needed *uintptr) int32 {
		return taskbell_stats(bell.handle, buf, size, needed)
	})
	return json.RawMessage(found), err
}

// Reload applies another configuration, as a whole or not at all.
func (bell *Bell) Reload(config string) error {
	given, err := cString(config, "config")
	if err != nil {
		return err
	}
	return call(func() int32 { return taskbell_reload(bell.handle, given) })
}

// SetLog sets another function for the log; nil is none.
func (bell *Bell) SetLog(function LogFunction) error {
	bell.changing.Lock()
	defer bell.changing.Unlock()
	number, err := setLog(bell.handle, function)
	// A former function that still runs keeps what it uses.
	if !errors.Is(err, Timeout) {
		forgetLog(&bell.log)
	}
	if number != 0 {
		bell.log = number
	}
	return err
}

// Close delivers what it can within the time, and stops. It gives the number of deliveries that are left for the next
// start. A second call does nothing.
func (bell *Bell) Close(limit time.Duration) (uint64, error) {
	bell.changing.Lock()
	defer bell.changing.Unlock()
	if bell.closed {
		return 0, nil
	}
	var left uint64
	err := call(func() int32 { return taskbell_close(bell.handle, milliseconds(limit), &left) })
	// After a timeout a call of the log function is still running, and Close may be called again.
	bell.closed = !errors.Is(err, Timeout)
	if bell.closed {
		forgetLog(&bell.log)
	}
	return left, err
}
