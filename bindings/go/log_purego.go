//go:build !cgo || taskbell_purego

package taskbell

import (
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Made once: purego never frees one.
var logCallback struct {
	sync.Once
	function uintptr
}

// setLogNumber passes the log of a bell to the function with this number; 0 is none.
func setLogNumber(bell unsafe.Pointer, number uintptr) int32 {
	if number == 0 {
		return taskbell_set_log(bell, 0, 0)
	}
	logCallback.Do(func() {
		logCallback.function = purego.NewCallback(func(number, level uintptr, message *byte) uintptr {
			passLog(number, int32(level), goString(message))
			return 0
		})
	})
	return taskbell_set_log(bell, logCallback.function, number)
}

// goString copies a text of C's.
func goString(text *byte) string {
	length := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(text), length)) != 0 {
		length++
	}
	return string(unsafe.Slice(text, length))
}
