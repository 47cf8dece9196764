//go:build (!cgo || taskbell_purego) && !windows

package taskbell

import (
	"runtime"

	"github.com/ebitengine/purego"
)

var fileName = map[bool]string{true: "libtaskbell.dylib", false: "libtaskbell.so"}[runtime.GOOS == "darwin"]

func openFile(path string) (uintptr, error) {
	return purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

func symbol(library uintptr, name string) (uintptr, error) { return purego.Dlsym(library, name) }
