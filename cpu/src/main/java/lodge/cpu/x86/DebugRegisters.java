package lodge.cpu.x86;

/** DR0 to DR7, and what they watch (SDM volume 3, 18.2 and 18.3). */
public final class DebugRegisters {
  /** General detect: the next MOV to or from a debug register traps. */
  public static final int DR7_GD = 1 << 13;

  /** L0 to L3, which a task switch clears, with LE. */
  static final int DR7_LOCAL = 0x155;

  /** B0 to B3: conditions that were met. */
  public static final int DR6_HITS = 0xF;

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

  // The R/W fields of DR7. The fourth value means reads and writes.
  private static final int ON_EXECUTION = 0;
  private static final int ON_WRITES = 1;
  private static final int ON_IO = 2;

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
    if (i != 6) {
      armed(c);
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
      report(c, DR6_BD);
      throw c.fault(Vector.DB);
    }
    return index == 4 || index == 5 ? index + 2 : index;
  }

  /**
   * Says in DR6 why there is a debug exception: bits 3:0 always tell about the last one, the others
   * stay until software clears them.
   */
  static void report(Cpu c, int reasons) {
    c.dr[6] = c.dr[6] & ~DR6_HITS | reasons;
  }

  // ---------------------------------------------------------------- breakpoints

  /** To be called after any change of DR0 to DR3, DR7 or CR4.DE: sorts the breakpoints by kind. */
  public static void armed(Cpu c) {
    int code = 0;
    int data = 0;
    int io = 0;
    for (int i = 0; i < 4; i++) {
      if ((c.dr[7] >>> 2 * i & 3) != 0) {
        switch (condition(c, i)) {
          case ON_EXECUTION -> code |= 1 << i;
          // Without debugging extensions the meaning is undefined: it never matches.
          case ON_IO -> io |= (c.cr4 & Cpu.CR4_DE) != 0 ? 1 << i : 0;
          default -> data |= 1 << i;
        }
      }
    }
    data |= c.debug.watches();
    boolean watching = (data | c.dataBreakpoints) != 0;
    c.codeBreakpoints = code;
    c.dataBreakpoints = data;
    c.ioBreakpoints = io;
    if (watching) {
      // Pages with a watched address are not in the TLB.
      c.mmu.flushAll();
    }
  }

  /** R/W of a breakpoint. */
  private static int condition(Cpu c, int i) {
    return (int) (c.dr[7] >>> 16 + 4 * i) & 3;
  }

  /** Bytes that a breakpoint covers, starting at a multiple of their number. */
  private static int length(Cpu c, int i) {
    return switch ((int) (c.dr[7] >>> 18 + 4 * i) & 3) {
      case 0 -> 1;
      case 1 -> 2;
      case 2 -> 8;
      default -> 4;
    };
  }

  /** The breakpoints of a set whose range overlaps another one. */
  private static int overlapping(Cpu c, int set, long start, int size) {
    int hits = 0;
    for (int i = 0; i < 4; i++) {
      if ((set >> i & 1) != 0) {
        int length = length(c, i);
        long watched = c.dr[i] & -length;
        if (Long.compareUnsigned(start - watched, length) < 0
            || Long.compareUnsigned(watched - start, size) < 0) {
          hits |= 1 << i;
        }
      }
    }
    return hits;
  }

  /**
   * The data breakpoints that an access hits, as bits 3:0.
   *
   * @param gva linear address
   * @param size in bytes
   */
  static int hitData(Cpu c, long gva, int size, boolean write) {
    int hits = overlapping(c, c.dataBreakpoints, gva, size);
    for (int i = 0; !write && i < 4; i++) {
      if (condition(c, i) == ON_WRITES) {
        hits &= ~(1 << i);
      }
    }
    return hits;
  }

  /** The I/O breakpoints that an access hits, as bits 3:0. */
  static int hitPort(Cpu c, int port, int size) {
    return overlapping(c, c.ioBreakpoints, port, size);
  }

  /**
   * The instruction breakpoints at an address, as bits 3:0.
   *
   * @param linear address of the instruction's first byte, prefixes included
   */
  public static int hitCode(Cpu c, long linear) {
    int hits = 0;
    for (int i = 0; i < 4; i++) {
      if ((c.codeBreakpoints >> i & 1) != 0 && c.dr[i] == linear) {
        hits |= 1 << i;
      }
    }
    return hits;
  }
}
