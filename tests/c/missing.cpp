// What a host hears at its end: missing CONFIG (stderr|silent|own|log) (close|destroy|shutdown).
#include "taskbell.hpp"

#include <cstdio>
#include <cstring>

static void own(const char *line) { std::printf("own %s\n", line); }

static void log_line(void *, std::int32_t, const char *line) { std::printf("log %s\n", line); }

int main(int argc, char **argv) {
    if (argc != 4) {
        return 2;
    }
    const std::chrono::milliseconds patience(20000);
    const bool is_default = std::strcmp(argv[3], "shutdown") == 0;
    if (std::strcmp(argv[2], "silent") == 0) {
        taskbell::on_missing() = nullptr;
    } else if (std::strcmp(argv[2], "own") == 0) {
        taskbell::on_missing() = own;
    }
    if (is_default) {
        if (!taskbell::init(argv[1]) || !taskbell::task_complete() || taskbell_flush(nullptr, 20000) != 0) {
            return 3;
        }
        return taskbell::shutdown(patience) ? 0 : 4;
    }
    auto opened = taskbell::Bell::open(argv[1]);
    taskbell::Bell bell = std::move(*opened);
    if (std::strcmp(argv[2], "log") == 0 && !bell.set_log(log_line, nullptr)) {
        return 5;
    }
    if (!bell.task_complete("{}") || !bell.flush(patience)) {
        return 6;
    }
    if (std::strcmp(argv[3], "destroy") == 0) {
        return 0;
    }
    return bell.close(patience) ? 0 : 7;
}
