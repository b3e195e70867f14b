package lodge.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Processor time and memory of a running process, from Linux' {@code /proc}. */
final class Usage {
  private static final double TICKS_A_SECOND = 100;

  /**
   * Resident bytes.
   *
   * @param total of the whole process
   * @param guest of the mapping that is the guest's RAM
   */
  record Memory(long total, long guest) {
    long beyondGuest() {
      return total - guest;
    }
  }

  private Usage() {}

  /** User and system time of all threads, in seconds. */
  static double processorSeconds(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_A_SECOND;
  }

  /**
   * @param ram guest RAM in bytes: the mapping that is at least that large and least larger is it
   */
  static Memory memory(long pid, long ram) throws IOException {
    List<String> lines = Files.readAllLines(Path.of("/proc", Long.toString(pid), "smaps"));
    long total = 0;
    long guest = 0;
    long size = 0;
    long best = Long.MAX_VALUE;
    for (String line : lines) {
      if (line.startsWith("Size:")) {
        size = kilobytes(line);
      } else if (line.startsWith("Rss:")) {
        long resident = kilobytes(line);
        total += resident;
        if (size >= ram && size < best) {
          best = size;
          guest = resident;
        }
      }
    }
    return new Memory(total, guest);
  }

  private static long kilobytes(String line) {
    return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
  }
}
