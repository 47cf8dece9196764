#define _POSIX_C_SOURCE 200809L
/* A host that is to be killed: threads emit events at full speed, and write down the number of each one
   once the call has returned TASKBELL_OK, and not before. crash_host CONFIG LOG RUN THREADS.

   Thread T of run R writes the numbers R << 40 | T << 32 | N to LOG.T as 8 bytes of the machine's order.
   Every 16th event is a task, which is delivered; the others only go into the spool. */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#ifdef _WIN32
#include <windows.h>
#define pause() Sleep(INFINITE)
#else
#define O_BINARY 0
#endif

enum { THREADS = 16, PADDING = 200 };

static taskbell_t *bell;
static uint64_t run;

struct emitter {
    uint64_t number;
    int log;
};

static void *emit_until_killed(void *argument) {
    struct emitter *emitter = argument;
    char padding[PADDING + 1];
    memset(padding, 'x', PADDING);
    padding[PADDING] = 0;
    for (uint64_t count = 0;; ++count) {
        uint64_t number = emitter->number + count;
        char json[PADDING + 64];
        int length = snprintf(json, sizeof json, "{\"id\": \"%" PRIu64 "\", \"name\": \"%.*s\"}", number,
                              (int)(count * 7 % PADDING), padding);
        CHECK(length > 0 && (size_t)length < sizeof json);
        const char *type = count % 16 == 0 ? "task.complete" : "test.quiet";
        for (;;) {
            int32_t status = taskbell_emit(bell, type, json, (size_t)length, NULL);
            if (status == TASKBELL_OK) {
                break;
            }
            CHECK(status == TASKBELL_ERR_QUEUE_FULL);
            sched_yield();
        }
        CHECK(write(emitter->log, &number, sizeof number) == (ssize_t)sizeof number);
    }
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 5);
    run = strtoull(argv[3], NULL, 10);
    int threads = atoi(argv[4]);
    CHECK(threads > 0 && threads <= THREADS);
    CHECK_OK(taskbell_open(argv[1], &bell));
    CHECK(write(STDOUT_FILENO, "open\n", 5) == 5);
    static struct emitter emitters[THREADS];
    pthread_t thread;
    for (int at = 0; at < threads; ++at) {
        char name[4096];
        CHECK(snprintf(name, sizeof name, "%s.%d", argv[2], at) < (int)sizeof name);
        emitters[at].number = run << 40 | (uint64_t)at << 32;
        emitters[at].log = open(name, O_WRONLY | O_CREAT | O_APPEND | O_BINARY, 0600);
        CHECK(emitters[at].log >= 0);
        CHECK(pthread_create(&thread, NULL, emit_until_killed, &emitters[at]) == 0);
    }
    for (;;) {
        pause();
    }
}
