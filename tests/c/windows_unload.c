/* Load the DLL, use it, unload it, and live on, twice: windows_unload DLL CONFIG, as unload.c does on Unix. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

typedef struct taskbell_t taskbell_t;
typedef int32_t (*open_fn)(const char *, taskbell_t **);
typedef int32_t (*emit_fn)(taskbell_t *, const char *, const char *, size_t, uint64_t *);
typedef int32_t (*close_fn)(taskbell_t *, uint32_t, uint64_t *);

static void *symbol(HMODULE library, const char *name) {
    FARPROC found = GetProcAddress(library, name);
    void *address;
    memcpy(&address, &found, sizeof address);
    if (address == NULL) {
        fprintf(stderr, "no %s\n", name);
        exit(1);
    }
    return address;
}

static void expect(int32_t status, const char *call) {
    if (status != 0) {
        fprintf(stderr, "%s returned %d\n", call, (int)status);
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        return 2;
    }
    for (int round = 0; round < 2; ++round) {
        HMODULE library = LoadLibraryA(argv[1]);
        if (library == NULL) {
            fprintf(stderr, "%s: error %lu\n", argv[1], GetLastError());
            return 1;
        }
        taskbell_t *bell = NULL;
        expect(((open_fn)symbol(library, "taskbell_open"))(argv[2], &bell), "taskbell_open");
        expect(((emit_fn)symbol(library, "taskbell_emit"))(bell, "test.event", "{}", 2, NULL), "taskbell_emit");
        expect(((close_fn)symbol(library, "taskbell_close"))(bell, 10000, NULL), "taskbell_close");
        if (!FreeLibrary(library)) {
            fprintf(stderr, "FreeLibrary: error %lu\n", GetLastError());
            return 1;
        }
    }
    /* Threads of an unloaded library would fall off the map within this time. */
    Sleep(300);
    puts("alive");
    return 0;
}
