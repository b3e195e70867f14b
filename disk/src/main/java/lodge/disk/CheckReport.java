package lodge.disk;

import java.util.List;
import java.util.Locale;

/**
 * What a check has found, and what a repair has left.
 *
 * @param problems the first of them, one line each in QEMU's words
 * @param errors what may damage data, and is still there
 * @param leaks clusters that count as used more often than they are, and still do
 * @param errorsRepaired what was an error before
 * @param leaksRepaired what was a leak before
 * @param clusters of the disk
 * @param allocated how many of them the image has
 * @param fragmented how many of these do not follow the one before
 * @param compressed how many of these are compressed
 * @param endOffset where the last used cluster of the file ends
 */
public record CheckReport(
    List<String> problems,
    long errors,
    long leaks,
    long errorsRepaired,
    long leaksRepaired,
    long clusters,
    long allocated,
    long fragmented,
    long compressed,
    long endOffset) {
  public CheckReport {
    problems = List.copyOf(problems);
  }

  /** Whether nothing is wrong now. */
  public boolean isClean() {
    return errors == 0 && leaks == 0;
  }

  /** The exit status of {@code qemu-img check}: 0 for a sound image, 2 for errors, 3 for leaks. */
  public int exitStatus() {
    return errors > 0 ? 2 : leaks > 0 ? 3 : 0;
  }

  /** All lines that {@code qemu-img check} prints. */
  public String text() {
    StringBuilder text = new StringBuilder();
    problems.forEach(problem -> text.append(problem).append('\n'));
    if (errorsRepaired + leaksRepaired > 0) {
      text.append("The following inconsistencies were found and repaired:\n\n")
          .append(
              "    %d leaked clusters\n    %d corruptions\n\n"
                  .formatted(leaksRepaired, errorsRepaired))
          .append("Double checking the fixed image now...\n");
    }
    if (isClean()) {
      text.append("No errors were found on the image.\n");
    }
    if (errors > 0) {
      text.append("\n%d errors were found on the image.\n".formatted(errors))
          .append("Data may be corrupted, or further writes to the image may corrupt it.\n");
    }
    if (leaks > 0) {
      text.append("\n%d leaked clusters were found on the image.\n".formatted(leaks))
          .append("This means waste of disk space, but no harm to data.\n");
    }
    if (clusters > 0 && allocated > 0) {
      text.append(
          String.format(
              Locale.ROOT,
              "%d/%d = %.2f%% allocated, %.2f%% fragmented, %.2f%% compressed clusters\n",
              allocated,
              clusters,
              allocated * 100.0 / clusters,
              fragmented * 100.0 / allocated,
              compressed * 100.0 / allocated));
    }
    return text.append("Image end offset: ").append(endOffset).append('\n').toString();
  }
}
