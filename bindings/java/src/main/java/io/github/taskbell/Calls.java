package io.github.taskbell;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** Loads the library, turns statuses into exceptions, and passes text in and out. */
final class Calls {
    static final int OK = 0;
    static final int CONFIG = 6;
    static final int TIMEOUT = 7;
    static final int BUFFER_TOO_SMALL = 10;
    static final int SIGNATURE = 11;
    static final int NOT_FOUND = 13;

    private static final int ABI_VERSION = 1;

    /** The first version of Java with java.lang.foreign. */
    private static final int FOREIGN_SINCE = 22;

    private static final long LONGEST_MS = 0xffffffffL;

    private static CLibrary loaded;

    private Calls() {}

    /** A function that fills a caller's buffer. */
    @FunctionalInterface
    interface Filling {
        int fill(CLibrary.Buffer buf, CLibrary.Size cap, long[] needed);
    }

    /** What such a function gave. */
    record Text(int status, String text) {}

    /** The C functions; loads the library the first time. */
    static synchronized CLibrary library() {
        if (loaded == null) {
            loaded = load();
        }
        return loaded;
    }

    /** That which TASKBELL_LIBRARY names, or where the system looks, or in the jar. */
    private static CLibrary load() {
        String named = System.getenv("TASKBELL_LIBRARY");
        Path path = named == null || named.isEmpty() ? null : Path.of(named).toAbsolutePath();
        String place = path == null ? "taskbell" : path.toString();
        CLibrary library;
        int found;
        try {
            boolean foreign = Runtime.version().feature() >= FOREIGN_SINCE;
            library = foreign ? ForeignLibrary.open(path) : JnaLibrary.open(place);
            found = library.taskbell_abi_version();
        } catch (UnsatisfiedLinkError fault) {
            UnsatisfiedLinkError refused = new UnsatisfiedLinkError(
                    "cannot load the Taskbell library from " + place + ": " + why(place, fault.getMessage()));
            refused.initCause(fault);
            throw refused;
        }
        if (found != ABI_VERSION) {
            throw new UnsatisfiedLinkError("the Taskbell library " + place + " has ABI version " + found
                    + ", this package needs " + ABI_VERSION + ": use a library and a package of the same release");
        }
        return library;
    }

    /** What is wrong with a library that cannot be loaded, and what to do. */
    private static String why(String place, String fault) {
        String words = fault.lines().map(String::strip).reduce((first, next) -> first + " " + next).orElse("");
        if (words.contains("GLIBC_")) {
            return "it needs a newer glibc than this system has (" + words + "): install a build for older systems";
        }
        if (words.startsWith(LibraryInJar.UNUSABLE)) {
            return words + ": set TASKBELL_LIBRARY to the path of the library, or java.io.tmpdir to a folder from which"
                    + " libraries may be loaded";
        }
        if (words.contains("looking up function")) {
            return "it lacks a function (" + words + "): use a library and a package of the same release";
        }
        if (Files.exists(Path.of(place))) {
            return "it is no library for this system and processor, " + System.getProperty("os.name") + " on "
                    + System.getProperty("os.arch") + " (" + words + "): use the one for this system";
        }
        return "there is no such file: set TASKBELL_LIBRARY to the path of the library, or use a jar that has it for "
                + System.getProperty("os.name") + " on " + System.getProperty("os.arch");
    }

    /** The exception for a status, with the sentence of this thread's last failure. */
    static TaskbellException failure(int status) {
        return new TaskbellException(status, read(library()::taskbell_last_error).text());
    }

    /** Throws unless the call succeeded. */
    static void check(int status) {
        if (status != OK) {
            throw failure(status);
        }
    }

    /** Whether a call that waits ended before its timeout. */
    static boolean inTime(int status) {
        if (status == TIMEOUT) {
            return false;
        }
        check(status);
        return true;
    }

    /** Calls a function with a buffer of the size that its text needs; the text may grow between two calls. */
    static Text read(Filling function) {
        int size = 4096;
        while (true) {
            byte[] buffer = new byte[size];
            long[] needed = new long[1];
            int status = function.fill(new CLibrary.Buffer(buffer), new CLibrary.Size(size), needed);
            if (status != BUFFER_TOO_SMALL) {
                int length = 0;
                while (length < size && buffer[length] != 0) {
                    length++;
                }
                return new Text(status, new String(buffer, 0, length, StandardCharsets.UTF_8));
            }
            size = (int) Math.max(needed[0], size + 1L);
        }
    }

    /** UTF-8 with a NUL at the end; null stays null. A NUL within would end it early. */
    static byte[] utf8(String text, String name) {
        if (text == null) {
            return null;
        }
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(name + " has a NUL");
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return java.util.Arrays.copyOf(bytes, bytes.length + 1);
    }

    static int milliseconds(Duration time) {
        long whole = time.isNegative() ? 0 : time.plusNanos(999_999).toMillis();
        return (int) Math.min(whole, LONGEST_MS);
    }
}
