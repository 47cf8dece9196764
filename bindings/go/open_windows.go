//go:build !cgo || taskbell_purego

package taskbell

import "syscall"

const fileName = "taskbell.dll"

func openFile(path string) (uintptr, error) {
	library, err := syscall.LoadLibrary(path)
	return uintptr(library), err
}

func symbol(library uintptr, name string) (uintptr, error) {
	return syscall.GetProcAddress(syscall.Handle(library), name)
}
