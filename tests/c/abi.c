/* Every exported function, once, as a C host would call it: abi URL SPOOL. */
#include "check.h"

static void remember(void *userdata, int32_t level, const char *message) {
    (void)level;
    CHECK(userdata != NULL && message != NULL);
    ++*(int *)userdata;
}

static void own_instance(const char *config) {
    taskbell_t *bell = NULL;
    CHECK_OK(taskbell_open(config, &bell));
    CHECK(bell != NULL);

    int lines = 0;
    CHECK_OK(taskbell_set_log(bell, remember, &lines));

    const char *json = "{\"id\": \"1\", \"name\": \"from C\"}";
    uint64_t ticket = 0;
    CHECK_OK(taskbell_emit(bell, "test.event", json, strlen(json), &ticket));
    CHECK(ticket > 0);
    CHECK_OK(taskbell_emit(bell, "test.event", json, strlen(json), NULL));
    CHECK_OK(taskbell_metric(bell, "disk.free_gb", 12.5));
    CHECK_OK(taskbell_sync(bell, 20000));
    CHECK_OK(taskbell_flush(bell, 20000));
    CHECK_OK(taskbell_wait(bell, ticket, 20000));

    static char text[65536];
    size_t needed = 0;
    CHECK_STATUS(taskbell_stats(bell, text, 1, &needed), TASKBELL_ERR_BUFFER_TOO_SMALL);
    CHECK(needed > 1 && needed <= sizeof text);
    CHECK_OK(taskbell_stats(bell, text, sizeof text, &needed));
    CHECK(text[0] == '{');

    CHECK_OK(taskbell_poll(bell, text, sizeof text, &needed));
    CHECK(strstr(text, "\"delivered\"") != NULL);
    CHECK(strlen(text) + 1 == needed);

    CHECK_OK(taskbell_reload(bell, config));
    CHECK_STATUS(taskbell_poll_log(bell, NULL, text, sizeof text, &needed), TASKBELL_ERR_INVALID_ARGUMENT);
    CHECK_OK(taskbell_set_log(bell, NULL, NULL));

    /* Without a function, the host asks for the lines. */
    int32_t level = 0;
    CHECK_STATUS(taskbell_poll_log(bell, &level, text, sizeof text, &needed), TASKBELL_ERR_NOT_FOUND);
    CHECK_OK(taskbell_emit(bell, "test.event", NULL, 0, &ticket));
    CHECK_OK(taskbell_wait(bell, ticket, 20000));
    CHECK_STATUS(taskbell_poll_log(bell, &level, text, 1, &needed), TASKBELL_ERR_BUFFER_TOO_SMALL);
    CHECK_OK(taskbell_poll_log(bell, &level, text, needed, &needed));
    CHECK(level >= TASKBELL_LOG_ERROR && level <= TASKBELL_LOG_DEBUG && strlen(text) + 1 == needed);

    uint64_t undelivered = 99;
    CHECK_OK(taskbell_close(bell, 20000, &undelivered));
    CHECK(undelivered == 0);
    CHECK_STATUS(taskbell_close(bell, 1000, NULL), TASKBELL_ERR_CLOSED);
    /* What the log has left is there after the end. */
    while (taskbell_poll_log(bell, &level, text, sizeof text, &needed) == TASKBELL_OK) {
        CHECK(level >= TASKBELL_LOG_ERROR && level <= TASKBELL_LOG_DEBUG);
    }
    CHECK_STATUS(taskbell_poll_log(bell, &level, text, sizeof text, &needed), TASKBELL_ERR_NOT_FOUND);
    CHECK_STATUS(taskbell_emit(bell, "test.event", json, strlen(json), NULL), TASKBELL_ERR_CLOSED);
}

static void default_instance(const char *config) {
    CHECK_OK(taskbell_init(config));
    CHECK_OK(on_task_complete(NULL));
    CHECK_OK(on_task_complete("{}"));
    CHECK_OK(on_task_complete("{\"status\": \"error\", \"error\": {\"message\": \"out of memory\"}}"));
    CHECK_OK(on_queue_end(NULL));
    CHECK_OK(taskbell_metric(NULL, "disk.free_gb", 1.0));
    CHECK_OK(taskbell_flush(NULL, 20000));
    CHECK_OK(taskbell_shutdown(20000));
}

static void without_an_instance(const char *config) {
    static char text[65536];
    size_t needed = 0;
    CHECK_OK(taskbell_check(config, text, sizeof text, &needed));
    CHECK(text[0] == '{');
    CHECK_OK(taskbell_preview(config, "test.event", "{\"a\": 1}", text, sizeof text, &needed));
    CHECK(strlen(text) + 1 == needed);

    /* The published example of Standard Webhooks. */
    const char *scheme = "{\"scheme\": \"standard-webhooks\","
                         " \"secrets\": [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]}";
    const char *headers = "{\"webhook-id\": \"msg_p5jXN8AQM9LWM0D4loKWxJek\","
                          " \"webhook-timestamp\": \"1614265330\", \"webhook-signature\":"
                          " \"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\"}";
    const char *body = "{\"test\": 2432232314}";
    CHECK_OK(taskbell_verify(scheme, headers, body, strlen(body), 1614265330));
    CHECK_STATUS(taskbell_verify(scheme, headers, body, strlen(body) - 1, 1614265330),
                 TASKBELL_ERR_SIGNATURE);
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    CHECK(taskbell_abi_version() == 1);
    CHECK(taskbell_version() != NULL && taskbell_version()[0] != '\0');
    char config[4096];
    write_config(config, sizeof config, argv[1], argv[2]);
    without_an_instance(config);
    own_instance(config);
    default_instance(config);
    puts("ok");
    return 0;
}
