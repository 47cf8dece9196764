package io.github.taskbell;

/**
 * The functions of taskbell.h with types of Java, which {@link ForeignLibrary} and {@link JnaLibrary} call. A test
 * compares them with taskbell.abi.json. A {@code size_t} or a handle that a call writes fits into a long, which is zero
 * before.
 */
interface CLibrary {
    /** A pointer that the library gave, or none. */
    record Address(long value) {
        static final Address NULL = new Address(0);
    }

    /** {@code size_t}. */
    record Size(long value) {
        /** As it is passed where it has as many bytes: a Long or an Integer. */
        Object ofBytes(int width) {
            if (width == Long.BYTES) {
                return value;
            }
            return (int) value;
        }
    }

    /** What the library fills with text. */
    record Buffer(byte[] bytes) {}

    int on_task_complete(byte[] task_json);

    int on_queue_end(byte[] queue_json);

    int taskbell_emit(Address bell, byte[] type, byte[] json, Size json_len, long[] ticket);

    int taskbell_metric(Address bell, byte[] name, double value);

    int taskbell_wait(Address bell, long ticket, int timeout_ms);

    int taskbell_sync(Address bell, int timeout_ms);

    int taskbell_flush(Address bell, int timeout_ms);

    int taskbell_poll(Address bell, Buffer buf, Size cap, long[] needed);

    int taskbell_stats(Address bell, Buffer buf, Size cap, long[] needed);

    int taskbell_set_log(Address bell, Log fn, Address userdata);

    int taskbell_init(byte[] config);

    int taskbell_shutdown(int timeout_ms);

    int taskbell_open(byte[] config, long[] out);

    int taskbell_close(Address bell, int timeout_ms, long[] undelivered);

    int taskbell_reload(Address bell, byte[] config);

    int taskbell_check(byte[] config, Buffer buf, Size cap, long[] needed);

    int taskbell_preview(byte[] config, byte[] type, byte[] json, Buffer buf, Size cap, long[] needed);

    int taskbell_verify(byte[] scheme_json, byte[] headers_json, byte[] body, Size body_len, long now_unix_s);

    int taskbell_last_error(Buffer buf, Size cap, long[] needed);

    int taskbell_abi_version();

    String taskbell_version();
}
