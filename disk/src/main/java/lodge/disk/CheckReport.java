package lodge.disk;

import java.util.List;

/**
 * What a check has found.
 *
 * @param problems the first of them, one line each
 * @param errors references to clusters that count as free, are outside of the file or belong to
 *     somebody else
 * @param leaks clusters that count as used more often than they are
 * @param repaired how many of the leaks are none any more
 */
public record CheckReport(List<String> problems, long errors, long leaks, long repaired) {
  public CheckReport {
    problems = List.copyOf(problems);
  }

  /** Whether nothing is wrong now. */
  public boolean isClean() {
    return errors == 0 && leaks == repaired;
  }
}
