// The scenario in C++17: reads a call per line, fields separated by tabs, and answers in one line.
#include "taskbell_cpp17.hpp"

#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using Field = std::optional<std::string>;
using Fields = std::vector<Field>;
using std::chrono::milliseconds;
using taskbell::checked;

namespace {

struct Open {
    taskbell::Bell bell;
    std::unique_ptr<taskbell::Log> log;
};

std::map<std::string, Open> bells;
std::string logged;
std::mutex logging;

Field unescaped(const std::string &field) {
    if (field == "\\N") {
        return std::nullopt;
    }
    std::string text;
    for (std::size_t at = 0; at < field.size(); at++) {
        char sign = field[at];
        if (sign == '\\') {
            sign = field[++at];
            sign = sign == 't' ? '\t' : sign == 'n' ? '\n' : sign == 'r' ? '\r' : sign;
        }
        text += sign;
    }
    return text;
}

std::string escaped(const std::string &text) {
    std::string out;
    for (const char sign : text) {
        const char *name = sign == '\\' ? "\\\\" : sign == '\t' ? "\\t" : sign == '\n' ? "\\n" : sign == '\r' ? "\\r" : nullptr;
        out += name != nullptr ? std::string(name) : std::string(1, sign);
    }
    return out;
}

milliseconds ms(const Field &field) { return milliseconds(std::stoul(*field)); }
const char *c_text(const Field &field) { return field ? field->c_str() : nullptr; }
std::string word(bool value) { return value ? "true" : "false"; }

std::string in_time(taskbell::Status status) {
    if (status != taskbell::Code::timeout) {
        checked(status);
    }
    return word(static_cast<bool>(status));
}

std::string set_log(const Fields &field, bool throws) {
    logged.clear();
    Open &open = bells.at(*field[1]);
    open.log = std::make_unique<taskbell::Log>(open.bell, [throws](int level, std::string_view line) {
        const std::lock_guard<std::mutex> guard(logging);
        logged += std::to_string(level) + " " + std::string(line) + "\n";
        if (throws) {
            throw std::runtime_error("a log function that fails");
        }
    });
    checked(open.log->status());
    return "";
}

// What a child of fork gets from a call.
std::string in_child(taskbell::Bell &bell) {
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        _exit(bell.emit("test.event", "{}", 2).number());
    }
    waitpid(child, &status, 0);
    return std::to_string(WEXITSTATUS(status));
}

std::string close(const Fields &field) {
    std::uint64_t left = 0;
    checked(bells.at(*field[1]).bell.close(ms(field[2]), &left));
    return std::to_string(left);
}

std::string poll(taskbell::Bell &bell) {
    auto report = bell.poll();
    return report.status() == taskbell::Code::not_found ? "none" : checked(std::move(report));
}

std::string check(const Fields &field) {
    auto report = taskbell::check(*field[1]);
    return report.status() == taskbell::Code::config ? report.value() : checked(std::move(report));
}

std::string verify(const Fields &field) {
    const auto status = taskbell::verify(field[1]->c_str(), field[2]->c_str(), *field[3], std::stoull(*field[4]));
    if (status != taskbell::Code::signature) {
        checked(status);
    }
    return word(static_cast<bool>(status));
}

std::string wait(const Fields &field) {
    taskbell::Delivery delivery(bells.at(*field[1]).bell, std::stoull(*field[2]));
    const bool ready = delivery.wait_for(ms(field[3])) == std::future_status::ready;
    if (ready) {
        checked(delivery.status());
    }
    return word(ready);
}

taskbell::Bell &bell_of(const Fields &field) { return bells.at(*field[1]).bell; }

std::string quiet(taskbell::Status status) {
    checked(status);
    return "";
}

const std::map<std::string, std::function<std::string(const Fields &)>> calls = {
    {"version", [](const Fields &) { return std::string(taskbell::version()); }},
    {"abi", [](const Fields &) { return std::to_string(taskbell_abi_version()); }},
    {"init", [](const Fields &field) { return quiet(taskbell::init(c_text(field[1]))); }},
    {"shutdown", [](const Fields &field) { return quiet(taskbell::shutdown(ms(field[1]))); }},
    {"task", [](const Fields &field) { return quiet(taskbell::task_complete(c_text(field[1]))); }},
    {"queue", [](const Fields &field) { return quiet(taskbell::queue_end(c_text(field[1]))); }},
    {"open",
     [](const Fields &field) {
         bells[*field[1]] = Open{checked(taskbell::Bell::open(*field[2])), nullptr};
         return std::string();
     }},
    {"close", close},
    {"reload", [](const Fields &field) { return quiet(bell_of(field).reload(*field[2])); }},
    {"emit",
     [](const Fields &field) {
         return std::to_string(checked(taskbell::send(bell_of(field), field[2]->c_str(), *field[3])).ticket());
     }},
    {"metric", [](const Fields &field) { return quiet(bell_of(field).metric(c_text(field[2]), std::stod(*field[3]))); }},
    {"wait", wait},
    {"sync", [](const Fields &field) { return in_time(bell_of(field).sync(ms(field[2]))); }},
    {"flush", [](const Fields &field) { return in_time(bell_of(field).flush(ms(field[2]))); }},
    {"poll", [](const Fields &field) { return poll(bell_of(field)); }},
    {"stats", [](const Fields &field) { return checked(bell_of(field).stats()); }},
    {"log", [](const Fields &field) { return set_log(field, false); }},
    {"throw", [](const Fields &field) { return set_log(field, true); }},
    {"logged",
     [](const Fields &) {
         const std::lock_guard<std::mutex> guard(logging);
         return logged;
     }},
    {"check", check},
    {"preview",
     [](const Fields &field) { return checked(taskbell::preview(*field[1], *field[2], c_text(field[3]))); }},
    {"verify", verify},
    {"fork", [](const Fields &field) { return in_child(bell_of(field)); }},
};

std::string answered(const std::string &line) {
    Fields field;
    for (std::size_t start = 0, end = 0; end != std::string::npos; start = end + 1) {
        end = line.find('\t', start);
        field.push_back(unescaped(line.substr(start, end == std::string::npos ? end : end - start)));
    }
    try {
        return "ok\t" + escaped(calls.at(*field[0])(field));
    } catch (const taskbell::Error &fault) {
        return "error\t" + std::to_string(static_cast<int>(fault.code())) + "\t" + escaped(fault.what());
    } catch (const std::exception &fault) {
        return "error\texception\t" + escaped(fault.what());
    }
}

} // namespace

int main() {
    std::cout << "ready\t" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        std::cout << answered(line) << std::endl;
    }
    return 0;
}
