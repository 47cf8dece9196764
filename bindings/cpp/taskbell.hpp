// Taskbell for C++14 and later: one header over taskbell.h.
//
// No function throws, no C++ type crosses the library's boundary, and every function may be called from any
// thread. Functions that report an event are noexcept and allocate nothing.
//
//     auto bell = taskbell::Bell::open("taskbell.toml");
//     if (!bell) { complain(bell.message()); return; }
//     bell->task_complete(R"({"name": "frame 12", "status": "success"})");
#ifndef TASKBELL_HPP
#define TASKBELL_HPP

#include "taskbell.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

namespace taskbell {

/// The status codes of the C functions, by number.
enum class Code : std::int32_t {
    ok = 0,
    invalid_argument = 1,
    invalid_json = 2,
    too_large = 3,
    queue_full = 4,
    closed = 5,
    config = 6,
    timeout = 7,
    spool = 8,
    forked = 9,
    buffer_too_small = 10,
    signature = 11,
    panic = 12,
    not_found = 13,
};

/// The result of a call. Converts to true when it is `Code::ok`.
class Status {
public:
    constexpr Status() noexcept = default;
    constexpr explicit Status(std::int32_t number) noexcept : number_(number) {}
    constexpr Status(Code code) noexcept : number_(static_cast<std::int32_t>(code)) {}

    constexpr explicit operator bool() const noexcept { return number_ == 0; }
    constexpr Code code() const noexcept { return static_cast<Code>(number_); }
    constexpr std::int32_t number() const noexcept { return number_; }

    friend constexpr bool operator==(Status a, Status b) noexcept { return a.number_ == b.number_; }
    friend constexpr bool operator!=(Status a, Status b) noexcept { return a.number_ != b.number_; }

private:
    std::int32_t number_ = 0;
};

namespace detail {

/// Calls a function that fills a caller's buffer, with a buffer of the size it needs. The text may grow
/// between two calls, so this repeats until it fits.
template <class Call>
Status read_text(std::string &text, Call call) {
    text.assign(1024, '\0');
    for (;;) {
        std::size_t needed = 0;
        const Status status(call(&text[0], text.size(), &needed));
        if (status != Code::buffer_too_small) {
            const std::size_t length = text.find('\0');
            text.resize(length == std::string::npos ? text.size() : length);
            return status;
        }
        text.assign(needed > text.size() ? needed : text.size() + 1, '\0');
    }
}

inline std::uint32_t milliseconds(std::chrono::milliseconds time) noexcept {
    const auto count = time.count();
    return count <= 0 ? 0U : count >= 0xffffffffLL ? 0xffffffffU : static_cast<std::uint32_t>(count);
}

} // namespace detail

/// This thread's last failure, as a sentence.
inline std::string last_error() {
    std::string text;
    detail::read_text(text, [](char *buf, std::size_t cap, std::size_t *needed) {
        return taskbell_last_error(buf, cap, needed);
    });
    return text;
}

/// A value, or the status and the message of the call that failed.
template <class T>
class Result {
public:
    Result(T value) : value_(std::move(value)) {}
    Result(Status status, std::string message) : status_(status), message_(std::move(message)) {}

    explicit operator bool() const noexcept { return static_cast<bool>(status_); }
    Status status() const noexcept { return status_; }
    const std::string &message() const noexcept { return message_; }

    /// The value; a default one after a failure.
    T &value() noexcept { return value_; }
    const T &value() const noexcept { return value_; }
    T *operator->() noexcept { return &value_; }
    T &operator*() noexcept { return value_; }

private:
    T value_{};
    Status status_;
    std::string message_;
};

namespace detail {

template <class Call>
Result<std::string> text_result(Call call) {
    std::string text;
    const Status status = read_text(text, call);
    if (!status) {
        return {status, last_error()};
    }
    return {std::move(text)};
}

} // namespace detail

/// Takes the line about messages that did not arrive, when an instance without a log function was closed:
/// "3 messages did not arrive: …; see `taskbell list`". Writes to stderr unless another function is assigned;
/// null is silence. Assign it before other threads close anything.
inline void (*&on_missing() noexcept)(const char *) {
    static void (*function)(const char *) = [](const char *line) { std::fprintf(stderr, "taskbell: %s\n", line); };
    return function;
}

namespace detail {

inline void tell_missing() noexcept {
    char line[1024] = "";
    std::size_t needed = 0;
    if (on_missing() != nullptr && taskbell_last_error(line, sizeof line, &needed) == 0 && line[0] != '\0') {
        on_missing()(line);
    }
}

} // namespace detail

/// One instance. Move-only; the destructor closes it within `exit_timeout`.
class Bell {
public:
    /// The longest time the destructor takes.
    static constexpr std::chrono::milliseconds exit_timeout() { return std::chrono::milliseconds(2000); }

    /// No instance: every call returns `Code::closed`.
    Bell() noexcept = default;

    /// Opens an instance from a path to a `.toml` or `.json` file, or from the text itself.
    static Result<Bell> open(const std::string &config) {
        if (taskbell_abi_version() != TASKBELL_ABI_VERSION) {
            return {Status(Code::invalid_argument),
                    "the taskbell library has ABI version " + std::to_string(taskbell_abi_version()) +
                        ", this program needs " + std::to_string(TASKBELL_ABI_VERSION) +
                        ": use a library and headers of the same release"};
        }
        Bell bell;
        const Status status(taskbell_open(config.c_str(), &bell.handle_));
        if (!status) {
            return {status, last_error()};
        }
        return {std::move(bell)};
    }

    Bell(Bell &&other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)), has_log_(std::exchange(other.has_log_, false)) {}
    Bell &operator=(Bell &&other) noexcept {
        if (this != &other) {
            close(exit_timeout());
            handle_ = std::exchange(other.handle_, nullptr);
            has_log_ = std::exchange(other.has_log_, false);
        }
        return *this;
    }
    Bell(const Bell &) = delete;
    Bell &operator=(const Bell &) = delete;
    ~Bell() { close(exit_timeout()); }

    explicit operator bool() const noexcept { return handle_ != nullptr; }

    /// The handle of the C functions; null for no instance.
    taskbell_t *handle() const noexcept { return handle_; }

    /// Refuses new events, delivers what it can within the time, and stops. The rest stays in the spool for
    /// the next start. No other thread may use this object after this call. `Code::timeout`: it is closed, but a
    /// call of the log function has not returned; close it again to wait for that.
    Status close(std::chrono::milliseconds timeout, std::uint64_t *undelivered = nullptr) noexcept {
        if (handle_ == nullptr) {
            return Code::closed;
        }
        const Status status(taskbell_close(handle_, detail::milliseconds(timeout), undelivered));
        if (status.code() != Code::timeout) {
            handle_ = nullptr;
        }
        if (status && !has_log_) {
            detail::tell_missing();
        }
        return status;
    }

    /// Reports one event: a type, and a JSON object of `length` bytes.
    Status emit(const char *type, const char *json, std::size_t length,
                std::uint64_t *ticket = nullptr) noexcept {
        return handle_ ? Status(taskbell_emit(handle_, type, json, length, ticket)) : Status(Code::closed);
    }
    Status emit(const char *type, const std::string &json, std::uint64_t *ticket = nullptr) noexcept {
        return emit(type, json.data(), json.size(), ticket);
    }

    /// Reports a completed task.
    Status task_complete(const std::string &json, std::uint64_t *ticket = nullptr) noexcept {
        return emit("task.complete", json, ticket);
    }
    /// Reports that the queue is empty. Taskbell counts the queue itself, so no numbers are needed.
    Status queue_end(std::uint64_t *ticket = nullptr) noexcept { return emit("queue.end", "{}", 2, ticket); }
    Status queue_end(const std::string &json, std::uint64_t *ticket = nullptr) noexcept {
        return emit("queue.end", json, ticket);
    }

    /// Reports the value of a metric, for `[[alerts]]`.
    Status metric(const char *name, double value) noexcept {
        return handle_ ? Status(taskbell_metric(handle_, name, value)) : Status(Code::closed);
    }
    /// Waits until every delivery of that event has ended.
    Status wait(std::uint64_t ticket, std::chrono::milliseconds timeout) noexcept {
        return handle_ ? Status(taskbell_wait(handle_, ticket, detail::milliseconds(timeout)))
                       : Status(Code::closed);
    }
    /// Waits until all accepted events are on disk.
    Status sync(std::chrono::milliseconds timeout) noexcept {
        return handle_ ? Status(taskbell_sync(handle_, detail::milliseconds(timeout))) : Status(Code::closed);
    }
    /// Waits until all accepted events have been tried once.
    Status flush(std::chrono::milliseconds timeout) noexcept {
        return handle_ ? Status(taskbell_flush(handle_, detail::milliseconds(timeout)))
                       : Status(Code::closed);
    }
    /// Applies a new configuration, as a whole or not at all.
    Status reload(const std::string &config) noexcept {
        return handle_ ? Status(taskbell_reload(handle_, config.c_str())) : Status(Code::closed);
    }
    /// Calls `fn(userdata, level, message)` for each line of the log, on a thread of the library; a null
    /// function stops it. The level is one of TASKBELL_LOG_*. The function must not throw, nor call Taskbell.
    Status set_log(taskbell_log_fn fn, void *userdata) noexcept {
        if (handle_ == nullptr) {
            return Code::closed;
        }
        const Status status(taskbell_set_log(handle_, fn, userdata));
        has_log_ = status && fn != nullptr;
        return status;
    }

    /// The next report of an ended delivery, as JSON; `Code::not_found` when none is available.
    Result<std::string> poll() {
        return text([](taskbell_t *bell, char *buf, std::size_t cap, std::size_t *needed) {
            return taskbell_poll(bell, buf, cap, needed);
        });
    }
    /// The next line of the log, for a host that has no function for it; `Code::not_found` when none waits. The first
    /// call turns the log on. `level` may be null.
    Result<std::string> poll_log(std::int32_t *level = nullptr) {
        return text([level](taskbell_t *bell, char *buf, std::size_t cap, std::size_t *needed) {
            return taskbell_poll_log(bell, level, buf, cap, needed);
        });
    }
    /// Counters and gauges, as JSON.
    Result<std::string> stats() {
        return text([](taskbell_t *bell, char *buf, std::size_t cap, std::size_t *needed) {
            return taskbell_stats(bell, buf, cap, needed);
        });
    }

private:
    template <class Call>
    Result<std::string> text(Call call) {
        taskbell_t *handle = handle_;
        if (handle == nullptr) {
            return {Status(Code::closed), "this bell is closed"};
        }
        return detail::text_result([handle, call](char *buf, std::size_t cap, std::size_t *needed) {
            return call(handle, buf, cap, needed);
        });
    }

    taskbell_t *handle_ = nullptr;
    bool has_log_ = false;
};

/// Whether the loaded library has the ABI of this header.
inline bool abi_matches() noexcept { return taskbell_abi_version() == TASKBELL_ABI_VERSION; }

/// The version of the loaded library; static text.
inline const char *version() noexcept { return taskbell_version(); }

/// Opens the process-wide default instance, which the next functions use.
inline Status init(const char *config) noexcept { return Status(taskbell_init(config)); }
inline Status shutdown(std::chrono::milliseconds timeout) noexcept {
    const Status status(taskbell_shutdown(detail::milliseconds(timeout)));
    if (status) {
        detail::tell_missing();
    }
    return status;
}
/// Reports a completed task; null for a task without details.
inline Status task_complete(const char *json = nullptr) noexcept { return Status(on_task_complete(json)); }
/// Reports that the queue is empty.
inline Status queue_end(const char *json = nullptr) noexcept { return Status(on_queue_end(json)); }

/// Checks a configuration without opening anything: the report as JSON. After `Code::config` the value
/// still holds the report if there is one.
inline Result<std::string> check(const std::string &config) {
    std::string text;
    const Status status =
        detail::read_text(text, [&config](char *buf, std::size_t cap, std::size_t *needed) {
            return taskbell_check(config.c_str(), buf, cap, needed);
        });
    if (status) {
        return {std::move(text)};
    }
    Result<std::string> failed(status, last_error());
    failed.value() = std::move(text);
    return failed;
}

/// The requests that an event would cause, as JSON, with secrets removed; null for a sample event.
inline Result<std::string> preview(const std::string &config, const std::string &type,
                                   const char *json = nullptr) {
    return detail::text_result([&](char *buf, std::size_t cap, std::size_t *needed) {
        return taskbell_preview(config.c_str(), type.c_str(), json, buf, cap, needed);
    });
}

/// For receivers: `Code::ok` when the signature of a received body is valid. A time of 0 means now.
inline Status verify(const char *scheme_json, const char *headers_json, const std::string &body,
                     std::uint64_t now_unix_s = 0) noexcept {
    return Status(taskbell_verify(scheme_json, headers_json, body.data(), body.size(), now_unix_s));
}

} // namespace taskbell

#endif
