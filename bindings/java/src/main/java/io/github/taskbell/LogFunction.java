package io.github.taskbell;

/** Takes the lines of the log, on a thread of the library and one at a time. */
@FunctionalInterface
public interface LogFunction {
    /**
     * Takes one line. It must return soon, and must not call the bell; what it throws ends here.
     *
     * @param level 1 for errors, 2 for warnings, 3 for information, 4 for every attempt
     * @param line what happened
     */
    void log(int level, String line);
}
