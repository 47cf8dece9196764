// Renders a queue of two jobs three times, as an executor of Unreal does: well, with a failed job, with a fatal error.

#include "TaskbellRenders.h"

static void Render(const char *config, bool second, const char *fatal) {
    UMoviePipelinePIEExecutor executor;
    TaskbellRenders::Watch(executor, TEXT("trailer"), config, 2);
    UMoviePipelineExecutorJob a{"a"};
    UMoviePipelineExecutorJob b{"b"};
    executor.OnIndividualJobWorkFinished().Broadcast({nullptr, &a, true});
    if (fatal[0] != '\0') {
        executor.OnExecutorErrored().Broadcast(&executor, nullptr, true, FText(fatal));
    } else {
        executor.OnIndividualJobWorkFinished().Broadcast({nullptr, &b, second});
    }
    executor.OnExecutorFinished().Broadcast(&executor, second && fatal[0] == '\0');
}

int main(int, char **arguments) {
    Render(arguments[1], true, "");
    Render(arguments[1], false, "");
    Render(arguments[1], false, "no disk");
    // As the module's ShutdownModule does.
    taskbell_shutdown(5000);
    return 0;
}
