package taskbell

import (
	"sync"
	"time"
)

var defaultLog struct {
	sync.Mutex
	number uintptr
}

// Init opens the default bell, which OnTaskComplete and OnQueueEnd use. Without it they open it themselves, from the
// file that TASKBELL_CONFIG names, else ./taskbell.toml.
func Init(config string) error {
	given, err := cString(config, "config")
	if err != nil {
		return err
	}
	if err := call(func() int32 { return taskbell_init(given) }); err != nil {
		return err
	}
	logDefault()
	return nil
}

// Shutdown closes the default bell as Close does another.
func Shutdown(limit time.Duration) error {
	defaultLog.Lock()
	defer defaultLog.Unlock()
	err := call(func() int32 { return taskbell_shutdown(milliseconds(limit)) })
	if err == nil {
		forgetLog(&defaultLog.number)
	}
	return err
}

// OnTaskComplete reports a completed task to the default bell.
func OnTaskComplete(task any) error {
	return report(task, func(json *byte) int32 { return on_task_complete(json) })
}

// OnQueueEnd reports to the default bell that the queue is empty.
func OnQueueEnd(queue any) error {
	return report(queue, func(json *byte) int32 { return on_queue_end(json) })
}

func report(payload any, function func(*byte) int32) error {
	given, err := cPayload(payload)
	if err != nil {
		return err
	}
	if err := call(func() int32 { return function(given) }); err != nil {
		return err
	}
	logDefault()
	return nil
}

// logDefault sets the usual log once the default bell is open. Without a thread for it, the bell still works.
func logDefault() {
	defaultLog.Lock()
	defer defaultLog.Unlock()
	if defaultLog.number == 0 {
		defaultLog.number, _ = setLog(nil, ToLog)
	}
}
