//go:build !cgo

// Package purego has what the compiler needs to check the binding for other systems; nothing of it runs.
package purego

const (
	RTLD_NOW   = 2
	RTLD_LOCAL = 0
)

func Dlopen(path string, mode int) (uintptr, error) { panic("only declared") }

func Dlsym(handle uintptr, name string) (uintptr, error) { panic("only declared") }

func RegisterLibFunc(fptr any, handle uintptr, name string) { panic("only declared") }

func NewCallback(function any) uintptr { panic("only declared") }
