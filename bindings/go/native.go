package taskbell

/*
#cgo linux LDFLAGS: -ldl
#cgo CFLAGS: -std=c11
#include <stdlib.h>
#include "taskbell_load.h"
*/
import "C"

import (
	"encoding/json"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"time"
	"unsafe"
)

var (
	loading sync.Mutex
	loaded  bool
)

// load opens the library. A failure is one sentence, and is tried again by the next call.
func load() error {
	loading.Lock()
	defer loading.Unlock()
	if loaded {
		return nil
	}
	if why := C.taskbell_load(); why != nil {
		return errors.New(C.GoString(why))
	}
	loaded = true
	return nil
}

// call makes one call of the library, and gives its failure with the sentence of the thread that failed.
func call(function func() C.int32_t) error {
	if err := load(); err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	status := function()
	if status == C.TASKBELL_OK {
		return nil
	}
	message, _ := fill(func(buf *C.char, size C.size_t, needed *C.size_t) C.int32_t {
		return C.taskbell_last_error(buf, size, needed)
	})
	return &Error{Code(status), message}
}

// fill calls a function that writes text into a buffer, with one of the size that it needs.
func fill(function func(*C.char, C.size_t, *C.size_t) C.int32_t) (string, C.int32_t) {
	for size := C.size_t(4096); ; {
		buf := (*C.char)(C.malloc(size))
		*buf = 0
		var needed C.size_t
		status := function(buf, size, &needed)
		text := C.GoString(buf)
		C.free(unsafe.Pointer(buf))
		if status != C.TASKBELL_ERR_BUFFER_TOO_SMALL {
			return text, status
		}
		if size++; needed > size {
			size = needed
		}
	}
}

// text makes a call that gives a text.
func text(function func(*C.char, C.size_t, *C.size_t) C.int32_t) (found string, err error) {
	err = call(func() C.int32_t {
		var status C.int32_t
		found, status = fill(function)
		return status
	})
	return found, err
}

// cString is a copy for C; the caller frees it. A NUL would end it early.
func cString(value, name string) (*C.char, func(), error) {
	if strings.IndexByte(value, 0) >= 0 {
		return nil, nil, &Error{InvalidArgument, name + " has a NUL"}
	}
	copied := C.CString(value)
	return copied, func() { C.free(unsafe.Pointer(copied)) }, nil
}

// payloadText is the JSON of an event: a string, bytes and json.RawMessage are JSON already; nil is none.
func payloadText(payload any) (string, bool, error) {
	switch given := payload.(type) {
	case nil:
		return "", false, nil
	case string:
		return given, true, nil
	case []byte:
		return string(given), true, nil
	case json.RawMessage:
		return string(given), true, nil
	default:
		text, err := json.Marshal(given)
		return string(text), true, err
	}
}

func milliseconds(limit time.Duration) C.uint32_t {
	whole := (limit + time.Millisecond - 1) / time.Millisecond
	if whole < 0 {
		return 0
	}
	if whole > math.MaxUint32 {
		return math.MaxUint32
	}
	return C.uint32_t(whole)
}

// inTime says whether a call that waits ended before its timeout.
func inTime(err error) (bool, error) {
	if errors.Is(err, Timeout) {
		return false, nil
	}
	return err == nil, err
}
