//go:build cgo && !taskbell_purego

package taskbell

/*
#include <stdint.h>
#include "taskbell_load.h"

extern void taskbellGoLog(uintptr_t number, int32_t level, char *message);

// A number is no pointer, and must not be one in Go.
static void forward(void *userdata, int32_t level, const char *message) {
	taskbellGoLog((uintptr_t)userdata, level, (char *)message);
}

static int32_t log_to_go(taskbell_t *bell, uintptr_t number) {
	return taskbell_set_log(bell, number != 0 ? forward : NULL, (void *)number);
}
*/
import "C"

import "unsafe"

//export taskbellGoLog
func taskbellGoLog(number C.uintptr_t, level C.int32_t, message *C.char) {
	passLog(uintptr(number), int32(level), C.GoString(message))
}

// setLogNumber passes the log of a bell to the function with this number; 0 is none.
func setLogNumber(bell unsafe.Pointer, number uintptr) int32 {
	return int32(C.log_to_go((*C.taskbell_t)(bell), C.uintptr_t(number)))
}
