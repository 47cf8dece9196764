package taskbell

import (
	"encoding/json"
	"errors"
	"time"
)

// Check checks a configuration without opening anything: a JSON report with ok, errors and warnings.
func Check(config string) (json.RawMessage, error) {
	given, err := cString(config, "config")
	if err != nil {
		return nil, err
	}
	report, err := text(func(buf *byte, size uintptr, needed *uintptr) int32 {
		return taskbell_check(given, buf, size, needed)
	})
	if errors.Is(err, Config) && report != "" {
		err = nil
	}
	return json.RawMessage(report), err
}

// Preview gives the requests that an event would cause, as JSON, with secrets removed; a nil payload is a sample event.
func Preview(config, kind string, payload any) (json.RawMessage, error) {
	data, err := cPayload(payload)
	if err != nil {
		return nil, err
	}
	given, err := cString(config, "config")
	if err != nil {
		return nil, err
	}
	name, err := cString(kind, "type")
	if err != nil {
		return nil, err
	}
	found, err := text(func(buf *byte, size uintptr, needed *uintptr) int32 {
		return taskbell_preview(given, name, data, buf, size, needed)
	})
	return json.RawMessage(found), err
}

// Verify says, for receivers, whether a received body has a valid signature. The scheme is an entry of sign as in the
// configuration, as JSON; a zero time is the clock.
func Verify(schemeJSON, headersJSON string, body []byte, now time.Time) (bool, error) {
	scheme, err := cString(schemeJSON, "scheme")
	if err != nil {
		return false, err
	}
	headers, err := cString(headersJSON, "headers")
	if err != nil {
		return false, err
	}
	data := cBytes(string(body))
	var seconds uint64
	if !now.IsZero() {
		seconds = uint64(now.Unix())
	}
	err = call(func() int32 {
		return taskbell_verify(scheme, headers, data, uintptr(len(body)), seconds)
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
	return taskbell_version(), nil
}

// ABIVersion gives the number of the ABI of the loaded library.
func ABIVersion() (uint32, error) {
	if err := load(); err != nil {
		return 0, err
	}
	return taskbell_abi_version(), nil
}
