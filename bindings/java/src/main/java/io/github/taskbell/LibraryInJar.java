package io.github.taskbell;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.function.Function;

/** The library for this system in the jar, in the folder in which JNA looks for it too. */
final class LibraryInJar {
    /** How the words of its failures begin. */
    static final String UNUSABLE = "the library in the jar cannot be copied and loaded";

    private static final String PREFIX = "taskbell-java-";

    private LibraryInJar() {}

    /** What opens it gives for a copy in the temporary folder, which is removed again; null if the jar has none. */
    static Object opened(Function<Path, Object> open) {
        String name = System.mapLibraryName("taskbell");
        try (InputStream packed = LibraryInJar.class.getResourceAsStream("/" + system() + "/" + name)) {
            if (packed == null) {
                return null;
            }
            // Only its owner may write it.
            Path copy = Files.createTempFile(PREFIX, "-" + name);
            try {
                Files.copy(packed, copy, StandardCopyOption.REPLACE_EXISTING);
                return open.apply(copy);
            } finally {
                remove(copy);
            }
        } catch (IOException | UnsatisfiedLinkError fault) {
            throw (Error) new UnsatisfiedLinkError(UNUSABLE + " (" + fault + ")").initCause(fault);
        }
    }

    /** Removes the copy. Windows keeps one that is in use, so another start removes those of former days. */
    private static void remove(Path copy) throws IOException {
        if (removed(copy)) {
            return;
        }
        Instant yesterday = Instant.now().minus(1, ChronoUnit.DAYS);
        try (DirectoryStream<Path> copies = Files.newDirectoryStream(copy.getParent(), PREFIX + "*")) {
            for (Path former : copies) {
                if (Files.getLastModifiedTime(former).toInstant().isBefore(yesterday)) {
                    removed(former);
                }
            }
        }
    }

    private static boolean removed(Path file) {
        try {
            return Files.deleteIfExists(file);
        } catch (IOException fault) {
            return false;
        }
    }

    private static String system() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String processor = System.getProperty("os.arch");
        String family = system.startsWith("windows") ? "win32" : system.startsWith("mac") ? "darwin" : system;
        return family + "-" + (processor.equals("amd64") || processor.equals("x86_64") ? "x86-64" : processor);
    }
}
