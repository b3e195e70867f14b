package lodge.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import lodge.core.Counters;

/** Counters as {@code --stats} prints them: a name and a value a line. */
final class Stats {
  private static final String INSTRUCTIONS = "guest_instructions";
  private static final String WALL = "wall_nanoseconds";

  private Stats() {}

  static List<String> lines(Counters counters) {
    Map<String, Long> totals = counters.totals();
    List<String> lines = new ArrayList<>();
    totals.forEach(
        (name, value) -> {
          if (name.equals(WALL)) {
            lines.add(decimal("wall_seconds", value / 1e9));
            if (totals.containsKey(INSTRUCTIONS)) {
              lines.add(decimal("mips", value == 0 ? 0 : totals.get(INSTRUCTIONS) * 1e3 / value));
            }
          } else {
            lines.add(name + " " + value);
          }
        });
    return lines;
  }

  private static String decimal(String name, double value) {
    return String.format(Locale.ROOT, "%s %.3f", name, value);
  }
}
