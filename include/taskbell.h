/*
 * Taskbell: a notification bell for long-running hosts.
 *
 * Generated from src/ffi; do not edit.
 *
 * - Every function returns TASKBELL_OK or a TASKBELL_ERR_* number, but for the two version functions.
 * - Every function may be called from any thread. A NULL bell means the process-wide default one.
 * - Strings are UTF-8. NULL where a value is needed is an error, never "".
 * - Text comes back through (buf, cap, needed): a buffer that is too small is left alone, and *needed
 *   says how many bytes the text takes, the NUL included.
 * - After a failure taskbell_last_error() has the reason in words, for the thread that failed.
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
 * It worked.
 */
#define TASKBELL_OK 0

/**
 * NULL where a value is needed, broken UTF-8, a name out of pattern, a number out of range.
 */
#define TASKBELL_ERR_INVALID_ARGUMENT 1

/**
 * Not one JSON object.
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
 * The bell was closed.
 */
#define TASKBELL_ERR_CLOSED 5

/**
 * The configuration has a fault.
 */
#define TASKBELL_ERR_CONFIG 6

/**
 * The time given was not enough.
 */
#define TASKBELL_ERR_TIMEOUT 7

/**
 * The spool cannot be opened or written.
 */
#define TASKBELL_ERR_SPOOL 8

/**
 * This process was forked off the one that opened the bell; `taskbell_init` opens its own.
 */
#define TASKBELL_ERR_FORKED 9

/**
 * The buffer is too small; `*needed` says how many bytes it takes, the NUL included.
 */
#define TASKBELL_ERR_BUFFER_TOO_SMALL 10

/**
 * The signature does not hold.
 */
#define TASKBELL_ERR_SIGNATURE 11

/**
 * A defect of Taskbell was caught; `taskbell_last_error` has its message.
 */
#define TASKBELL_ERR_PANIC 12

/**
 * There is none.
 */
#define TASKBELL_ERR_NOT_FOUND 13

/**
 * Level of a log message: something was lost or is about to be.
 */
#define TASKBELL_LOG_ERROR 1

/**
 * Level of a log message: something is wrong and goes on.
 */
#define TASKBELL_LOG_WARN 2

/**
 * Level of a log message: something happened that operators like to know.
 */
#define TASKBELL_LOG_INFO 3

/**
 * Level of a log message: every attempt.
 */
#define TASKBELL_LOG_DEBUG 4

/**
 * A bell. NULL means the process-wide default one. Not a pointer to memory: a closed handle is
 * recognised, whoever uses it.
 */
typedef struct taskbell_t taskbell_t;

/**
 * Receives log messages on Taskbell's own threads, one at a time. `message` is NUL-terminated UTF-8 and
 * lives until the function returns. It must return soon, and must not call Taskbell.
 */
typedef void (*taskbell_log_fn)(void *userdata, int32_t level, const char *message);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * A task is complete. Acts on the default bell, which opens itself on first use from the file that
 * `TASKBELL_CONFIG` names, else `./taskbell.toml`. `task_json` is a JSON object with the fields of a
 * task; NULL and "{}" are fine.
 *
 * Pointers:
 * `task_json` is NULL or a NUL-terminated string.
 */
int32_t on_task_complete(const char *task_json);

/**
 * The queue is empty. Acts on the default bell as `on_task_complete` does. NULL is fine: Taskbell keeps
 * a tally of its own.
 *
 * Pointers:
 * `queue_json` is NULL or a NUL-terminated string.
 */
int32_t on_queue_end(const char *queue_json);

/**
 * An event of any type. `json` may be NULL with a length of 0; `ticket` may be NULL, and is what
 * `taskbell_wait` takes.
 *
 * Pointers:
 * `type` is a NUL-terminated string, `json` points to `json_len` bytes, `ticket` is NULL or writable.
 */
int32_t taskbell_emit(taskbell_t *bell,
                      const char *type,
                      const char *json,
                      size_t json_len,
                      uint64_t *ticket);

/**
 * The value of a metric, as of now.
 *
 * Pointers:
 * `name` is a NUL-terminated string.
 */
int32_t taskbell_metric(taskbell_t *bell, const char *name, double value);

/**
 * Waits until every delivery of that event has ended, `timeout_ms` milliseconds at most.
 */
int32_t taskbell_wait(taskbell_t *bell, uint64_t ticket, uint32_t timeout_ms);

/**
 * Waits until all accepted so far is on the disk, `timeout_ms` milliseconds at most.
 */
int32_t taskbell_sync(taskbell_t *bell, uint32_t timeout_ms);

/**
 * Waits until all accepted so far has been tried once, `timeout_ms` milliseconds at most. The end of a
 * queue is tried after `queue.end_delay`.
 */
int32_t taskbell_flush(taskbell_t *bell, uint32_t timeout_ms);

/**
 * The next delivery report as JSON: `event`, `type`, `endpoint`, `hook`, `state` (`delivered` or
 * `dead`), `attempts`, `status`, `reason`, `ticket`. `TASKBELL_ERR_NOT_FOUND` when none waits. A report
 * that does not fit the buffer stays.
 *
 * Pointers:
 * `buf` points to `cap` writable bytes or is NULL with 0; `needed` is NULL or writable.
 */
int32_t taskbell_poll(taskbell_t *bell, char *buf, size_t cap, size_t *needed);

/**
 * Counters and gauges as JSON.
 *
 * Pointers:
 * `buf` points to `cap` writable bytes or is NULL with 0; `needed` is NULL or writable.
 */
int32_t taskbell_stats(taskbell_t *bell, char *buf, size_t cap, size_t *needed);

/**
 * Sets the log function, or takes it away with NULL. None runs after this or `taskbell_close` has
 * returned.
 *
 * Pointers:
 * `fn` and `userdata` stay usable until another function is set or the bell is closed.
 */
int32_t taskbell_set_log(taskbell_t *bell, taskbell_log_fn fn, void *userdata);

/**
 * Opens the default bell. `config` is the path of a `.toml` or `.json` file, or the text itself: it then
 * starts with `{` (JSON) or holds a newline (TOML).
 *
 * Pointers:
 * `config` is a NUL-terminated string.
 */
int32_t taskbell_init(const char *config);

/**
 * Closes the default bell, as `taskbell_close` does.
 */
int32_t taskbell_shutdown(uint32_t timeout_ms);

/**
 * Opens a bell. `config` as for `taskbell_init`.
 *
 * Pointers:
 * `config` is a NUL-terminated string, `out` is writable.
 */
int32_t taskbell_open(const char *config, taskbell_t **out);

/**
 * Refuses new events, delivers what it can until `timeout_ms` milliseconds have passed, stops, and
 * leaves the rest in the spool for the next start. Returns within `timeout_ms` + 250 ms whatever the
 * network does. `undelivered` may be NULL, and says how many deliveries are left.
 *
 * Pointers:
 * `undelivered` is NULL or writable.
 */
int32_t taskbell_close(taskbell_t *bell, uint32_t timeout_ms, uint64_t *undelivered);

/**
 * Puts another configuration in force, all or nothing: on an error the old one stays.
 *
 * Pointers:
 * `config` is a NUL-terminated string.
 */
int32_t taskbell_reload(taskbell_t *bell, const char *config);

/**
 * A dry run of a configuration: a JSON report with `ok`, `errors` and `warnings`, each with `file`,
 * `line`, `column`, `key` and `message`. Templates and conditions are tried on sample events. Returns
 * `TASKBELL_ERR_CONFIG`, with the report, when there are errors.
 *
 * Pointers:
 * `config` is a NUL-terminated string; `buf` points to `cap` writable bytes or is NULL with 0; `needed`
 * is NULL or writable.
 */
int32_t taskbell_check(const char *config, char *buf, size_t cap, size_t *needed);

/**
 * The requests that an event would cause, as JSON, with every secret taken out. Sends nothing and
 * writes nothing. `json` may be NULL for a sample event of that type.
 *
 * Pointers:
 * `config` and `type` are NUL-terminated strings, `json` one or NULL; `buf` points to `cap` writable
 * bytes or is NULL with 0; `needed` is NULL or writable.
 */
int32_t taskbell_preview(const char *config,
                         const char *type,
                         const char *json,
                         char *buf,
                         size_t cap,
                         size_t *needed);

/**
 * Verifies a signed message, for receivers. `scheme_json` is an object like one of `sign` in the
 * configuration, with `tolerance` if the 5 minutes are not right; `headers_json` an object of header
 * names and values; `now_unix_s` Unix seconds, 0 for the clock. `TASKBELL_OK` when the signature holds
 * and is fresh, `TASKBELL_ERR_SIGNATURE` when not.
 *
 * Pointers:
 * `scheme_json` and `headers_json` are NUL-terminated strings, `body` points to `body_len` bytes.
 */
int32_t taskbell_verify(const char *scheme_json,
                        const char *headers_json,
                        const char *body,
                        size_t body_len,
                        uint64_t now_unix_s);

/**
 * What went wrong in this thread's last call that failed, in words; empty before the first.
 *
 * Pointers:
 * `buf` points to `cap` writable bytes or is NULL with 0; `needed` is NULL or writable.
 */
int32_t taskbell_last_error(char *buf, size_t cap, size_t *needed);

/**
 * The version of this ABI, `TASKBELL_ABI_VERSION` of the header the library was built with.
 */
uint32_t taskbell_abi_version(void);

/**
 * The version of the library, a static string.
 */
const char *taskbell_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TASKBELL_H */
