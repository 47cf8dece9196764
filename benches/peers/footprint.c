/* What the library costs a host: footprint [CONFIG]. Prints the microseconds from the start of opening to the first
 * accepted event, 0 without a configuration, and then idles until a line comes. */
#include <stdio.h>
#include <time.h>

#include "taskbell.h"

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
    char line[16];
    taskbell_t *bell = NULL;
    double start = now(), took = 0;
    if (argc == 2) {
        if (taskbell_open(argv[1], &bell) != 0) return 1;
        if (taskbell_emit(bell, "test.event", "{}", 2, NULL) != 0) return 2;
        took = now() - start;
        if (taskbell_flush(bell, 60000) != 0) return 3;
    }
    printf("%.0f\n", took);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) return 4;
    return bell == NULL ? 0 : taskbell_close(bell, 60000, NULL);
}
