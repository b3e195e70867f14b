package lodge.bench;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The results as text. */
final class Table {
  private static final String ROW = "%-8s %10s %10s %10s %12s %14s %8s%n";

  private static final String RATES = "  %-26s %12s %12s %22s%n";

  private final StringBuilder text = new StringBuilder();

  /** Best milliseconds and ratios; {@code qemu} is empty when it was not measured. */
  Table kernels(
      List<String> names,
      Map<String, Double> bare,
      Map<String, Double> lodge,
      Map<String, Double> qemu) {
    text.append("Best milliseconds a round:\n");
    text.append(
        String.format(
            ROW, "kernel", "native", "Lodge", "QEMU TCG", "QEMU/Lodge", "Lodge/native", "MIPS"));
    for (String name : names) {
      Double ours = lodge.get(name);
      text.append(
          String.format(
              ROW,
              name,
              number(bare.get(name), "%.2f"),
              number(ours, "%.2f"),
              number(qemu.get(name), "%.2f"),
              number(ratio(qemu.get(name), ours), "%.2f"),
              number(ratio(ours, bare.get(name)), "%.1f"),
              number(ours == null ? null : Kernel.mips(name, ours), "%.0f")));
    }
    text.append(
        String.format(
            ROW,
            "geomean",
            "",
            "",
            "",
            number(mean(names, qemu, lodge), "%.2f"),
            number(mean(names, lodge, bare), "%.1f"),
            ""));
    return this;
  }

  /** Rates of two sides and how many times the second one's the first one's are. */
  Table rates(
      String title,
      String name,
      Map<String, Double> rates,
      String other,
      Map<String, Double> others) {
    text.append(title).append(":\n");
    text.append(String.format(RATES, "test", name, other, name + "/" + other));
    rates.forEach(
        (test, rate) ->
            text.append(
                String.format(
                    RATES,
                    test,
                    number(rate, "%.0f"),
                    number(others.get(test), "%.0f"),
                    number(ratio(rate, others.get(test)), "%.2f"))));
    if (rates.isEmpty()) {
      text.append("  no result\n");
    }
    text.append('\n');
    return this;
  }

  Table line(String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append('\n');
    return this;
  }

  private static String number(Double value, String format) {
    return value == null ? "-" : String.format(Locale.ROOT, format, value);
  }

  private static Double ratio(Double a, Double b) {
    return a == null || b == null || b == 0 ? null : Double.valueOf(a / b);
  }

  /** Geometric mean of the ratios of the kernels that both have; null when there is none. */
  static Double mean(List<String> names, Map<String, Double> above, Map<String, Double> below) {
    double sum = 0;
    int count = 0;
    for (String name : names) {
      Double ratio = ratio(above.get(name), below.get(name));
      if (ratio != null && ratio > 0) {
        sum += Math.log(ratio);
        count++;
      }
    }
    return count == 0 ? null : Double.valueOf(Math.exp(sum / count));
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
