// Taskbell for C++17: exceptions, waiting in the manner of std::future, a log that is any callable, and the default
// bell as an object. Over taskbell.hpp, which it includes.
//
//     taskbell::Bell bell = taskbell::checked(taskbell::Bell::open("taskbell.toml"));
//     taskbell::Log log(bell, [](int level, std::string_view line) { my_log(level, line); });
//     taskbell::Delivery sent = taskbell::checked(taskbell::send(bell, "task.complete", R"({"name": "frame 12"})"));
//     if (sent.wait_for(std::chrono::seconds(20)) == std::future_status::timeout) { … }
#ifndef TASKBELL_CPP17_HPP
#define TASKBELL_CPP17_HPP

#include "taskbell.hpp"

#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace taskbell {

#if defined(__cpp_exceptions)

/// A call that failed: `what` is the library's sentence.
class Error : public std::runtime_error {
public:
    Error(Status status, const std::string &message) : std::runtime_error(message), status_(status) {}
    Code code() const noexcept { return status_.code(); }

private:
    Status status_;
};

/// The value of a result, or its failure as an exception.
template <class T>
T checked(Result<T> result) {
    if (!result) {
        throw Error(result.status(), result.message());
    }
    return std::move(result.value());
}

/// Throws unless the call succeeded. Call it on the thread of that call: it reads the library's sentence.
inline void checked(Status status) {
    if (!status) {
        throw Error(status, status == Code::closed ? "this bell is closed" : last_error());
    }
}

#endif

/// What becomes of one event: ready when every delivery of it has ended. It may outlive its bell.
class Delivery {
public:
    /// No event.
    Delivery() noexcept = default;
    Delivery(const Bell &bell, std::uint64_t ticket) noexcept : bell_(bell.handle()), ticket_(ticket) {}

    bool valid() const noexcept { return bell_ != nullptr; }
    std::uint64_t ticket() const noexcept { return ticket_; }

    /// `ready`, or `timeout`. `ready` as well when the bell is closed, since nothing changes any more; `status` has that.
    template <class Rep, class Period>
    std::future_status wait_for(std::chrono::duration<Rep, Period> time) noexcept {
        const auto whole = std::chrono::ceil<std::chrono::milliseconds>(time);
        status_ = valid() ? Status(taskbell_wait(bell_, ticket_, detail::milliseconds(whole))) : Status(Code::closed);
        return status_ == Code::timeout ? std::future_status::timeout : std::future_status::ready;
    }
    template <class Clock, class Duration>
    std::future_status wait_until(std::chrono::time_point<Clock, Duration> time) noexcept {
        return wait_for(time - Clock::now());
    }
    /// Waits until every delivery has ended, or the bell is closed.
    void wait() noexcept {
        while (wait_for(std::chrono::hours(1)) == std::future_status::timeout) {
        }
    }
    /// What the last wait returned.
    Status status() const noexcept { return status_; }

private:
    taskbell_t *bell_ = nullptr;
    std::uint64_t ticket_ = 0;
    Status status_;
};

/// Reports an event, and gives what becomes of it.
inline Result<Delivery> send(Bell &bell, const char *type, const std::string &json) {
    std::uint64_t ticket = 0;
    const Status status = bell.emit(type, json, &ticket);
    if (!status) {
        return {status, status == Code::closed ? "this bell is closed" : last_error()};
    }
    return {Delivery(bell, ticket)};
}

/// Takes each line of a bell's log until it is destroyed. The function runs on a thread of the library; an exception
/// of it ends there. It must not call Taskbell. Destroy it after the bell is closed to get the last line as well.
class Log {
public:
    using Function = std::function<void(int level, std::string_view line)>;

    Log(Bell &bell, Function function)
        : bell_(bell.handle()), function_(std::make_unique<Function>(std::move(function))),
          status_(bell.set_log(&Log::write, function_.get())) {}
    Log(const Log &) = delete;
    Log &operator=(const Log &) = delete;
    ~Log() {
        // One that still runs keeps what it uses. Without a bell there is nothing to remove, least of all the default one's.
        if (bell_ != nullptr && taskbell_set_log(bell_, nullptr, nullptr) == TASKBELL_ERR_TIMEOUT) {
            static_cast<void>(function_.release());
        }
    }

    /// Whether the function was set.
    Status status() const noexcept { return status_; }

private:
    static void write(void *userdata, std::int32_t level, const char *message) {
#if defined(__cpp_exceptions)
        try {
            (*static_cast<Function *>(userdata))(level, message);
        } catch (...) {
            // Nothing may be thrown into the library's thread.
        }
#else
        (*static_cast<Function *>(userdata))(level, message);
#endif
    }

    taskbell_t *bell_;
    std::unique_ptr<Function> function_;
    Status status_;
};

/// The process-wide default bell for as long as this object lives: make it in `main`.
class DefaultBell {
public:
    explicit DefaultBell(const std::string &config) : status_(init(config.c_str())) {}
    DefaultBell(const DefaultBell &) = delete;
    DefaultBell &operator=(const DefaultBell &) = delete;
    ~DefaultBell() {
        if (status_) {
            shutdown(Bell::exit_timeout());
        }
    }

    /// Whether it was opened.
    Status status() const noexcept { return status_; }

private:
    Status status_;
};

} // namespace taskbell

#endif
