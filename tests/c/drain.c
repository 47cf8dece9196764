/* Opens a spool, delivers what an earlier process has left in it, and closes: drain CONFIG. */
#include "check.h"

int main(int argc, char **argv) {
    CHECK(argc == 2);
    taskbell_t *bell = NULL;
    CHECK_OK(taskbell_open(argv[1], &bell));
    CHECK_OK(taskbell_emit(bell, "queue.end", "{}", 2, NULL));
    CHECK_OK(taskbell_flush(bell, 120000));
    uint64_t undelivered = 9;
    CHECK_OK(taskbell_close(bell, 120000, &undelivered));
    CHECK(undelivered == 0);
    puts("drained");
    return 0;
}
