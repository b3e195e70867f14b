package lodge.cpu.x86;

/** DR0 to DR7 (SDM volume 3, 18.2). */
public final class DebugRegisters {
  /** General detect: the next MOV to or from a debug register traps. */
  public static final int DR7_GD = 1 << 13;

  /** Any enable bit of the four breakpoints. */
  public static final int DR7_ENABLES = 0xFF;

  /** L0 to L3, which a task switch clears, with LE. */
  static final int DR7_LOCAL = 0x155;

  /** A debug register was accessed although GD was set. */
  public static final int DR6_BD = 1 << 13;

  /** Single step. */
  public static final int DR6_BS = 1 << 14;

  /** Task switch to a TSS with the T bit. */
  public static final int DR6_BT = 1 << 15;

  private static final long DR6_FIXED = 0xFFFF_0FF0L;
  private static final long DR6_WRITABLE = 0xE00FL;
  private static final long DR7_FIXED = 0x400;
  private static final long DR7_WRITABLE = 0xFFFF_23FFL;

  private DebugRegisters() {}

  /** MOV from a debug register. */
  public static long read(Cpu c, int index) {
    return c.dr[check(c, index)];
  }

  /** MOV to a debug register. */
  public static void write(Cpu c, int index, long value) {
    int i = check(c, index);
    if (i >= 6 && value >>> 32 != 0) {
      throw c.generalProtection(0);
    }
    switch (i) {
      case 6 -> c.dr[6] = value & DR6_WRITABLE | DR6_FIXED;
      case 7 -> c.dr[7] = value & DR7_WRITABLE | DR7_FIXED;
      default -> c.dr[i] = value;
    }
  }

  /** Checks CR4.DE, privilege and GD; DR4 and DR5 are other names of DR6 and DR7. */
  private static int check(Cpu c, int index) {
    if (index > 7 || (index == 4 || index == 5) && (c.cr4 & Cpu.CR4_DE) != 0) {
      throw c.undefined();
    }
    if (c.cpl != 0) {
      throw c.generalProtection(0);
    }
    if ((c.dr[7] & DR7_GD) != 0) {
      c.dr[6] |= DR6_BD;
      throw c.fault(Vector.DB);
    }
    return index == 4 || index == 5 ? index + 2 : index;
  }
}
