/* The smallest test kit: CHECK says what was expected and where, and ends the program with 1. */
#ifndef TASKBELL_TEST_CHECK_H
#define TASKBELL_TEST_CHECK_H

#include "taskbell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                      \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            char words_[1024] = "";                                                           \
            size_t needed_ = 0;                                                               \
            taskbell_last_error(words_, sizeof words_, &needed_);                             \
            fprintf(stderr, "%s:%d: not so: %s (last error: %s)\n", __FILE__, __LINE__,       \
                    #condition, words_);                                                      \
            exit(1);                                                                          \
        }                                                                                     \
    } while (0)

/* A call and the status it must return. */
#define CHECK_STATUS(call, expected)                                                          \
    do {                                                                                      \
        int32_t status_ = (call);                                                             \
        if (status_ != (expected)) {                                                          \
            char words_[1024] = "";                                                           \
            size_t needed_ = 0;                                                               \
            taskbell_last_error(words_, sizeof words_, &needed_);                             \
            fprintf(stderr, "%s:%d: %s returned %" PRId32 ", not %s (last error: %s)\n",      \
                    __FILE__, __LINE__, #call, status_, #expected, words_);                   \
            exit(1);                                                                          \
        }                                                                                     \
    } while (0)

#define CHECK_OK(call) CHECK_STATUS(call, TASKBELL_OK)

/* Writes a configuration with one endpoint into text: the URL and the spool come from the test. */
static inline void write_config(char *text, size_t cap, const char *url, const char *spool) {
    int length = snprintf(text, cap,
                          "{\"spool\": {\"path\": \"%s\"}, \"queue\": {\"end_delay\": \"50ms\"},"
                          " \"endpoints\": {\"main\": {\"platform\": \"json\", \"url\": \"%s\","
                          " \"retry\": {\"schedule\": [\"50ms\"]}}},"
                          " \"hooks\": [{\"on\": [\"task.complete\", \"queue.end\", \"test.event\"],"
                          " \"to\": [\"main\"]}]}",
                          spool, url);
    CHECK(length > 0 && (size_t)length < cap);
}

#endif
