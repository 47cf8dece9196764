#define _POSIX_C_SOURCE 200809L
/* 64 threads emit while another closes: each call is taken or refused as closed, and every event
   that was taken is delivered or left in the spool. threads URL SPOOL. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { THREADS = 64 };

static taskbell_t *bell;
static atomic_uint_fast64_t taken;
static atomic_int started;

static void *emit_until_closed(void *unused) {
    (void)unused;
    atomic_fetch_add(&started, 1);
    for (;;) {
        int32_t status = taskbell_emit(bell, "test.event", "{\"n\": 1}", 8, NULL);
        if (status == TASKBELL_OK) {
            atomic_fetch_add(&taken, 1);
        } else if (status == TASKBELL_ERR_CLOSED) {
            return NULL;
        } else {
            CHECK(status == TASKBELL_ERR_QUEUE_FULL);
        }
        /* As many events as 64 hosts' threads make, not as fast as a loop can. */
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    char config[4096];
    write_config(config, sizeof config, argv[1], argv[2]);
    CHECK_OK(taskbell_open(config, &bell));
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; ++at) {
        CHECK(pthread_create(&threads[at], NULL, emit_until_closed, NULL) == 0);
    }
    while (atomic_load(&started) < THREADS || atomic_load(&taken) < THREADS) {
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
    uint64_t undelivered = 0;
    int32_t status = taskbell_close(bell, 20000, &undelivered);
    CHECK(status == TASKBELL_OK || status == TASKBELL_ERR_TIMEOUT);
    for (int at = 0; at < THREADS; ++at) {
        CHECK(pthread_join(threads[at], NULL) == 0);
    }
    printf("taken %" PRIu64 " undelivered %" PRIu64 "\n", (uint64_t)atomic_load(&taken), undelivered);
    return 0;
}
