package io.github.taskbell;

import java.util.function.Supplier;

/**
 * Passes lines of the library to a function of Java; whoever sets it keeps it until another one is set or the bell is
 * closed.
 */
final class Log {
    private static final System.Logger LOGGER = System.getLogger("taskbell");

    private final LogFunction function;
    private Object called;

    Log(LogFunction function) {
        this.function = function;
    }

    /** Keeps what the library calls, which is freed with this. */
    void keep(Object callback) {
        called = callback;
    }

    /** Passes a line on. The function is the host's: nothing may be thrown into the library's thread. */
    void line(int level, Supplier<String> text) {
        try {
            function.log(level, text.get());
        } catch (Throwable fault) {
            // There is nobody to give it to.
        }
    }

    /** The usual function: the logger "taskbell" of the platform. */
    static void toLogger(int level, String line) {
        System.Logger.Level known = switch (level) {
            case 1 -> System.Logger.Level.ERROR;
            case 2 -> System.Logger.Level.WARNING;
            case 3 -> System.Logger.Level.INFO;
            default -> System.Logger.Level.DEBUG;
        };
        LOGGER.log(known, line);
    }
}
