/* Every function with what it cannot use: a status and a last error that names the fault, nothing
   else. bad_input URL SPOOL. */
#include "check.h"

static taskbell_t *bell;

/* The last error is there, and names this. */
static void expect_words(const char *part) {
    char words[2048] = "";
    size_t needed = 0;
    CHECK_OK(taskbell_last_error(words, sizeof words, &needed));
    if (strstr(words, part) == NULL) {
        fprintf(stderr, "the last error does not name `%s`: %s\n", part, words);
        exit(1);
    }
}

/* Bytes that are not UTF-8 are neither text nor JSON. */
enum { BAD_ARGUMENT_OR_JSON = -1 };

struct event {
    const char *type;
    const char *json;
    int32_t status;
    const char *names;
};

static const struct event EVENTS[] = {
    {NULL, "{}", TASKBELL_ERR_INVALID_ARGUMENT, "type"},
    {"", "{}", TASKBELL_ERR_INVALID_ARGUMENT, "type"},
    {"Test.Event", "{}", TASKBELL_ERR_INVALID_ARGUMENT, "Test.Event"},
    {"a..b", "{}", TASKBELL_ERR_INVALID_ARGUMENT, "a..b"},
    {"a b", "{}", TASKBELL_ERR_INVALID_ARGUMENT, "a b"},
    {"\xff\xfe", "{}", TASKBELL_ERR_INVALID_ARGUMENT, "UTF-8"},
    {"test.event", NULL, TASKBELL_ERR_INVALID_ARGUMENT, "json"},
    {"test.event", "", TASKBELL_ERR_INVALID_JSON, ""},
    {"test.event", "{", TASKBELL_ERR_INVALID_JSON, "line 1"},
    {"test.event", "[1]", TASKBELL_ERR_INVALID_JSON, "object"},
    {"test.event", "null", TASKBELL_ERR_INVALID_JSON, "object"},
    {"test.event", "{} x", TASKBELL_ERR_INVALID_JSON, ""},
    {"test.event", "{\"a\": \"\xc3\x28\"}", BAD_ARGUMENT_OR_JSON, "UTF-8"},
    {"test.event", "{\"a\": 1e}", TASKBELL_ERR_INVALID_JSON, ""},
};

static void bad_events(void) {
    for (size_t at = 0; at < sizeof EVENTS / sizeof *EVENTS; ++at) {
        const struct event *event = &EVENTS[at];
        uint64_t ticket = 7;
        size_t length = event->json ? strlen(event->json) : 2;
        int32_t status = taskbell_emit(bell, event->type, event->json, length, &ticket);
        int either = event->status == BAD_ARGUMENT_OR_JSON &&
                     (status == TASKBELL_ERR_INVALID_ARGUMENT || status == TASKBELL_ERR_INVALID_JSON);
        if (status != event->status && !either) {
            fprintf(stderr, "event %zu: %" PRId32 ", not %" PRId32 "\n", at, status, event->status);
            exit(1);
        }
        CHECK(ticket == 7 || ticket == 0);
        expect_words(event->names);
    }
    size_t size = 2 * 1024 * 1024;
    char *large = malloc(size + 1);
    CHECK(large != NULL);
    memset(large, 'x', size);
    memcpy(large, "{\"a\":\"", 6);
    memcpy(large + size - 2, "\"}", 3);
    CHECK_STATUS(taskbell_emit(bell, "test.event", large, size, NULL), TASKBELL_ERR_TOO_LARGE);
    expect_words("bytes");
    free(large);
}

static void bad_arguments(const char *config) {
    char text[64];
    size_t needed = 0;
    taskbell_t *out = NULL;
    CHECK_STATUS(taskbell_open(NULL, &out), TASKBELL_ERR_INVALID_ARGUMENT);
    CHECK_STATUS(taskbell_open(config, NULL), TASKBELL_ERR_INVALID_ARGUMENT);
    CHECK_STATUS(taskbell_open("/nowhere/at/all.toml", &out), TASKBELL_ERR_CONFIG);
    expect_words("/nowhere/at/all.toml");
    CHECK_STATUS(taskbell_open("{\"endpoint\": {}}", &out), TASKBELL_ERR_CONFIG);
    expect_words("endpoints");
    CHECK(out == NULL);
    CHECK_STATUS(taskbell_init(NULL), TASKBELL_ERR_INVALID_ARGUMENT);
    CHECK_STATUS(taskbell_reload(bell, NULL), TASKBELL_ERR_INVALID_ARGUMENT);
    CHECK_STATUS(taskbell_reload(bell, "{"), TASKBELL_ERR_CONFIG);
    CHECK_STATUS(taskbell_metric(bell, NULL, 1.0), TASKBELL_ERR_INVALID_ARGUMENT);
    CHECK_STATUS(taskbell_check(NULL, text, sizeof text, &needed), TASKBELL_ERR_INVALID_ARGUMENT);
    CHECK_STATUS(taskbell_preview(config, NULL, "{}", text, sizeof text, &needed),
                 TASKBELL_ERR_INVALID_ARGUMENT);
    CHECK_STATUS(taskbell_verify(NULL, "{}", "", 0, 0), TASKBELL_ERR_INVALID_ARGUMENT);
    CHECK_STATUS(taskbell_verify("{}", NULL, "", 0, 0), TASKBELL_ERR_INVALID_ARGUMENT);
    CHECK(taskbell_wait(bell, 123456789, 10) != TASKBELL_OK);
    CHECK_STATUS(taskbell_poll(bell, text, sizeof text, &needed), TASKBELL_ERR_NOT_FOUND);
}

static void small_buffers(void) {
    char text[4] = "abc";
    size_t needed = 0;
    CHECK_STATUS(taskbell_stats(bell, text, sizeof text, &needed), TASKBELL_ERR_BUFFER_TOO_SMALL);
    CHECK(memcmp(text, "abc", 4) == 0);
    CHECK(needed > sizeof text);
    CHECK_STATUS(taskbell_stats(bell, NULL, 0, &needed), TASKBELL_ERR_BUFFER_TOO_SMALL);
    CHECK(needed > sizeof text);
}

static void nothing_open(void) {
    int32_t status = taskbell_shutdown(10);
    CHECK(status == TASKBELL_OK || status == TASKBELL_ERR_CLOSED);
    CHECK(on_task_complete("{") != TASKBELL_OK);
    CHECK_STATUS(on_task_complete("{}"), TASKBELL_ERR_CONFIG);
    expect_words("taskbell.toml");
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    char config[4096];
    write_config(config, sizeof config, argv[1], argv[2]);
    nothing_open();
    CHECK_OK(taskbell_open(config, &bell));
    bad_events();
    bad_arguments(config);
    small_buffers();
    CHECK_OK(taskbell_close(bell, 5000, NULL));
    puts("ok");
    return 0;
}
