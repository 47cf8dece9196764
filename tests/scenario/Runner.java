// The scenario in Java: reads a call per line, fields separated by tabs, and answers in one line.

import io.github.taskbell.Bell;
import io.github.taskbell.Taskbell;
import io.github.taskbell.TaskbellException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

public class Runner {
    interface Call {
        Object make(String[] field);
    }

    private static final Map<String, Bell> BELLS = new HashMap<>();
    private static final StringBuffer LOGGED = new StringBuffer();
    private static final Map<String, Call> CALLS = new HashMap<>();

    static {
        CALLS.put("version", field -> Taskbell.version());
        CALLS.put("abi", field -> Taskbell.abiVersion());
        CALLS.put("init", field -> quiet(() -> Taskbell.init(field[1])));
        CALLS.put("shutdown", field -> quiet(() -> Taskbell.shutdown(time(field[1]))));
        CALLS.put("task", field -> quiet(() -> Taskbell.onTaskComplete(field[1])));
        CALLS.put("queue", field -> quiet(() -> Taskbell.onQueueEnd(field[1])));
        CALLS.put("open", field -> quiet(() -> BELLS.put(field[1], new Bell(field[2]))));
        CALLS.put("close", field -> BELLS.get(field[1]).close(time(field[2])));
        CALLS.put("reload", field -> quiet(() -> BELLS.get(field[1]).reload(field[2])));
        CALLS.put("emit", field -> BELLS.get(field[1]).emit(field[2], field[3]));
        CALLS.put("metric", field -> quiet(() -> BELLS.get(field[1]).metric(field[2], Double.parseDouble(field[3]))));
        CALLS.put("wait", field -> BELLS.get(field[1]).waitFor(Long.parseUnsignedLong(field[2]), time(field[3])));
        CALLS.put("sync", field -> BELLS.get(field[1]).sync(time(field[2])));
        CALLS.put("flush", field -> BELLS.get(field[1]).flush(time(field[2])));
        CALLS.put("poll", field -> BELLS.get(field[1]).poll().orElse("none"));
        CALLS.put("stats", field -> BELLS.get(field[1]).stats());
        CALLS.put("log", field -> setLog(field[1], false));
        CALLS.put("throw", field -> setLog(field[1], true));
        CALLS.put("logged", field -> LOGGED);
        CALLS.put("check", field -> Taskbell.check(field[1]));
        CALLS.put("preview", field -> Taskbell.preview(field[1], field[2], field[3]));
        CALLS.put("verify", field -> Taskbell.verify(field[1], field[2], field[3].getBytes(StandardCharsets.UTF_8), null));
    }

    public static void main(String[] arguments) throws IOException {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try {
            output.print("ready\t" + Taskbell.version() + "\n");
        } catch (UnsatisfiedLinkError fault) {
            output.print("unusable\t" + escaped(fault.getMessage()) + "\n");
            output.flush();
            return;
        }
        output.flush();
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] field = Arrays.stream(line.split("\t", -1)).map(Runner::unescaped).toArray(String[]::new);
            output.print(answered(field) + "\n");
            output.flush();
        }
    }

    private static String answered(String[] field) {
        try {
            return "ok\t" + escaped(String.valueOf(CALLS.get(field[0]).make(field)));
        } catch (TaskbellException fault) {
            return "error\t" + fault.code().number() + "\t" + escaped(fault.getMessage());
        } catch (RuntimeException fault) {
            return "error\t" + fault.getClass().getSimpleName() + "\t" + escaped(String.valueOf(fault.getMessage()));
        }
    }

    private static Object quiet(Runnable call) {
        call.run();
        return "";
    }

    private static Duration time(String milliseconds) {
        return Duration.ofMillis(Long.parseLong(milliseconds));
    }

    private static Object setLog(String name, boolean fails) {
        LOGGED.setLength(0);
        BELLS.get(name).setLog((level, line) -> {
            LOGGED.append(level).append(' ').append(line).append('\n');
            if (fails) {
                throw new IllegalStateException("a log function that fails");
            }
        });
        return "";
    }

    private static String escaped(String text) {
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r");
    }

    private static String unescaped(String field) {
        if (field.equals("\\N")) {
            return null;
        }
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < field.length(); at++) {
            char sign = field.charAt(at);
            if (sign == '\\') {
                sign = field.charAt(++at);
                sign = sign == 't' ? '\t' : sign == 'n' ? '\n' : sign == 'r' ? '\r' : sign;
            }
            text.append(sign);
        }
        return text.toString();
    }
}
