//go:build cgo

// Package purego is a stand-in for the module of this name, written from its documentation: the functions that the
// binding for Go uses, over cgo. So the binding runs as with purego where the module itself cannot be had.
package purego

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

extern uintptr_t taskbellStandIn(uintptr_t first, uintptr_t second, char *text);

typedef uintptr_t (*function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, double);

// Whole numbers and the one that is not go by registers of their own, so their order does not matter.
static uintptr_t called(void *address, uintptr_t *words, double number) {
	return ((function)address)(words[0], words[1], words[2], words[3], words[4], words[5], number);
}

static uintptr_t standIn(void) { return (uintptr_t)taskbellStandIn; }
*/
import "C"

import (
	"errors"
	"reflect"
	"runtime"
	"unsafe"
)

const (
	RTLD_NOW   = C.RTLD_NOW
	RTLD_LOCAL = C.RTLD_LOCAL
)

// Dlopen gives the handle of a library.
func Dlopen(path string, mode int) (uintptr, error) {
	given := C.CString(path)
	defer C.free(unsafe.Pointer(given))
	if handle := C.dlopen(given, C.int(mode)); handle != nil {
		return uintptr(handle), nil
	}
	return 0, errors.New(C.GoString(C.dlerror()))
}

// Dlsym gives the address of a symbol.
func Dlsym(handle uintptr, name string) (uintptr, error) {
	given := C.CString(name)
	defer C.free(unsafe.Pointer(given))
	if address := C.dlsym(pointer(handle), given); address != nil {
		return uintptr(address), nil
	}
	return 0, errors.New(C.GoString(C.dlerror()))
}

// RegisterLibFunc makes the variable that fptr points to a function of the library.
func RegisterLibFunc(fptr any, handle uintptr, name string) {
	address, err := Dlsym(handle, name)
	if err != nil {
		panic(err)
	}
	function := reflect.ValueOf(fptr).Elem()
	result := function.Type().Out(0)
	function.Set(reflect.MakeFunc(function.Type(), func(given []reflect.Value) []reflect.Value {
		var words [6]C.uintptr_t
		var number C.double
		count := 0
		for _, one := range given {
			switch one.Kind() {
			case reflect.Float64:
				number = C.double(one.Float())
				continue
			case reflect.Pointer, reflect.UnsafePointer:
				words[count] = C.uintptr_t(one.Pointer())
			default:
				words[count] = C.uintptr_t(one.Uint())
			}
			count++
		}
		found := C.called(pointer(address), &words[0], number)
		runtime.KeepAlive(given)
		return []reflect.Value{converted(uintptr(found), result)}
	}))
}

func converted(found uintptr, kind reflect.Type) reflect.Value {
	switch kind.Kind() {
	case reflect.Int32:
		return reflect.ValueOf(int32(found))
	case reflect.String:
		return reflect.ValueOf(C.GoString((*C.char)(pointer(found))))
	default:
		return reflect.ValueOf(found).Convert(kind)
	}
}

// pointer is an address of C's, which Go's collector does not move.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

var callback func(first, second uintptr, text *byte) uintptr

// NewCallback gives a pointer for C to the only callback that the binding has.
func NewCallback(function any) uintptr {
	callback = function.(func(first, second uintptr, text *byte) uintptr)
	return uintptr(C.standIn())
}

//export taskbellStandIn
func taskbellStandIn(first, second C.uintptr_t, text *C.char) C.uintptr_t {
	return C.uintptr_t(callback(uintptr(first), uintptr(second), (*byte)(unsafe.Pointer(text))))
}
