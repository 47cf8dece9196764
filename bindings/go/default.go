package taskbell

// #include <stdlib.h>
// #include "taskbell_load.h"
import "C"

import (
	"runtime/cgo"
	"sync"
	"time"
	"unsafe"
)

func freeText(text *C.char) { C.free(unsafe.Pointer(text)) }

var defaultLog struct {
	sync.Mutex
	handle cgo.Handle
	isSet  bool
}

// Init opens the default bell, which OnTaskComplete and OnQueueEnd use. Without it they open it themselves, from the
// file that TASKBELL_CONFIG names, else ./taskbell.toml.
func Init(config string) error {
	given, free, err := cString(config, "config")
	if err != nil {
		return err
	}
	defer free()
	if err := call(func() C.int32_t { return C.taskbell_init(given) }); err != nil {
		return err
	}
	logDefault()
	return nil
}

// Shutdown closes the default bell as Close does another.
func Shutdown(limit time.Duration) error {
	defaultLog.Lock()
	defer defaultLog.Unlock()
	err := call(func() C.int32_t { return C.taskbell_shutdown(milliseconds(limit)) })
	if err == nil && defaultLog.isSet {
		defaultLog.handle.Delete()
		defaultLog.isSet = false
	}
	return err
}

// OnTaskComplete reports a completed task to the default bell.
func OnTaskComplete(task any) error {
	return report(task, func(json *C.char) C.int32_t { return C.on_task_complete(json) })
}

// OnQueueEnd reports to the default bell that the queue is empty.
func OnQueueEnd(queue any) error {
	return report(queue, func(json *C.char) C.int32_t { return C.on_queue_end(json) })
}

func report(payload any, function func(*C.char) C.int32_t) error {
	body, isGiven, err := payloadText(payload)
	if err != nil {
		return err
	}
	var given *C.char
	if isGiven {
		text, free, err := cString(body, "payload")
		if err != nil {
			return err
		}
		defer free()
		given = text
	}
	if err := call(func() C.int32_t { return function(given) }); err != nil {
		return err
	}
	logDefault()
	return nil
}

// logDefault sets the usual log once the default bell is open. Without a thread for it, the bell still works.
func logDefault() {
	defaultLog.Lock()
	defer defaultLog.Unlock()
	if defaultLog.isSet {
		return
	}
	if handle, err := setLog(nil, ToLog); err == nil {
		defaultLog.handle, defaultLog.isSet = handle, true
	}
}
