package taskbell

import (
	"errors"
	"log"
	"sync"
	"unsafe"
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

// The functions that bells use, by the numbers that the library passes in place of pointers.
var logs = struct {
	sync.Mutex
	last      uintptr
	functions map[uintptr]LogFunction
}{functions: map[uintptr]LogFunction{}}

// passLog is called by the library's thread.
func passLog(number uintptr, level int32, line string) {
	// The function is the host's; the bell goes on.
	defer func() { _ = recover() }()
	logs.Lock()
	function := logs.functions[number]
	logs.Unlock()
	if function != nil {
		function(Level(level), line)
	}
}

// setLog sets the function of a bell, and gives its number; nil sets none, and 0 is none.
func setLog(bell unsafe.Pointer, function LogFunction) (uintptr, error) {
	if function == nil {
		return 0, call(func() int32 { return setLogNumber(bell, 0) })
	}
	logs.Lock()
	logs.last++
	number := logs.last
	logs.functions[number] = function
	logs.Unlock()
	err := call(func() int32 { return setLogNumber(bell, number) })
	if err != nil && !errors.Is(err, Timeout) {
		forgetLog(&number)
	}
	return number, err
}

// forgetLog drops a function that the library no longer calls.
func forgetLog(number *uintptr) {
	logs.Lock()
	defer logs.Unlock()
	delete(logs.functions, *number)
	*number = 0
}
