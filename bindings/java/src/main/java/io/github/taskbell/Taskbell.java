package io.github.taskbell;

import java.time.Duration;
import java.time.Instant;

/** The process-wide default bell, and the functions that need none. */
public final class Taskbell {
    /** Held while it is set: the library has a pointer to it. */
    private static Log log;

    private static boolean hasHook;

    private Taskbell() {}

    /**
     * Opens the default bell, which the calls below use. Without it they open it themselves, from the file that
     * {@code TASKBELL_CONFIG} names, else {@code ./taskbell.toml}.
     *
     * @param config the same as for {@link Bell#Bell(String)}
     */
    public static void init(String config) {
        Calls.check(Calls.library().taskbell_init(Calls.utf8(config, "config")));
        opened();
    }

    /**
     * Closes the default bell.
     *
     * @param timeout the longest time
     */
    public static synchronized void shutdown(Duration timeout) {
        Calls.check(Calls.library().taskbell_shutdown(Calls.milliseconds(timeout)));
        log = null;
    }

    /**
     * Reports a completed task.
     *
     * @param json a JSON object with the fields of a task; null for none
     */
    public static void onTaskComplete(String json) {
        Calls.check(Calls.library().on_task_complete(Calls.utf8(json, "json")));
        opened();
    }

    /**
     * Reports that the queue is empty.
     *
     * @param json a JSON object; null for none
     */
    public static void onQueueEnd(String json) {
        Calls.check(Calls.library().on_queue_end(Calls.utf8(json, "json")));
        opened();
    }

    /** The default bell is open: it has a log, and is closed when the program ends. */
    private static synchronized void opened() {
        if (log != null) {
            return;
        }
        Log function = new Log(Log::toLogger);
        CLibrary.Address none = CLibrary.Address.NULL;
        if (Calls.library().taskbell_set_log(none, function, none) == Calls.OK) {
            log = function;
        }
        if (!hasHook) {
            hasHook = true;
            int limit = Calls.milliseconds(Bell.EXIT_TIMEOUT);
            Thread close = new Thread(() -> Calls.library().taskbell_shutdown(limit), "taskbell-close");
            Runtime.getRuntime().addShutdownHook(close);
        }
    }

    /**
     * Checks a configuration without opening anything.
     *
     * @param config the same as for {@link Bell#Bell(String)}
     * @return a JSON report with {@code ok}, {@code errors} and {@code warnings}
     */
    public static String check(String config) {
        byte[] given = Calls.utf8(config, "config");
        Calls.Text report =
                Calls.read((buf, cap, needed) -> Calls.library().taskbell_check(given, buf, cap, needed));
        if (report.status() != Calls.CONFIG || report.text().isEmpty()) {
            Calls.check(report.status());
        }
        return report.text();
    }

    /**
     * The requests that an event would cause, with secrets removed.
     *
     * @param config the same as for {@link Bell#Bell(String)}
     * @param type the type of the event
     * @param json a JSON object; null for a sample event
     * @return the requests as JSON
     */
    public static String preview(String config, String type, String json) {
        byte[] given = Calls.utf8(config, "config");
        byte[] kind = Calls.utf8(type, "type");
        byte[] body = Calls.utf8(json, "json");
        Calls.Text found = Calls.read(
                (buf, cap, needed) -> Calls.library().taskbell_preview(given, kind, body, buf, cap, needed));
        Calls.check(found.status());
        return found.text();
    }

    /**
     * For receivers: whether a received body has a valid signature.
     *
     * @param schemeJson an entry of {@code sign} as in the configuration
     * @param headersJson an object of header names and values
     * @param body the bytes as received
     * @param now the time; null for the clock
     * @return whether it has
     */
    public static boolean verify(String schemeJson, String headersJson, byte[] body, Instant now) {
        byte[] scheme = Calls.utf8(schemeJson, "schemeJson");
        byte[] headers = Calls.utf8(headersJson, "headersJson");
        long seconds = now == null ? 0 : now.getEpochSecond();
        int status = Calls.library()
                .taskbell_verify(scheme, headers, body, new CLibrary.Size(body.length), seconds);
        if (status == Calls.SIGNATURE) {
            return false;
        }
        Calls.check(status);
        return true;
    }

    /**
     * The version of the loaded library.
     *
     * @return such as 0.1.0
     */
    public static String version() {
        return Calls.library().taskbell_version();
    }

    /**
     * The number of the ABI of the loaded library.
     *
     * @return the number
     */
    public static int abiVersion() {
        return Calls.library().taskbell_abi_version();
    }
}
