package lodge.core;

import java.util.LinkedHashMap;
import java.util.Map;

/** Named totals in the order in which they were first added, as {@code --stats} prints them. */
public final class Counters {
  private final Map<String, Long> totals = new LinkedHashMap<>();

  public void add(String name, long value) {
    totals.merge(name, value, Long::sum);
  }

  public Map<String, Long> totals() {
    return new LinkedHashMap<>(totals);
  }
}
