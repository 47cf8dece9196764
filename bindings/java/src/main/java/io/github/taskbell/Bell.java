package io.github.taskbell;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * An open instance: a configuration, a spool, and threads of the library's own. Every method may be called from any
 * thread. One that is left open is closed when the program ends, within {@link #EXIT_TIMEOUT}.
 */
public final class Bell implements AutoCloseable {
    /** The longest time that {@link #close()} and the end of the program take. */
    public static final Duration EXIT_TIMEOUT = Duration.ofSeconds(2);

    /** Held until they are closed: the library may call their log functions. */
    private static final Set<Bell> OPEN = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> OPEN.forEach(Bell::close), "taskbell-close"));
    }

    private final CLibrary.Address handle;
    private boolean closed;
    private Log log;

    /**
     * Opens an instance; its log goes to the logger "taskbell".
     *
     * @param config the path of a .toml or .json file, the URL of a receiver, or the text of a configuration
     * @throws TaskbellException when the configuration or the spool cannot be used
     */
    public Bell(String config) {
        this(config, Log::toLogger);
    }

    /**
     * Opens an instance with a function for its log.
     *
     * @param config the path of a .toml or .json file, the URL of a receiver, or the text of a configuration
     * @param log takes each line; null for none
     * @throws TaskbellException when the configuration or the spool cannot be used
     */
    public Bell(String config, LogFunction log) {
        long[] out = new long[1];
        Calls.check(Calls.library().taskbell_open(Calls.utf8(config, "config"), out));
        handle = new CLibrary.Address(out[0]);
        OPEN.add(this);
        if (log != null) {
            setLog(log);
        }
    }

    /**
     * Reports an event of any type, without waiting.
     *
     * @param type such as {@code render.saved}
     * @param json a JSON object; null for none
     * @return the ticket, for {@link #waitFor}
     */
    public long emit(String type, String json) {
        byte[] body = Calls.utf8(json, "json");
        long[] ticket = new long[1];
        CLibrary.Size length = new CLibrary.Size(body == null ? 0 : body.length - 1L);
        Calls.check(Calls.library().taskbell_emit(handle, Calls.utf8(type, "type"), body, length, ticket));
        return ticket[0];
    }

    /**
     * Reports a completed task.
     *
     * @param json a JSON object with the fields of a task; null for none
     * @return the ticket
     */
    public long taskComplete(String json) {
        return emit("task.complete", json);
    }

    /**
     * Reports that the queue is empty. The library counts it itself.
     *
     * @param json a JSON object; null for none
     * @return the ticket
     */
    public long queueEnd(String json) {
        return emit("queue.end", json);
    }

    /**
     * Reports the value of a metric, for alerts.
     *
     * @param name its name
     * @param value its value
     */
    public void metric(String name, double value) {
        Calls.check(Calls.library().taskbell_metric(handle, Calls.utf8(name, "name"), value));
    }

    /**
     * Waits until every delivery of an event has ended.
     *
     * @param ticket the event
     * @param timeout the longest time
     * @return whether they have
     */
    public boolean waitFor(long ticket, Duration timeout) {
        return Calls.inTime(Calls.library().taskbell_wait(handle, ticket, Calls.milliseconds(timeout)));
    }

    /**
     * Waits until all accepted events are on the disk.
     *
     * @param timeout the longest time
     * @return whether they are
     */
    public boolean sync(Duration timeout) {
        return Calls.inTime(Calls.library().taskbell_sync(handle, Calls.milliseconds(timeout)));
    }

    /**
     * Waits until all accepted events have been tried once.
     *
     * @param timeout the longest time
     * @return whether they have
     */
    public boolean flush(Duration timeout) {
        return Calls.inTime(Calls.library().taskbell_flush(handle, Calls.milliseconds(timeout)));
    }

    /**
     * The next report of an ended delivery.
     *
     * @return the report as JSON; empty when none is available
     */
    public Optional<String> poll() {
        Calls.Text found =
                Calls.read((buf, cap, needed) -> Calls.library().taskbell_poll(handle, buf, cap, needed));
        if (found.status() == Calls.NOT_FOUND) {
            return Optional.empty();
        }
        Calls.check(found.status());
        return Optional.of(found.text());
    }

    /**
     * Counters and gauges.
     *
     * @return a JSON object
     */
    public String stats() {
        Calls.Text found =
                Calls.read((buf, cap, needed) -> Calls.library().taskbell_stats(handle, buf, cap, needed));
        Calls.check(found.status());
        return found.text();
    }

    /**
     * Applies another configuration, as a whole or not at all.
     *
     * @param config the same as for {@link #Bell(String)}
     */
    public void reload(String config) {
        Calls.check(Calls.library().taskbell_reload(handle, Calls.utf8(config, "config")));
    }

    /**
     * Sets another function for the log. The former one is not called any more once this has returned.
     *
     * @param function takes each line; null for none
     */
    public synchronized void setLog(LogFunction function) {
        Log next = function == null ? null : new Log(function);
        Calls.check(Calls.library().taskbell_set_log(handle, next, CLibrary.Address.NULL));
        log = next;
    }

    /**
     * Delivers what it can within the time, and stops. A second call does nothing.
     *
     * @param timeout the longest time
     * @return the number of deliveries that are left for the next start
     * @throws TaskbellException with {@link Code#TIMEOUT} while a call of the log function has not returned
     */
    public synchronized long close(Duration timeout) {
        Objects.requireNonNull(timeout, "timeout");
        if (closed) {
            return 0;
        }
        long[] left = new long[1];
        Calls.check(Calls.library().taskbell_close(handle, Calls.milliseconds(timeout), left));
        closed = true;
        log = null;
        OPEN.remove(this);
        return left[0];
    }

    /** Closes it within {@link #EXIT_TIMEOUT}; never throws. */
    @Override
    public void close() {
        try {
            close(EXIT_TIMEOUT);
        } catch (TaskbellException fault) {
            Log.toLogger(2, fault.getMessage());
        }
    }
}
