package lodge.cpu.x86.silicon;

import java.util.Map;
import java.util.Set;

/**
 * Where Lodge may differ from this processor, each with the place in the manual that leaves it
 * open. Flags that the manual leaves undefined but that Lodge computes as Intel's processors do are
 * not listed, so that they stay compared.
 */
final class Tolerance {
  /**
   * The transcendental instructions are accurate to one unit in the last place of the 64-bit
   * significand (SDM volume 1, 8.3.10); C1 then says which way that particular approximation was
   * rounded.
   */
  private static final Set<String> TRANSCENDENTAL =
      Set.of("F2XM1", "FYL2X", "FYL2XP1", "FSIN", "FCOS", "FSINCOS", "FPTAN", "FPATAN");

  private static final int C1 = 1 << 9;

  /** RFLAGS bits by mnemonic; empty as long as all undefined flags agree. */
  private static final Map<String, Integer> RFLAGS = Map.of();

  private Tolerance() {}

  /** Whether results differ a little by right, so that what follows may differ a lot. */
  static boolean tolerates(String mnemonic) {
    return TRANSCENDENTAL.contains(mnemonic);
  }

  static CpuSnapshot.Mask of(Case c) {
    int rflags = 0;
    boolean transcendental = false;
    for (String mnemonic : c.name.split("; ")) {
      rflags |= RFLAGS.getOrDefault(mnemonic, 0);
      transcendental |= TRANSCENDENTAL.contains(mnemonic);
    }
    return new CpuSnapshot.Mask(rflags, transcendental ? C1 : 0, transcendental);
  }
}
