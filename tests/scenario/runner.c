/* The scenario in C: reads a call per line, fields separated by tabs, and answers in one line. */
#include "taskbell.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIELDS = 8, BELLS = 8, LINE = 1 << 20 };

static struct {
    char name[32];
    taskbell_t *bell;
} bells[BELLS];

static char logged[1 << 16];
static pthread_mutex_t logging = PTHREAD_MUTEX_INITIALIZER;

/* Turns the escapes of a field back, in place; a field of "\N" is NULL. */
static char *unescaped(char *field) {
    char *out = field;
    if (strcmp(field, "\\N") == 0) {
        return NULL;
    }
    for (const char *in = field; *in != '\0'; in++) {
        if (*in != '\\') {
            *out++ = *in;
            continue;
        }
        in++;
        *out++ = *in == 't' ? '\t' : *in == 'n' ? '\n' : *in == 'r' ? '\r' : *in;
    }
    *out = '\0';
    return field;
}

static void answer(const char *kind, const char *code, const char *text) {
    printf("%s\t%s%s", kind, code, *code != '\0' ? "\t" : "");
    for (; *text != '\0'; text++) {
        const char *escaped = *text == '\\' ? "\\\\" : *text == '\t' ? "\\t" : *text == '\n' ? "\\n" : *text == '\r' ? "\\r" : NULL;
        if (escaped != NULL) {
            fputs(escaped, stdout);
        } else {
            putchar(*text);
        }
    }
    putchar('\n');
    fflush(stdout);
}

static char *text_of(int32_t (*call)(char *, size_t, size_t *, void *), void *with, int32_t *status) {
    size_t cap = 64, needed = 0;
    char *text = NULL;
    do {
        cap = needed > cap ? needed : cap * 2;
        text = realloc(text, cap);
        text[0] = '\0';
        *status = call(text, cap, &needed, with);
    } while (*status == TASKBELL_ERR_BUFFER_TOO_SMALL);
    return text;
}

static int32_t read_error(char *buf, size_t cap, size_t *needed, void *with) {
    (void)with;
    return taskbell_last_error(buf, cap, needed);
}

/* Answers with the value, or with the sentence of a failure. */
static void done(int32_t status, const char *value) {
    if (status == TASKBELL_OK) {
        answer("ok", "", value);
        return;
    }
    int32_t ignored = 0;
    char number[16];
    char *words = text_of(read_error, NULL, &ignored);
    snprintf(number, sizeof number, "%" PRId32, status);
    answer("error", number, words);
    free(words);
}

static void waited(int32_t status) {
    done(status == TASKBELL_ERR_TIMEOUT ? TASKBELL_OK : status, status == TASKBELL_OK ? "true" : "false");
}

static taskbell_t **bell_of(const char *name) {
    for (int index = 0; index < BELLS; index++) {
        if (bells[index].name[0] == '\0' || strcmp(bells[index].name, name) == 0) {
            snprintf(bells[index].name, sizeof bells[index].name, "%s", name);
            return &bells[index].bell;
        }
    }
    abort();
}

static void on_log(void *userdata, int32_t level, const char *message) {
    (void)userdata;
    pthread_mutex_lock(&logging);
    size_t used = strlen(logged);
    snprintf(logged + used, sizeof logged - used, "%" PRId32 " %s\n", level, message);
    pthread_mutex_unlock(&logging);
}

static int32_t poll_bell(char *buf, size_t cap, size_t *needed, void *with) {
    return taskbell_poll(with, buf, cap, needed);
}

static int32_t stats_of(char *buf, size_t cap, size_t *needed, void *with) {
    return taskbell_stats(with, buf, cap, needed);
}

static int32_t check(char *buf, size_t cap, size_t *needed, void *with) {
    return taskbell_check(((char **)with)[1], buf, cap, needed);
}

static int32_t preview(char *buf, size_t cap, size_t *needed, void *with) {
    char **field = with;
    return taskbell_preview(field[1], field[2], field[3], buf, cap, needed);
}

/* What a child of fork gets from a call. */
static int in_child(taskbell_t *bell) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(taskbell_emit(bell, "test.event", "{}", 2, NULL));
    }
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

static void with_bell(char **field) {
    const char *call = field[0];
    taskbell_t **bell = bell_of(field[1]);
    char text[32] = "";
    int32_t status = TASKBELL_OK;
    if (strcmp(call, "open") == 0) {
        done(taskbell_open(field[2], bell), "");
    } else if (strcmp(call, "close") == 0) {
        uint64_t left = 0;
        status = taskbell_close(*bell, (uint32_t)strtoul(field[2], NULL, 10), &left);
        snprintf(text, sizeof text, "%" PRIu64, left);
        done(status, text);
    } else if (strcmp(call, "reload") == 0) {
        done(taskbell_reload(*bell, field[2]), "");
    } else if (strcmp(call, "emit") == 0) {
        uint64_t ticket = 0;
        status = taskbell_emit(*bell, field[2], field[3], strlen(field[3]), &ticket);
        snprintf(text, sizeof text, "%" PRIu64, ticket);
        done(status, text);
    } else if (strcmp(call, "metric") == 0) {
        done(taskbell_metric(*bell, field[2], strtod(field[3], NULL)), "");
    } else if (strcmp(call, "wait") == 0) {
        waited(taskbell_wait(*bell, strtoull(field[2], NULL, 10), (uint32_t)strtoul(field[3], NULL, 10)));
    } else if (strcmp(call, "sync") == 0) {
        waited(taskbell_sync(*bell, (uint32_t)strtoul(field[2], NULL, 10)));
    } else if (strcmp(call, "flush") == 0) {
        waited(taskbell_flush(*bell, (uint32_t)strtoul(field[2], NULL, 10)));
    } else if (strcmp(call, "poll") == 0 || strcmp(call, "stats") == 0) {
        char *found = text_of(strcmp(call, "poll") == 0 ? poll_bell : stats_of, *bell, &status);
        int none = status == TASKBELL_ERR_NOT_FOUND;
        done(none ? TASKBELL_OK : status, none ? "none" : found);
        free(found);
    } else if (strcmp(call, "log") == 0) {
        logged[0] = '\0';
        done(taskbell_set_log(*bell, on_log, NULL), "");
    } else if (strcmp(call, "fork") == 0) {
        snprintf(text, sizeof text, "%d", in_child(*bell));
        done(TASKBELL_OK, text);
    } else {
        answer("error", "call", "no such call");
    }
}

static void without_bell(char **field) {
    const char *call = field[0];
    char text[32] = "";
    int32_t status = TASKBELL_OK;
    if (strcmp(call, "version") == 0) {
        done(TASKBELL_OK, taskbell_version());
    } else if (strcmp(call, "abi") == 0) {
        snprintf(text, sizeof text, "%" PRIu32, taskbell_abi_version());
        done(TASKBELL_OK, text);
    } else if (strcmp(call, "init") == 0) {
        done(taskbell_init(field[1]), "");
    } else if (strcmp(call, "shutdown") == 0) {
        done(taskbell_shutdown((uint32_t)strtoul(field[1], NULL, 10)), "");
    } else if (strcmp(call, "task") == 0) {
        done(on_task_complete(field[1]), "");
    } else if (strcmp(call, "queue") == 0) {
        done(on_queue_end(field[1]), "");
    } else if (strcmp(call, "logged") == 0) {
        pthread_mutex_lock(&logging);
        done(TASKBELL_OK, logged);
        pthread_mutex_unlock(&logging);
    } else if (strcmp(call, "check") == 0 || strcmp(call, "preview") == 0) {
        char *report = text_of(strcmp(call, "check") == 0 ? check : preview, field, &status);
        int has_report = status == TASKBELL_ERR_CONFIG && report[0] != '\0';
        done(has_report ? TASKBELL_OK : status, report);
        free(report);
    } else if (strcmp(call, "verify") == 0) {
        status = taskbell_verify(field[1], field[2], field[3], strlen(field[3]), strtoull(field[4], NULL, 10));
        int differs = status == TASKBELL_ERR_SIGNATURE;
        done(differs ? TASKBELL_OK : status, differs ? "false" : "true");
    } else {
        with_bell(field);
    }
}

int main(void) {
    char *line = malloc(LINE);
    answer("ready", "", "");
    while (fgets(line, LINE, stdin) != NULL) {
        char *field[FIELDS] = {0};
        int count = 0;
        line[strcspn(line, "\n")] = '\0';
        for (char *rest = line; rest != NULL && count < FIELDS;) {
            char *end = strchr(rest, '\t');
            if (end != NULL) {
                *end++ = '\0';
            }
            field[count++] = rest;
            rest = end;
        }
        for (int index = 0; index < count; index++) {
            field[index] = unescaped(field[index]);
        }
        without_bell(field);
    }
    free(line);
    return 0;
}
