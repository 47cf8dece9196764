package taskbell

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"time"
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
	if why := openLibrary(); why != "" {
		return errors.New(why)
	}
	loaded = true
	return nil
}

// call makes one call of the library, and gives its failure with the sentence of the thread that failed.
func call(function func() int32) error {
	if err := load(); err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	status := function()
	if status == 0 {
		return nil
	}
	message, _ := fill(taskbell_last_error)
	return &Error{Code(status), message}
}

// fill calls a function that writes text into a buffer, with one of the size that it needs.
func fill(function func(buf *byte, size uintptr, needed *uintptr) int32) (string, int32) {
	for size := uintptr(4096); ; {
		buf := make([]byte, size)
		var needed uintptr
		status := function(&buf[0], size, &needed)
		if Code(status) != BufferTooSmall {
			text, _, _ := bytes.Cut(buf, []byte{0})
			return string(text), status
		}
		if size++; needed > size {
			size = needed
		}
	}
}

// text makes a call that gives a text.
func text(function func(buf *byte, size uintptr, needed *uintptr) int32) (found string, err error) {
	err = call(func() int32 {
		var status int32
		found, status = fill(function)
		return status
	})
	return found, err
}

// cBytes is a copy with a NUL after it, as C reads a text.
func cBytes(value string) *byte {
	copied := make([]byte, len(value)+1)
	copy(copied, value)
	return &copied[0]
}

// cString is a copy for C. A NUL would end it early.
func cString(value, name string) (*byte, error) {
	if strings.IndexByte(value, 0) >= 0 {
		return nil, &Error{InvalidArgument, name + " has a NUL"}
	}
	return cBytes(value), nil
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

// cPayload is a payload as a string for C; NULL is none.
func cPayload(payload any) (*byte, error) {
	body, isGiven, err := payloadText(payload)
	if err != nil || !isGiven {
		return nil, err
	}
	return cString(body, "payload")
}

func milliseconds(limit time.Duration) uint32 {
	whole := (limit + time.Millisecond - 1) / time.Millisecond
	if whole < 0 {
		return 0
	}
	if whole > math.MaxUint32 {
		return math.MaxUint32
	}
	return uint32(whole)
}

// inTime says whether a call that waits ended before its timeout.
func inTime(err error) (bool, error) {
	if errors.Is(err, Timeout) {
		return false, nil
	}
	return err == nil, err
}
