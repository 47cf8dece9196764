package io.github.taskbell;

/** The status of a call that failed, with the number of the C header. */
public enum Code {
    /** Null for a required value, an invalid name, a number out of range. */
    INVALID_ARGUMENT(1),
    /** The event is not one JSON object. */
    INVALID_JSON(2),
    /** The event is larger than {@code queue.max_event_bytes}. */
    TOO_LARGE(3),
    /** Events come faster than the spool takes them; try again in a few milliseconds. */
    QUEUE_FULL(4),
    /** The bell is closed. */
    CLOSED(5),
    /** The configuration has an error. */
    CONFIG(6),
    /** The timeout passed. */
    TIMEOUT(7),
    /** The spool cannot be opened or written. */
    SPOOL(8),
    /** This process was forked from the one that opened the bell. */
    FORKED(9),
    /** A buffer was too small. */
    BUFFER_TOO_SMALL(10),
    /** The signature is invalid or too old. */
    SIGNATURE(11),
    /** The library caught a defect of its own. */
    PANIC(12),
    /** No report is available, or the ticket was never given. */
    NOT_FOUND(13),
    /** A number of a newer library. */
    UNKNOWN(-1);

    private final int number;

    Code(int number) {
        this.number = number;
    }

    /**
     * The number of the C header.
     *
     * @return the number; -1 for one that this version does not know
     */
    public int number() {
        return number;
    }

    static Code of(int number) {
        for (Code code : values()) {
            if (code.number == number) {
                return code;
            }
        }
        return UNKNOWN;
    }
}
