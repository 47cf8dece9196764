// Reports frames and the end of the queue: java -cp taskbell-0.1.0.jar Render.java CONFIG, before Java 22 with :jna.jar

import io.github.taskbell.Bell;
import java.time.Duration;

public class Render {
    public static void main(String[] arguments) {
        try (Bell bell = new Bell(arguments[0], (level, line) -> System.out.println(level + " " + line))) {
            for (int frame = 1; frame <= 3; frame++) {
                bell.taskComplete("{\"name\": \"frame " + frame + "\", \"duration_s\": 12.5}");
            }
            long end = bell.queueEnd(null);
            System.out.println(bell.waitFor(end, Duration.ofSeconds(20)) ? "everybody knows" : "still waiting");
        }
    }
}
