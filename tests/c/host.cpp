// A C++ host over taskbell.hpp: host URL SPOOL. Compiled without exceptions.
#include "taskbell.hpp"
#include "taskbell.hpp"

#include <cstdio>
#include <cstdlib>
#include <type_traits>

static_assert(!std::is_copy_constructible<taskbell::Bell>::value, "a bell is move-only");
static_assert(std::is_nothrow_move_constructible<taskbell::Bell>::value, "a bell moves without a throw");
static_assert(noexcept(std::declval<taskbell::Bell &>().emit("", "", 0)), "emit is noexcept");

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            std::fprintf(stderr, "%s:%d: not so: %s (last error: %s)\n", __FILE__, __LINE__,   \
                         #condition, taskbell::last_error().c_str());                          \
            std::exit(1);                                                                      \
        }                                                                                      \
    } while (0)

using std::chrono::milliseconds;

int main(int argc, char **argv) {
    CHECK(argc == 3);
    CHECK(taskbell::abi_matches());
    const std::string config = std::string("{\"spool\": {\"path\": \"") + argv[2] +
                               "\"}, \"endpoints\": {\"main\": {\"platform\": \"json\", \"url\": \"" + argv[1] +
                               "\"}}, \"hooks\": [{\"on\": [\"task.complete\"], \"to\": [\"main\"]}]}";

    const auto broken = taskbell::Bell::open("{\"endpoint\": 1}");
    CHECK(!broken && broken.status().code() == taskbell::Code::config && !broken.message().empty());

    CHECK(taskbell::check(config));
    CHECK(taskbell::preview(config, "task.complete", "{}"));

    auto opened = taskbell::Bell::open(config);
    CHECK(opened);
    taskbell::Bell bell = std::move(*opened);
    CHECK(!opened.value() && opened->emit("test.event", "{}") == taskbell::Code::closed);

    std::uint64_t ticket = 0;
    CHECK(bell.task_complete("{\"name\": \"from C++\"}", &ticket));
    CHECK(bell.emit("Bad Type", "{}") == taskbell::Code::invalid_argument);
    CHECK(bell.metric("disk.free_gb", 3.5));
    CHECK(bell.sync(milliseconds(20000)));
    CHECK(bell.wait(ticket, milliseconds(20000)));
    CHECK(bell.flush(milliseconds(20000)));
    CHECK(bell.poll().value().find("delivered") != std::string::npos);
    CHECK(bell.poll().status() == taskbell::Code::not_found);
    CHECK(bell.stats().value().find("\"delivered\"") != std::string::npos);
    std::int32_t level = 0;
    CHECK(bell.poll_log(&level) && level == TASKBELL_LOG_INFO);
    CHECK(bell.reload(config));

    std::uint64_t undelivered = 9;
    CHECK(bell.close(milliseconds(20000), &undelivered));
    CHECK(undelivered == 0);
    CHECK(bell.close(milliseconds(1)) == taskbell::Code::closed);

    CHECK(taskbell::init(config.c_str()));
    CHECK(taskbell::task_complete());
    CHECK(taskbell::queue_end());
    CHECK(taskbell::shutdown(milliseconds(20000)));
    std::puts("ok");
    return 0;
}
