package taskbell

// #include "taskbell_load.h"
import "C"

import (
	"encoding/json"
	"errors"
	"time"
)

// Check checks a configuration without opening anything: a JSON report with ok, errors and warnings.
func Check(config string) (json.RawMessage, error) {
	given, free, err := cString(config, "config")
	if err != nil {
		return nil, err
	}
	defer free()
	report, err := text(func(buf *C.char, size C.size_t, needed *C.size_t) C.int32_t {
		return C.taskbell_check(given, buf, size, needed)
	})
	if errors.Is(err, Config) && report != "" {
		err = nil
	}
	return json.RawMessage(report), err
}

// Preview gives the requests that an event would cause, as JSON, with secrets removed; a nil payload is a sample event.
func Preview(config, kind string, payload any) (json.RawMessage, error) {
	body, isGiven, err := payloadText(payload)
	if err != nil {
		return nil, err
	}
	given, free, err := cString(config, "config")
	if err != nil {
		return nil, err
	}
	defer free()
	name, freeName, err := cString(kind, "type")
	if err != nil {
		return nil, err
	}
	defer freeName()
	var data *C.char
	if isGiven {
		copied, freeData, err := cString(body, "payload")
		if err != nil {
			return nil, err
		}
		defer freeData()
		data = copied
	}
	found, err := text(func(buf *C.char, size C.size_t, needed *C.size_t) C.int32_t {
		return C.taskbell_preview(given, name, data, buf, size, needed)
	})
	return json.RawMessage(found), err
}

// Verify says, for receivers, whether a received body has a valid signature. The scheme is an entry of sign as in the
// configuration, as JSON; a zero time is the clock.
func Verify(schemeJSON, headersJSON string, body []byte, now time.Time) (bool, error) {
	scheme, freeScheme, err := cString(schemeJSON, "scheme")
	if err != nil {
		return false, err
	}
	defer freeScheme()
	headers, freeHeaders, err := cString(headersJSON, "headers")
	if err != nil {
		return false, err
	}
	defer freeHeaders()
	data := C.CString(string(body))
	defer freeText(data)
	var seconds C.uint64_t
	if !now.IsZero() {
		seconds = C.uint64_t(now.Unix())
	}
	err = call(func() C.int32_t {
		return C.taskbell_verify(scheme, headers, data, C.size_t(len(body)), seconds)
	})
	if errors.Is(err, Signature) {
		return false, nil
	}
	return err == nil, err
}

// Version gives the version of the loaded library.
func Version() (string, error) {
	if err := load(); err != nil {
		return "", err
	}
	return C.GoString(C.taskbell_version()), nil
}

// ABIVersion gives the number of the ABI of the loaded library.
func ABIVersion() (uint32, error) {
	if err := load(); err != nil {
		return 0, err
	}
	return uint32(C.taskbell_abi_version()), nil
}
