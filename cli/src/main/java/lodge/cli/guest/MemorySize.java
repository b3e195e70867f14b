package lodge.cli.guest;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes of memory as people write them: {@code 512M}, {@code 2G}, {@code 65536K}; a plain number
 * counts MiB.
 */
public final class MemorySize {
  private static final Pattern FORM =
      Pattern.compile("([0-9]{1,18})([KMGT]?)(I?B)?", Pattern.CASE_INSENSITIVE);

  private MemorySize() {}

  /**
   * The size in bytes.
   *
   * @throws IllegalArgumentException with a line that says what would be right
   */
  public static long parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches() || matcher.group(2).isEmpty() && matcher.group(3) != null) {
      throw new IllegalArgumentException("'" + text + "' is no size; write it like 512M or 2G");
    }
    int shift =
        switch (matcher.group(2).toUpperCase(Locale.ROOT)) {
          case "K" -> 10;
          case "G" -> 30;
          case "T" -> 40;
          default -> 20;
        };
    long count = Long.parseLong(matcher.group(1));
    if (count > Long.MAX_VALUE >> shift) {
      throw new IllegalArgumentException(
          "'" + text + "' is more than any machine has; write a size like 512M or 2G");
    }
    return count << shift;
  }

  /** The size with the largest unit that divides it, at least KiB. */
  public static String format(long bytes) {
    String[] units = {"K", "M", "G", "T"};
    long count = bytes >> 10;
    int unit = 0;
    while (unit < units.length - 1 && count >= 1024 && count % 1024 == 0) {
      count /= 1024;
      unit++;
    }
    return count + units[unit];
  }
}
