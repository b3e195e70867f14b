package lodge.devices.ide;

/** Transfer modes as SET FEATURES sets them (ATA/ATAPI-6, table 44). Any is as fast as another. */
final class TransferMode {
  /** After power-on. */
  static final int DEFAULT = UltraDma.CODE | UltraDma.BEST;

  private static final int PIO = 0x08;
  private static final int BEST_PIO = 4;

  /** Multiword DMA. */
  private static final class MultiwordDma {
    static final int CODE = 0x20;
    static final int BEST = 2;
  }

  /** Ultra DMA. */
  private static final class UltraDma {
    static final int CODE = 0x40;
    static final int BEST = 5;
  }

  private TransferMode() {}

  /** Whether drives know it. */
  static boolean isKnown(int code) {
    return code <= 1 || isPio(code) || isDma(code);
  }

  private static boolean isPio(int code) {
    return code >= PIO && code <= PIO + BEST_PIO;
  }

  /** Whether it is a mode of DMA. */
  static boolean isDma(int code) {
    return code >= MultiwordDma.CODE && code <= MultiwordDma.CODE + MultiwordDma.BEST
        || code >= UltraDma.CODE && code <= UltraDma.CODE + UltraDma.BEST;
  }

  /** Word 63: multiword DMA modes, and which is set. */
  static int multiwordWord(int code) {
    return word(code, MultiwordDma.CODE, MultiwordDma.BEST);
  }

  /** Word 88: Ultra DMA modes, and which is set. */
  static int ultraWord(int code) {
    return word(code, UltraDma.CODE, UltraDma.BEST);
  }

  private static int word(int code, int first, int best) {
    int supported = (2 << best) - 1;
    return code >= first && code <= first + best ? supported | 1 << 8 + code - first : supported;
  }
}
