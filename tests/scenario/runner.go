// The scenario in Go: reads a call per line, fields separated by tabs, and answers in one line.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	taskbell "github.com/taskbell/taskbell/bindings/go"
)

var (
	bells   = map[string]*taskbell.Bell{}
	logging sync.Mutex
	logged  strings.Builder
	escape  = strings.NewReplacer("\\", "\\\\", "\t", "\\t", "\n", "\\n", "\r", "\\r")
	plain   = strings.NewReplacer("\\\\", "\\", "\\t", "\t", "\\n", "\n", "\\r", "\r")
)

// none is the field of "\N".
const none = "\\N"

func answer(fields ...string) {
	for index, field := range fields {
		fields[index] = escape.Replace(field)
	}
	fmt.Println(strings.Join(fields, "\t"))
}

func payload(field string) any {
	if field == none {
		return nil
	}
	return field
}

func milliseconds(field string) time.Duration {
	number, _ := strconv.Atoi(field)
	return time.Duration(number) * time.Millisecond
}

func waited(field string, wait func(context.Context) error) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), milliseconds(field))
	defer cancel()
	err := wait(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return "false", nil
	}
	return "true", err
}

func setLog(name string, throws bool) (string, error) {
	logging.Lock()
	logged.Reset()
	logging.Unlock()
	return "", bells[name].SetLog(func(level taskbell.Level, line string) {
		logging.Lock()
		fmt.Fprintf(&logged, "%d %s\n", level, line)
		logging.Unlock()
		if throws {
			panic("a log function that fails")
		}
	})
}

func called(field []string) (string, error) {
	switch field[0] {
	case "version":
		return taskbell.Version()
	case "abi":
		number, err := taskbell.ABIVersion()
		return fmt.Sprint(number), err
	case "init":
		return "", taskbell.Init(field[1])
	case "shutdown":
		return "", taskbell.Shutdown(milliseconds(field[1]))
	case "task":
		return "", taskbell.OnTaskComplete(payload(field[1]))
	case "queue":
		return "", taskbell.OnQueueEnd(payload(field[1]))
	case "open":
		bell, err := taskbell.Open(field[2])
		bells[field[1]] = bell
		return "", err
	case "close":
		left, err := bells[field[1]].Close(milliseconds(field[2]))
		return fmt.Sprint(left), err
	case "reload":
		return "", bells[field[1]].Reload(field[2])
	case "emit":
		ticket, err := bells[field[1]].Emit(field[2], payload(field[3]))
		return fmt.Sprint(ticket), err
	case "metric":
		value, _ := strconv.ParseFloat(field[3], 64)
		return "", bells[field[1]].Metric(field[2], value)
	case "wait":
		ticket, _ := strconv.ParseUint(field[2], 10, 64)
		return waited(field[3], func(ctx context.Context) error {
			return bells[field[1]].Wait(ctx, taskbell.Ticket(ticket))
		})
	case "sync":
		return waited(field[2], bells[field[1]].Sync)
	case "flush":
		return waited(field[2], bells[field[1]].Flush)
	case "poll":
		report, err := bells[field[1]].Poll()
		if report == nil {
			return "none", err
		}
		return fmt.Sprintf("%+v", *report), err
	case "stats":
		stats, err := bells[field[1]].Stats()
		return string(stats), err
	case "log", "throw":
		return setLog(field[1], field[0] == "throw")
	case "logged":
		logging.Lock()
		defer logging.Unlock()
		return logged.String(), nil
	case "check":
		report, err := taskbell.Check(field[1])
		return string(report), err
	case "preview":
		requests, err := taskbell.Preview(field[1], field[2], payload(field[3]))
		return string(requests), err
	case "verify":
		valid, err := taskbell.Verify(field[1], field[2], []byte(field[3]), time.Time{})
		return fmt.Sprint(valid), err
	}
	return "", errors.New("no such call")
}

func main() {
	version, err := taskbell.Version()
	if err != nil {
		answer("unusable", err.Error())
		return
	}
	answer("ready", version)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		field := strings.Split(lines.Text(), "\t")
		for index := range field {
			if field[index] != none {
				field[index] = plain.Replace(field[index])
			}
		}
		value, err := called(field)
		var fault *taskbell.Error
		switch {
		case errors.As(err, &fault):
			answer("error", fmt.Sprint(int32(fault.Code)), fault.Message)
		case err != nil:
			answer("error", "error", err.Error())
		default:
			answer("ok", value)
		}
	}
}
