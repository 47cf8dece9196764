package io.github.taskbell;

import com.sun.jna.CallbackThreadInitializer;
import com.sun.jna.Native;
import com.sun.jna.Pointer;

/** Passes lines of the library to functions of Java. */
final class Log {
    private static final System.Logger LOGGER = System.getLogger("taskbell");

    private Log() {}

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

    /** A function for the library; whoever sets it keeps it until another one is set or the bell is closed. */
    static CLibrary.Log function(LogFunction function) {
        CLibrary.Log forward = (Pointer userdata, int level, Pointer message) -> {
            try {
                function.log(level, message.getString(0, "UTF-8"));
            } catch (Throwable fault) {
                // The function is the host's; nothing may be thrown into the library's thread.
            }
        };
        // A daemon: it does not keep the program alive. It stays attached, as it calls again and again.
        Native.setCallbackThreadInitializer(forward, new CallbackThreadInitializer(true, false, "taskbell-log"));
        return forward;
    }
}
