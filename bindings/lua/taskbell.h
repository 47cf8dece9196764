/*
 * Taskbell: signed, retried webhooks for long-running hosts.
 *
 * Generated from src/ffi; do not edit.
 *
 * - Every function returns TASKBELL_OK or a TASKBELL_ERR_* number, except the two version functions.
 * - Every function may be called from any thread. A NULL bell means the process-wide default one.
 * - Strings are UTF-8. NULL for a required value is an error, not "".
 * - Text is returned through (buf, cap, needed): a buffer that is too small stays unchanged, and *needed
 *   is the size of the text in bytes, including the NUL.
 * - After a failure taskbell_last_error() returns the reason as a sentence, for the thread that failed.
 */

#ifndef TASKBELL_H
#define TASKBELL_H

#include <stddef.h>
#include <stdint.h>

/**
 * The version of this ABI, as `taskbell_abi_version` returns it.
 */
#define TASKBELL_ABI_VERSION 1

/**
 * Success. An event is accepted and will be delivered.
 */
#define TASKBELL_OK 0

/**
 * NULL for a required value, invalid UTF-8, an invalid name, a number out of range.
 */
#define TASKBELL_ERR_INVALID_ARGUMENT 1

/**
 * The event is not one JSON object.
 */
#define TASKBELL_ERR_INVALID_JSON 2

/**
 * The event is larger than `queue.max_event_bytes`.
 */
#define TASKBELL_ERR_TOO_LARGE 3

/**
 * Events come faster than the spool takes them; try again in a few milliseconds.
 */
#define TASKBELL_ERR_QUEUE_FULL 4

/**
 * The bell is closed.
 */
#define TASKBELL_ERR_CLOSED 5

/**
 * The configuration has an error.
 */
#define TASKBELL_ERR_CONFIG 6

/**
 * The timeout passed.
 */
#define TASKBELL_ERR_TIMEOUT 7

/**
 * The spool cannot be opened or written.
 */
#define TASKBELL_ERR_SPOOL 8

/**
 * This process was forked from the one that opened the bell; `taskbell_init` opens its own.
 */
#define TASKBELL_ERR_FORKED 9

/**
 * The buffer is too small; `*needed` is the size in bytes, including the NUL.
 */
#define TASKBELL_ERR_BUFFER_TOO_SMALL 10

/**
 * The signature is invalid or too old.
 */
#define TASKBELL_ERR_SIGNATURE 11

/**
 * Taskbell caught a defect of its own; `taskbell_last_error` has its message.
 */
#define TASKBELL_ERR_PANIC 12

/**
 * No report is available, or the ticket was never returned.
 */
#define TASKBELL_ERR_NOT_FOUND 13

/**
 * Level of a log message: something was lost or is about to be.
 */
#define TASKBELL_LOG_ERROR 1

/**
 * Level of a log message: something is wrong, and Taskbell continues.
 */
#define TASKBELL_LOG_WARN 2

/**
 * Level of a log message: information for operators.
 */
#define TASKBELL_LOG_INFO 3

/**
 * Level of a log message: every attempt.
 */
#define TASKBELL_LOG_DEBUG 4

/**
 * A bell: an open instance. NULL means the process-wide default one. It is not a pointer to memory: a
 * closed handle is recognised and refused.
 */
typedef struct taskbell_t taskbell_t;

/**
 * Receives log messages on a thread of Taskbell's, one at a time. `message` is NUL-terminated UTF-8 and
 * lives until the function returns. The function must return soon and must not call Taskbell.
 */
typedef void (*taskbell_log_fn)(void *userdata, int32_t level, const char *message);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Reports a completed task to the default bell, which opens itself on first use from the file that
 * `TASKBELL_CONFIG` names, else `./taskbell.toml`. `task_json` is a JSON object with the fields of a task,
 * or NULL for none. Does not wait.
 *
 * Pointers:
 * `task_json` is NULL or a NUL-terminated string.
 */
int32_t on_task_complete(const char *task_json);

/**
 * Reports to the default bell that the queue is empty. `queue_json` may be NULL: Taskbell counts the queue
 * itself. Does not wait.
 *
 * Pointers:
 * `queue_json` is NULL or a NUL-terminated string.
 */
int32_t on_queue_end(const char *queue_json);

/**
 * Reports an event of any type. `json` is a JSON object of `json_len` bytes, or NULL with a length of 0.
 * `ticket` receives the event's number for `taskbell_wait`, and may be NULL. Does not wait.
 *
 * Pointers:
 * `type` is a NUL-terminated string, `json` points to `json_len` bytes or is NULL with 0, `ticket`
 * is NULL or writable.
 */
int32_t taskbell_emit(taskbell_t *bell,
                      const char *type,
                      const char *json,
                      size_t json_len,
                      uint64_t *ticket);

/**
 * Reports the current value of a metric, for `[[alerts]]`. Does not wait.
 *
 * Pointers:
 * `name` is a NUL-terminated string.
 */
int32_t taskbell_metric(taskbell_t *bell, const char *name, double value);

/**
 * Waits until every delivery of an event has ended, `timeout_ms` milliseconds at most.
 */
int32_t taskbell_wait(taskbell_t *bell, uint64_t ticket, uint32_t timeout_ms);

/**
 * Waits until all accepted events are on the disk, `timeout_ms` milliseconds at most.
 */
int32_t taskbell_sync(taskbell_t *bell, uint32_t timeout_ms);

/**
 * Waits until all accepted events have been tried once, `timeout_ms` milliseconds at most. The end of a
 * queue is tried after `queue.end_delay`.
 */
int32_t taskbell_flush(taskbell_t *bell, uint32_t timeout_ms);

/**
 * Gives the next report of an ended delivery as JSON: `event`, `type`, `endpoint`, `hook`, `state`
 * (`delivered` or `dead`), `attempts`, `status`, `reason`, `ticket`. Returns `TASKBELL_ERR_NOT_FOUND` when
 * none is available. A report that does not fit the buffer is given again by the next call.
 *
 * Pointers:
 * `buf` points to `cap` writable bytes or is NULL with 0; `needed` is NULL or writable.
 */
int32_t taskbell_poll(taskbell_t *bell, char *buf, size_t cap, size_t *needed);

/**
 * Gives counters and gauges as JSON.
 *
 * Pointers:
 * `buf` points to `cap` writable bytes or is NULL with 0; `needed` is NULL or writable.
 */
int32_t taskbell_stats(taskbell_t *bell, char *buf, size_t cap, size_t *needed);

/**
 * Sets the log function, or removes it with NULL. The former function never runs after this call or
 * `taskbell_close` has returned `TASKBELL_OK`; after `TASKBELL_ERR_TIMEOUT` its last call may still run.
 *
 * Pointers:
 * `fn` and `userdata` stay valid until another function is set or the bell is closed.
 */
int32_t taskbell_set_log(taskbell_t *bell, taskbell_log_fn fn, void *userdata);

/**
 * Gives the next message of the log, for a language whose functions must not be called from another thread. The first
 * call turns the log on and finds what is in force at the start. `level` receives its level, and may be NULL. Returns
 * `TASKBELL_ERR_NOT_FOUND` when none waits: 1024 are kept, and a message reports how many were dropped after them.
 * Refused while a log function is set; `taskbell_set_log` with NULL turns the log off. A bell that was closed still gives
 * the lines of its end. Does not wait.
 *
 * Pointers:
 * `level` is NULL or writable; `buf` points to `cap` writable bytes or is NULL with 0; `needed` is NULL or writable.
 */
int32_t taskbell_poll_log(taskbell_t *bell,
                          int32_t *level,
                          char *buf,
                          size_t cap,
                          size_t *needed);

/**
 * Opens the default bell. `config` is the path of a `.toml` or `.json` file, the URL of a receiver, or the text itself, which
 * starts with `{` (JSON) or contains a newline (TOML).
 *
 * Pointers:
 * `config` is a NUL-terminated string.
 */
int32_t taskbell_init(const char *config);

/**
 * Closes the default bell like `taskbell_close`.
 */
int32_t taskbell_shutdown(uint32_t timeout_ms);

/**
 * Opens a bell. `config` is the same as for `taskbell_init`.
 *
 * Pointers:
 * `config` is a NUL-terminated string, `out` is writable.
 */
int32_t taskbell_open(const char *config, taskbell_t **out);

/**
 * Closes a bell: refuses new events, delivers what it can within `timeout_ms` milliseconds, stops, and
 * leaves the rest in the spool for the next start. Returns within `timeout_ms` + 250 ms whatever the
 * network does. `undelivered` receives the number of deliveries left, and may be NULL.
 *
 * After `TASKBELL_OK`, `taskbell_last_error` has one line about the messages that did not arrive, and is empty
 * when none is missing.
 *
 * Returns `TASKBELL_ERR_TIMEOUT` when the bell is closed but a call of its log function has not returned; none
 * begins any more. Call it again to wait for that one, before the function or its `userdata` goes.
 *
 * Pointers:
 * `undelivered` is NULL or writable.
 */
int32_t taskbell_close(taskbell_t *bell,
                       uint32_t timeout_ms,
                       uint64_t *undelivered);

/**
 * Applies another configuration, as a whole or not at all: on an error the old one stays.
 *
 * Pointers:
 * `config` is a NUL-terminated string.
 */
int32_t taskbell_reload(taskbell_t *bell, const char *config);

/**
 * Checks a configuration: gives a JSON report with `ok`, `errors` and `warnings`, each with `file`, `line`,
 * `column`, `key` and `message`. Tries templates and conditions on sample events. Returns
 * `TASKBELL_ERR_CONFIG`, with the report, when there are errors.
 *
 * Pointers:
 * `config` is a NUL-terminated string; `buf` points to `cap` writable bytes or is NULL with 0; `needed`
 * is NULL or writable.
 */
int32_t taskbell_check(const char *config, char *buf, size_t cap, size_t *needed);

/**
 * Gives the requests that an event would cause, as JSON, with every secret removed. Sends and writes
 * nothing. `json` may be NULL for a sample event of that type.
 *
 * Pointers:
 * `config` and `type` are NUL-terminated strings; `json` is NULL or a NUL-terminated string; `buf` points to `cap`
 * writable bytes or is NULL with 0; `needed` is NULL or writable.
 */
int32_t taskbell_preview(const char *config,
                         const char *type,
                         const char *json,
                         char *buf,
                         size_t cap,
                         size_t *needed);

/**
 * Verifies a signed request, for receivers. `scheme_json` is an object like one of `sign` in the
 * configuration, with an optional `tolerance` (default 5 minutes); `headers_json` is an object of header
 * names and values; `now_unix_s` is the time in Unix seconds, 0 for the clock. Returns `TASKBELL_OK` when
 * the signature is valid and fresh, else `TASKBELL_ERR_SIGNATURE`.
 *
 * Pointers:
 * `scheme_json` and `headers_json` are NUL-terminated strings, `body` points to `body_len` bytes or is
 * NULL with 0.
 */
int32_t taskbell_verify(const char *scheme_json,
                        const char *headers_json,
                        const char *body,
                        size_t body_len,
                        uint64_t now_unix_s);

/**
 * Gives the reason of this thread's last failed call as a sentence; empty before the first.
 *
 * Pointers:
 * `buf` points to `cap` writable bytes or is NULL with 0; `needed` is NULL or writable.
 */
int32_t taskbell_last_error(char *buf, size_t cap, size_t *needed);

/**
 * Returns the version of this ABI: `TASKBELL_ABI_VERSION` of the header the library was built with.
 */
uint32_t taskbell_abi_version(void);

/**
 * Returns the version of the library, a static string.
 */
const char *taskbell_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TASKBELL_H */
