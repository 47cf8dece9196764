package taskbell

/*
#include <stdint.h>
#include "taskbell_load.h"

extern void taskbellGoLog(uintptr_t handle, int32_t level, char *message);

// The number of a handle is no pointer, and must not be one in Go.
static void forward(void *userdata, int32_t level, const char *message) {
	taskbellGoLog((uintptr_t)userdata, level, (char *)message);
}

static int32_t log_to_go(taskbell_t *bell, uintptr_t handle) {
	return taskbell_set_log(bell, forward, (void *)handle);
}
*/
import "C"

import (
	"errors"
	"log"
	"runtime/cgo"
)

// Level says how serious a line of the log is.
type Level int32

// The levels of the library.
const (
	LevelError Level = 1
	LevelWarn  Level = 2
	LevelInfo  Level = 3
	LevelDebug Level = 4
)

// LogFunction takes a line of the log, on a thread of the library and one at a time. It must return soon, and must not
// call the bell. A panic ends in it.
type LogFunction func(level Level, line string)

// ToLog is the usual one: errors, warnings and information go to the standard logger.
func ToLog(level Level, line string) {
	if level <= LevelInfo {
		log.Print("taskbell: ", line)
	}
}

//export taskbellGoLog
func taskbellGoLog(handle C.uintptr_t, level C.int32_t, message *C.char) {
	// The function is the host's; the bell goes on.
	defer func() { _ = recover() }()
	cgo.Handle(handle).Value().(LogFunction)(Level(level), C.GoString(message))
}

// setLog sets the function of a bell, and gives what holds it; nil sets none.
func setLog(bell *C.taskbell_t, function LogFunction) (cgo.Handle, error) {
	if function == nil {
		return 0, call(func() C.int32_t { return C.taskbell_set_log(bell, nil, nil) })
	}
	handle := cgo.NewHandle(function)
	err := call(func() C.int32_t { return C.log_to_go(bell, C.uintptr_t(handle)) })
	if err != nil && !errors.Is(err, Timeout) {
		handle.Delete()
		handle = 0
	}
	return handle, err
}
