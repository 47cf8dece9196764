// Reports frames and the end of the queue: render CONFIG
//
//     c++ -std=c++17 render.cpp -I include -I bindings/cpp -ltaskbell
#include "taskbell_cpp17.hpp"

#include <iostream>

int main(int count, char **arguments) {
    try {
        taskbell::Bell bell = taskbell::checked(taskbell::Bell::open(count > 1 ? arguments[1] : "taskbell.toml"));
        taskbell::Log log(bell, [](int level, std::string_view line) { std::cout << level << ' ' << line << '\n'; });
        for (int frame = 1; frame <= 3; frame++) {
            taskbell::checked(bell.task_complete("{\"name\": \"frame " + std::to_string(frame) + "\"}"));
        }
        taskbell::Delivery end = taskbell::checked(taskbell::send(bell, "queue.end", "{}"));
        const bool ready = end.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
        std::uint64_t left = 0;
        taskbell::checked(bell.close(std::chrono::seconds(5), &left));
        std::cout << (ready ? "everybody knows" : "still waiting") << ", " << left << " left for the next start\n";
        return 0;
    } catch (const taskbell::Error &fault) {
        std::cerr << fault.what() << '\n';
        return 1;
    }
}
