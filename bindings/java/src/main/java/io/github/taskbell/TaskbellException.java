package io.github.taskbell;

/** A call that failed. The message is the library's sentence. */
public final class TaskbellException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The status of the call. */
    private final Code code;

    TaskbellException(int number, String message) {
        super(message);
        code = Code.of(number);
    }

    /**
     * The status of the call.
     *
     * @return the status
     */
    public Code code() {
        return code;
    }
}
