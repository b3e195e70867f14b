package lodge.cpu.x86;

import java.util.Map;
import lodge.core.Counters;
import lodge.core.Vcpu;
import lodge.cpu.x86.interpreter.CodeLimits;

/** Limits of what engines keep that are so narrow that they throw code away all the time. */
public final class Bounds {
  /** Between two batches nothing stays, and one page of code has its place at a time. */
  public static final CodeLimits NOTHING = new CodeLimits(0, 0, 1, 0, 1);

  /** A small program stays until it is translated; pages of code soon take each other's places. */
  public static final CodeLimits LITTLE = new CodeLimits(150, 1, 2, 2, 1);

  private Bounds() {}

  /** What a vCPU has counted. */
  public static Map<String, Long> counted(Vcpu vcpu) {
    Counters counters = new Counters();
    vcpu.count(counters);
    return counters.totals();
  }
}
