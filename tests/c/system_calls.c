/* Counts the system calls of a thread that reports tasks while events flow. Arguments: a URL and a spool, or a
   configuration. Says how many calls were made, how many of them were refused, and how many system calls they took.

   A filter turns each system call of this thread into a signal, whose handler counts. A write goes through, because one
   may have to wake the dispatcher; the system counts those. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 20000, WARM = 2000 };

static const char task[] = "{\"id\":\"a81bc81b\",\"status\":\"success\",\"duration_s\":12.25,\"user\":\"ada\"}";

static volatile sig_atomic_t trapped;
static atomic_int stage;
static int refused;
static long thread_id;

static void count(int number) {
    (void)number;
    trapped = trapped + 1;
}

/* The writes of a thread so far; proc(5), `syscw`. */
static long writes(void) {
    char path[64], line[128];
    long found = -1;
    FILE *file;
    snprintf(path, sizeof path, "/proc/self/task/%ld/io", thread_id);
    file = fopen(path, "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "syscw: %ld", &found);
    }
    fclose(file);
    return found;
}

static void await_stage(int wanted) {
    while (atomic_load(&stage) != wanted) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

/* Not as fast as it can, so that events flow and the ring has room. */
static void report(int calls) {
    int turn;
    struct timespec start, now;
    for (turn = 0; turn < calls; turn++) {
        clock_gettime(CLOCK_MONOTONIC, &start);
        refused += on_task_complete(task) != TASKBELL_OK;
        do {
            clock_gettime(CLOCK_MONOTONIC, &now);
        } while ((now.tv_sec - start.tv_sec) * 1000000000L + now.tv_nsec - start.tv_nsec < 10000);
    }
}

static void *host(void *unused) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_write, 3, 0),
        /* Where the system has no clock in the memory of processes. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clock_gettime, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_rt_sigreturn, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof rules / sizeof *rules, rules};
    thread_id = syscall(SYS_gettid);
    report(WARM);
    atomic_store(&stage, 1);
    while (atomic_load(&stage) != 2) {
    }
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
    refused = 0;
    report(CALLS);
    atomic_store(&stage, 3);
    /* Nothing can end this thread any more but the end of the process. */
    for (;;) {
    }
    return unused;
}

int main(int argc, char **argv) {
    static char config[4096];
    struct sigaction action;
    pthread_t thread;
    long before;
    CHECK(argc == 2 || argc == 3);
    if (argc == 2) {
        snprintf(config, sizeof config, "%s", argv[1]);
    } else {
        snprintf(config, sizeof config,
                 /* Room for all: a refusal may allocate its reason. */
                 "{\"spool\":{\"path\":\"%s\"},\"queue\":{\"max_bytes\":\"16MiB\"},\"endpoints\":{\"e0\":{\"url\":\"%s\"}},"
                 "\"hooks\":[{\"on\":[\"task.complete\"],\"to\":[\"e0\"],\"only_failures\":true}]}",
                 argv[2], argv[1]);
    }
    CHECK_OK(taskbell_init(config));
    memset(&action, 0, sizeof action);
    action.sa_handler = count;
    CHECK(sigaction(SIGSYS, &action, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, host, NULL) == 0);
    await_stage(1);
    before = writes();
    atomic_store(&stage, 2);
    await_stage(3);
    printf("calls %d refused %d system calls %ld\n", CALLS, refused, (long)trapped + writes() - before);
    CHECK_OK(taskbell_shutdown(argc == 2 ? 100 : 20000));
    fflush(stdout);
    _exit(0);
}
