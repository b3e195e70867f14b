package lodge.cli;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes of disks as people write them: {@code 10G}, {@code 1.5T}; a plain number counts bytes. */
final class ByteSize implements ITypeConverter<Long> {
  private static final Pattern FORM =
      Pattern.compile("([0-9]{1,18}(?:\\.[0-9]{1,18})?)([bKMGTPE]?)", Pattern.CASE_INSENSITIVE);
  private static final String UNITS = "BKMGTPE";

  @Override
  public Long convert(String text) {
    try {
      return parse(text);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }

  /**
   * The size in bytes.
   *
   * @throws IllegalArgumentException with a line that says what would be right
   */
  static long parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("'" + text + "' is no size; write it like 512M or 10G");
    }
    int unit = Math.max(0, UNITS.indexOf(matcher.group(2).toUpperCase(Locale.ROOT)));
    BigDecimal bytes =
        new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(1L << 10 * unit));
    if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE - 511)) > 0) {
      throw new IllegalArgumentException("'" + text + "' is more than any disk has");
    }
    return bytes.longValue();
  }

  /** The size with three digits, as qemu-img prints it: {@code 1.46 MiB}. */
  static String format(long bytes) {
    BigDecimal value = BigDecimal.valueOf(bytes);
    int unit = 0;
    while (value.compareTo(BigDecimal.valueOf(1000)) >= 0) {
      value = value.divide(BigDecimal.valueOf(1024));
      unit++;
    }
    String digits = value.round(new MathContext(3)).stripTrailingZeros().toPlainString();
    return digits + " " + (unit == 0 ? "B" : UNITS.charAt(unit) + "iB");
  }
}
