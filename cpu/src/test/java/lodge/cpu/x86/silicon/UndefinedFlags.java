package lodge.cpu.x86.silicon;

import java.util.Map;
import lodge.cpu.x86.Flags;

/**
 * Flags that the manual leaves undefined and in which Lodge may differ from this processor. What
 * Lodge computes as Intel's processors do is not listed, so that it stays compared.
 */
final class UndefinedFlags {
  /** RFLAGS bits by mnemonic; each with the place in the manual that leaves them open. */
  private static final Map<String, Integer> RFLAGS = Map.of();

  /** x87 status bits C0 (8), C1 (9), C2 (10), C3 (14) by mnemonic. */
  private static final Map<String, Integer> STATUS = Map.of();

  private UndefinedFlags() {}

  static CpuSnapshot.Mask of(Case c) {
    int rflags = 0;
    int status = 0;
    for (String mnemonic : c.name.split("; ")) {
      rflags |= RFLAGS.getOrDefault(mnemonic, 0);
      status |= STATUS.getOrDefault(mnemonic, 0);
    }
    return new CpuSnapshot.Mask(rflags & Flags.ARITHMETIC, status, false);
  }
}
