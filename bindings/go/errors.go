package taskbell

import "fmt"

// Code is the status of a call that failed. It is an error of its own, for errors.Is.
type Code int32

// The codes of the C header.
const (
	InvalidArgument Code = 1
	InvalidJSON     Code = 2
	TooLarge        Code = 3
	QueueFull       Code = 4
	Closed          Code = 5
	Config          Code = 6
	Timeout         Code = 7
	Spool           Code = 8
	Forked          Code = 9
	BufferTooSmall  Code = 10
	Signature       Code = 11
	Panic           Code = 12
	NotFound        Code = 13
)

var names = map[Code]string{
	InvalidArgument: "INVALID_ARGUMENT",
	InvalidJSON:     "INVALID_JSON",
	TooLarge:        "TOO_LARGE",
	QueueFull:       "QUEUE_FULL",
	Closed:          "CLOSED",
	Config:          "CONFIG",
	Timeout:         "TIMEOUT",
	Spool:           "SPOOL",
	Forked:          "FORKED",
	BufferTooSmall:  "BUFFER_TOO_SMALL",
	Signature:       "SIGNATURE",
	Panic:           "PANIC",
	NotFound:        "NOT_FOUND",
}

// Error gives the name of the code.
func (code Code) Error() string {
	if name, known := names[code]; known {
		return name
	}
	return fmt.Sprintf("ERROR_%d", int32(code))
}

// Error is a call that failed, with the library's sentence. errors.Is(err, taskbell.Config) looks at its code.
type Error struct {
	Code    Code
	Message string
}

func (fault *Error) Error() string { return "taskbell: " + fault.Message }

// Unwrap gives the code.
func (fault *Error) Unwrap() error { return fault.Code }
