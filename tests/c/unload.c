/* Load, use, unload, and live on: unload LIBRARY CONFIG OPEN, where OPEN is 1 to unload with an
   instance still open. Twice, since a host may load a plug-in again. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct taskbell_t taskbell_t;
typedef int32_t (*open_fn)(const char *, taskbell_t **);
typedef int32_t (*emit_fn)(taskbell_t *, const char *, const char *, size_t, uint64_t *);
typedef int32_t (*close_fn)(taskbell_t *, uint32_t, uint64_t *);

static void *symbol(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "no %s: %s\n", name, dlerror());
        exit(1);
    }
    return found;
}

static void expect(int32_t status, const char *call) {
    if (status != 0) {
        fprintf(stderr, "%s returned %d\n", call, (int)status);
        exit(1);
    }
}

static void once(const char *path, const char *config, int leave_open) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    open_fn open_bell;
    emit_fn emit;
    close_fn close_bell;
    /* ISO C has no cast from a data pointer to a function; POSIX promises that the bytes agree. */
    void *found = symbol(library, "taskbell_open");
    memcpy(&open_bell, &found, sizeof found);
    found = symbol(library, "taskbell_emit");
    memcpy(&emit, &found, sizeof found);
    found = symbol(library, "taskbell_close");
    memcpy(&close_bell, &found, sizeof found);

    taskbell_t *bell = NULL;
    expect(open_bell(config, &bell), "taskbell_open");
    expect(emit(bell, "test.event", "{}", 2, NULL), "taskbell_emit");
    if (!leave_open) {
        expect(close_bell(bell, 10000, NULL), "taskbell_close");
    }
    if (dlclose(library) != 0) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        return 2;
    }
    int leave_open = strcmp(argv[3], "1") == 0;
    once(argv[1], argv[2], leave_open);
    /* Threads of an unloaded library would fall off the map within this time. */
    struct timespec moment = {0, 300000000};
    nanosleep(&moment, NULL);
    if (!leave_open) {
        once(argv[1], argv[2], 0);
    }
    puts("alive");
    return 0;
}
